"""One outside system each; no adapter imports another but process and http."""
