"""PURE: everything that can be decided without asking the world."""
