"""PURE: the three functions everything rests on: determine, decide, record."""
