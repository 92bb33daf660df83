"""The Kubernetes API, behind one port."""
