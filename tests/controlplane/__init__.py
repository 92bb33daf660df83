"""A real Kubernetes control plane from plain processes, and the tools that talk to it."""
