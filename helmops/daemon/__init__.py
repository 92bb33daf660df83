"""The engine without end: what wakes it, who works on what, and how it is told."""
