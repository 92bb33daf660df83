"""A fake for each port, and builders, for tests."""
