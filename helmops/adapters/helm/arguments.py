"""Command lines of helm. PURE: from a request to an argv and what goes to stdin.

Values never stand here: they go to stdin. ``helm upgrade -f -`` with ``{}`` would reuse the old values, hence
``--reset-values`` always. Helm's own atomic flags are not used: they purge what the engine remembers.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from helmops.adapters.helm.capabilities import Capabilities
from helmops.api.model import ActionOptions
from helmops.ports import HelmChange, HelmRevert, RenderRequest

_ARGUMENT_LIMIT = 100_000  # Linux takes 128 KiB in one argument
_VALUES = ("--values", "-")
# JSON allows these as they are. Helm reads values as YAML, which refuses them, folds them into a space, or takes
# them for a byte order mark.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def encode_values(values: Mapping[str, Any]) -> bytes:
    """Values as JSON that Helm's YAML reader reads back unchanged.

    Non-ASCII text stays as it is: YAML, unlike JSON, knows no surrogate pairs.
    """
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def seconds(timeout: float) -> str:
    """A Go duration."""
    return f"{max(1, math.ceil(timeout))}s"


def template(request: RenderRequest) -> list[str]:
    """``helm template``: needs no cluster. Hooks and tests are part of the output."""
    argv = ["template", request.name, request.chart_path, "--namespace", request.target, *_VALUES]
    if request.is_upgrade:
        argv.append("--is-upgrade")
    if request.kube_version:
        argv += ["--kube-version", request.kube_version]
    for some in _joined(request.api_versions):
        argv += ["--api-versions", some]
    if request.skip_schema_validation:
        argv.append("--skip-schema-validation")
    return argv


def live_render(request: RenderRequest) -> list[str]:
    """What an upgrade (or install) would render now, ``lookup`` and the release's revision included."""
    argv = ["upgrade", request.name, request.chart_path, "--install", "--dry-run=server", "--output", "json"]
    argv += ["--namespace", request.target, "--reset-values", "--disable-openapi-validation", *_VALUES]
    if request.skip_schema_validation:
        argv.append("--skip-schema-validation")
    return argv


def install(change: HelmChange, known: Capabilities) -> list[str]:
    """``helm install``. ``--replace``: a name whose history was kept by an uninstall is free again."""
    argv = ["install", change.name, change.chart_path, "--replace", *_change(change, known)]
    if change.options.create_namespace:
        argv.append("--create-namespace")
    if change.options.skip_crds:
        argv.append("--skip-crds")
    return argv


def upgrade(change: HelmChange, known: Capabilities) -> list[str]:
    """``helm upgrade``."""
    argv = ["upgrade", change.name, change.chart_path, "--reset-values", *_change(change, known)]
    argv += ["--history-max", str(change.max_history)]
    if change.options.cleanup_on_fail:
        argv.append("--cleanup-on-fail")
    return argv


def rollback_flags(revert: HelmRevert, known: Capabilities) -> tuple[str, ...]:
    """What pyhelm3's ``rollback`` cannot say. helm's own knows neither ``--labels`` nor ``--description``."""
    return (*_waiting(revert.options, known), *(known.force_conflicts if revert.force_conflicts else ()))


def _change(change: HelmChange, known: Capabilities) -> list[str]:
    argv = ["--namespace", change.target, *_VALUES, "--hide-notes", *_action(change.options, known)]
    if change.labels:
        argv += ["--labels", ",".join(f"{key}={value}" for key, value in sorted(change.labels.items()))]
    if change.description:
        argv += ["--description", change.description]
    if not change.validate:
        argv.append("--disable-openapi-validation")
    if change.options.disable_schema_validation:
        argv.append("--skip-schema-validation")
    if change.force_conflicts:
        argv += known.force_conflicts
    return argv


def _action(options: ActionOptions, known: Capabilities) -> list[str]:
    hooks = ["--no-hooks"] if options.disable_hooks else []
    return ["--timeout", seconds(options.timeout), *hooks, *_waiting(options, known)]


def _waiting(options: ActionOptions, known: Capabilities) -> tuple[str, ...]:
    if options.disable_wait:
        return ()
    return (known.wait,) if options.disable_wait_for_jobs else (known.wait, "--wait-for-jobs")


def _joined(words: tuple[str, ...]) -> Iterator[str]:
    """Words joined by commas, in pieces that fit an argument (one flag with 600 words is cheaper than 600 flags)."""
    piece: list[str] = []
    size = 0
    for word in words:
        if size + len(word) > _ARGUMENT_LIMIT:
            yield ",".join(piece)
            piece, size = [], 0
        piece.append(word)
        size += len(word) + 1
    if piece:
        yield ",".join(piece)
