"""PyPI packages that carry programs, pinned with their hashes in ``pinned/``."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .cache import run_telling

FOLDER = Path(__file__).resolve().parent / "pinned"


@dataclass(frozen=True)
class Pin:
    """One package; the file ``pinned/<name>.txt`` says which."""

    name: str

    @property
    def file(self) -> Path:
        """The requirements file, with a hash of every wheel."""
        return FOLDER / f"{self.name}.txt"

    @property
    def version(self) -> str:
        """The pinned version."""
        found = re.search(r"==(\S+)", self.file.read_text())
        if not found:
            raise ValueError(f"{self.file} pins no version")
        return found[1]

    def pip(self, verb: str, *options: str | Path) -> None:
        """Run ``pip install`` or ``pip download`` for this package; pip checks the hash."""
        pip = [sys.executable, "-m", "pip", verb, "--no-deps", "--require-hashes", "--only-binary", ":all:"]
        run_telling(f"pip {verb} {self.name}", [*pip, *options, "-r", self.file])
