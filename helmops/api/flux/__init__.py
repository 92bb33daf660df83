"""PURE: Flux's kinds as they are, mapped onto the internal model with Flux's own defaults."""
