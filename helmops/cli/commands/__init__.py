"""One command a module, imported when it is run: parse, use case, print."""
