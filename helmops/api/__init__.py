"""PURE: the kinds a user writes, read into frozen dataclasses."""
