"""Asking helm: a tiny chart that prints its values, and a way to write recordings that diff well."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

DATA = Path(__file__).parent.parent / "unit" / "core" / "data"

_CHART = "apiVersion: v2\nname: probe\nversion: 1.0.0\n"
_TEMPLATE = "values: {{ .Values | toJson | b64enc }}\n"
_ANSWER = re.compile(r"^values: (\S+)$", re.MULTILINE)

Q = TypeVar("Q")
A = TypeVar("A")


def version(helm: str) -> str:
    run = subprocess.run([helm, "version", "--template", "{{.Version}}"], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def values_seen(helm: str, files: Sequence[str], *, defaults: str = "", words: Sequence[str] = ()) -> tuple[Any, str]:
    """What a chart with these defaults sees of these values files (texts) and of further ``words`` on the command line:
    (values, "") or (None, what helm said)."""
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder, "chart")
        chart.joinpath("templates").mkdir(parents=True)
        chart.joinpath("Chart.yaml").write_text(_CHART)
        chart.joinpath("values.yaml").write_text(defaults)
        chart.joinpath("templates", "values.yaml").write_text(_TEMPLATE)
        arguments = [helm, "template", "probe", str(chart)]
        for number, text in enumerate(files):
            path = Path(folder, f"{number}.yaml")
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            arguments += ["-f", str(path)]
        arguments += words
        run = subprocess.run(arguments, capture_output=True, text=True)
        if run.returncode:
            return None, run.stderr.strip().replace(folder, "")
        found = _ANSWER.search(run.stdout)
        assert found, run.stdout
        return json.loads(base64.b64decode(found[1])), ""


def ask_all(ask: Callable[[Q], A], questions: Iterable[Q]) -> list[A]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(ask, questions))


def record(name: str, head: dict[str, Any], cases: Iterable[Any]) -> None:
    """One case a line, so that a change of one answer is a change of one line."""
    rows = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in cases)
    top = "".join(f"{json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    DATA.mkdir(parents=True, exist_ok=True)
    DATA.joinpath(name).write_text(f'{{\n{top}"cases": [\n{rows}\n]\n}}\n')
