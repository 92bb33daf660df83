"""Faults to order, and how often each method was called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class _Fault:
    error: Exception
    left: int | None
    when: Callable[..., bool] | None


class Faults:
    """Base of fakes. ``calls`` counts each method by its name."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._faults: dict[str, list[_Fault]] = {}

    def fail_next(
        self, method: str, error: Exception, *, times: int | None = 1, when: Callable[..., bool] | None = None
    ) -> None:
        """Let the next calls of ``method`` fail: ``times`` of them (None: all), those whose arguments ``when`` likes.

        ``when`` is given what the method was given, without the ``Access``.
        """
        self._faults.setdefault(method, []).append(_Fault(error, times, when))

    def _called(self, method: str, *arguments: Any) -> None:
        self.calls[method] += 1
        for fault in self._faults.get(method, ()):
            if fault.left != 0 and (fault.when is None or fault.when(*arguments)):
                if fault.left is not None:
                    fault.left -= 1
                raise fault.error
