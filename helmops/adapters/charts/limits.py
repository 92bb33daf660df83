"""How big what others made may be. Two settings; everything else is a share of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from helmops.errors import InputError

MIB = 1024 * 1024

CHART_SETTING = "HELMOPS_MAX_CHART_BYTES"
INDEX_SETTING = "HELMOPS_MAX_INDEX_BYTES"


@dataclass(frozen=True, slots=True)
class Limits:
    """``chart``: bytes of an unpacked chart. ``index``: bytes of a repository's index, or of a registry's tags."""

    chart: int = 100 * MIB
    index: int = 64 * MIB

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Limits:
        """The limits that the environment sets."""
        return cls(_bytes(environ, CHART_SETTING, cls().chart), _bytes(environ, INDEX_SETTING, cls().index))

    @property
    def archive(self) -> int:
        """Bytes of a packed chart: 20 MiB."""
        return self.chart // 5

    @property
    def manifest(self) -> int:
        """Bytes of any other answer of a registry: 4 MiB, which registries have to take."""
        return self.index // 16

    @property
    def file(self) -> int:
        """Bytes of one file of a chart: 10 MiB."""
        return self.chart // 10

    @property
    def files(self) -> int:
        """Files of a chart: 10,240."""
        return max(self.chart // (10 * 1024), 10)


class Budget:
    """Counts what one chart takes, subcharts included, and stops before it is too much."""

    def __init__(self, limits: Limits, where: str) -> None:
        self._limits = limits
        self._where = where
        self._files = 0
        self._bytes = 0

    def entry(self) -> None:
        """One more file or folder."""
        self._files += 1
        if self._files > self._limits.files:
            raise self.error(f"the chart has more than {self._limits.files:,} files")

    def file(self, path: str, size: int) -> None:
        """The content of one file."""
        if size > self._limits.file:
            raise self.error(f"{path} is bigger than {self._limits.file:,} bytes")
        self._bytes += size
        if self._bytes > self._limits.chart:
            raise self.error(f"the unpacked chart is bigger than {self._limits.chart:,} bytes")

    def archive(self, size: int) -> None:
        """A packed chart, before it is read."""
        if size > self._limits.archive:
            raise self.error(f"the packed chart is bigger than {self._limits.archive:,} bytes")

    @property
    def stream(self) -> int:
        """The most bytes that a tar stream may come to, its headers included."""
        return self._limits.chart + 4096 * self._limits.files

    def error(self, message: str) -> InputError:
        """The refusal, with the setting that lifts it."""
        return InputError(message, where=self._where, hint=f"if that is as it should be, raise {CHART_SETTING}")


def _bytes(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) == 0:
        raise InputError(f"{name} must be a number of bytes, not {text!r}")
    return int(text)
