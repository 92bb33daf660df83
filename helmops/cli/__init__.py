"""Commands, each thin, loaded when called."""
