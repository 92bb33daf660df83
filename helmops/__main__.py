"""``python -m helmops``, and the console script."""

from __future__ import annotations

import sys

from helmops.cli.app import main as run
from helmops.cli.output.stream import finish


def main() -> None:
    """Exit with the command's code."""
    code = run()
    finish()
    sys.exit(code)


if __name__ == "__main__":
    main()
