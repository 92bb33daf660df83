"""``--debug``: what is done and how long it takes, on stderr. Adapters log helm's commands without their values."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGER = logging.getLogger("helmops.cli")
_FORMAT = "%(relativeCreated)7d ms  %(name)s  %(message)s"


def configure(*, debug: bool) -> None:
    """Nothing is logged without ``debug``."""
    logger = logging.getLogger("helmops")
    logger.propagate = False
    logger.handlers = [logging.NullHandler()]
    if debug:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(_FORMAT))
        logger.handlers = [handler]
        logger.setLevel(logging.DEBUG)


class Phases:
    """The parts of a run, timed."""

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Log how long the block took."""
        started = time.perf_counter()
        try:
            yield
        finally:
            _LOGGER.debug("%s: %.0f ms", name, (time.perf_counter() - started) * 1000)
