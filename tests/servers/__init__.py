"""Real servers on loopback: a Helm repository, an OCI registry, a git server."""
