"""One line for each thing that happens, plain or JSON. Whoever writes one has scrubbed it of secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from helmops.ports import Clock


class Log:
    """``write`` takes finished lines. ``about`` is a release, or what else the line is about."""

    def __init__(self, clock: Clock, write: Callable[[str], None], *, as_json: bool = False) -> None:
        self._clock = clock
        self._write = write
        self._as_json = as_json

    def info(self, about: str, message: str = "", **fields: str | int | float) -> None:
        """As it should be."""
        self._line("info", about, message, fields)

    def error(self, about: str, message: str = "", **fields: str | int | float) -> None:
        """Somebody may want to look."""
        self._line("error", about, message, fields)

    def _line(self, level: str, about: str, message: str, fields: Mapping[str, str | int | float]) -> None:
        time = self._clock.now().isoformat(timespec="milliseconds")
        if self._as_json:
            told = {"time": time, "level": level, "about": about, "message": message, **fields}
            self._write(json.dumps(told, ensure_ascii=False))
            return
        words = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]
        text = json.dumps(message, ensure_ascii=False)[1:-1]  # one line, whatever a server said
        self._write(" ".join(word for word in (time, f"{level:5}", about, *words, text) if word))
