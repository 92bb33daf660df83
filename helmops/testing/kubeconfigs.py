"""Kubeconfigs in memory."""

from __future__ import annotations

from helmops.api.model import ClusterRef


class FakeKubeconfigs:
    """Port ``Kubeconfigs``. ``kept``: what was handed in, by where it came from."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def keep(self, text: str, *, where: str) -> ClusterRef:
        """A cluster that is named by where its kubeconfig came from."""
        self.kept[where] = text
        return ClusterRef(where, "")
