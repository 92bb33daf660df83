"""Colours, for terminals only; and texts of others made harmless for a terminal. PURE."""

from __future__ import annotations

from dataclasses import dataclass

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


@dataclass(frozen=True, slots=True)
class Paint:
    """``paint("text", "red")``; without ``on`` the text as it is."""

    on: bool = False

    def __call__(self, text: str, style: str) -> str:
        """The text in a style."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.on and text else text


def clean(text: str) -> str:
    """Text from a cluster, a chart or helm on one line: no control character of it reaches the terminal."""
    return "".join(char if char.isprintable() else " " if char in "\n\t\r" else "�" for char in text)


def clean_lines(text: str) -> list[str]:
    """The same, line by line."""
    return [clean(line) for line in text.splitlines()]


def indented(lines: list[str], by: int) -> list[str]:
    """Lines moved to the right."""
    return [f"{' ' * by}{line}" for line in lines]


def columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows as aligned columns, two blanks apart, nothing behind the last."""
    if not rows:
        return []
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in padded]
