"""The helm program, behind one port."""
