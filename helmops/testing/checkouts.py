"""Checkouts in name only: the files are those of ``FakeFiles``."""

from __future__ import annotations

from collections.abc import Collection

from helmops.errors import HelmopsError, InputError


class FakeCheckouts:
    """Port ``Checkouts``. ``commits`` by (url, ref); ``error`` is raised while it is set; ``used``: as last told."""

    def __init__(self) -> None:
        self.commits: dict[tuple[str, str], str] = {}
        self.error: HelmopsError | None = None
        self.used: tuple[str, ...] = ()

    async def folder(self, url: str, ref: str, *, used: Collection[str] = ()) -> str:
        """A folder by the commit's name."""
        if self.error:
            raise self.error
        if (url, ref) not in self.commits:
            raise InputError(f"{url} has no branch or tag {ref!r}")
        self.used = tuple(used)
        return f"/checkouts/{self.commits[url, ref]}"
