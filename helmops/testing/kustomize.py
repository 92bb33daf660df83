"""Kustomize without a program."""

from __future__ import annotations

from collections.abc import Mapping

from helmops.errors import InputError


class FakeKustomizer:
    """Port ``Kustomizer``: what comes of each folder. ``built`` lists the folders in order."""

    def __init__(self, results: Mapping[str, str] | None = None) -> None:
        self.results = dict(results or {})
        self.built: list[str] = []

    async def build(self, folder: str, *, root: str, shown: str) -> str:
        """InputError for a folder of which nothing was said."""
        self.built.append(folder)
        if folder not in self.results:
            raise InputError(f"{shown}: kustomize cannot build it")
        return self.results[folder]
