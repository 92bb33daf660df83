"""Exit codes; docs/reference/cli.md tells them to users. Which one when: helmops/cli/outcome.py."""

from __future__ import annotations

DONE = 0
ERROR = 1
CHANGES = 2
DRIFT = 3
PARTIAL = 4
LOCKED = 5
INTERRUPTED = 130
