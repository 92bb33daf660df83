"""PURE: what Helm rendered, read as objects."""
