"""helmops keeps Helm releases as Git says they should be."""

__version__ = "0.1.0"
