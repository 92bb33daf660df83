"""Examples: each is run by a test (tests/e2e/test_examples.py)."""
