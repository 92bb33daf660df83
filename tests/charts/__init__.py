"""The project's own charts, and copies of them under other versions."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

CHARTS = Path(__file__).resolve().parent
NAMES = ("webapp", "database", "crds", "parent", "faulty")
WEBAPP_VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1", "2.0.0")


def chart(name: str) -> Path:
    """The folder of one chart, not to be written to."""
    return CHARTS / name


def copy_chart(
    name: str,
    into: Path,
    version: str,
    *,
    app_version: str | None = None,
    replace: Mapping[str, tuple[str, str]] | None = None,
) -> Path:
    """Copy a chart as ``version``; ``replace`` maps a file of it to an (old, new) text inside.

    The appVersion becomes the version too, so that two versions differ in image and labels.
    """
    target = into / f"{name}-{version}"
    shutil.copytree(CHARTS / name, target)
    manifest = target / "Chart.yaml"
    fields = yaml.safe_load(manifest.read_text())
    fields |= {"version": version, "appVersion": app_version or version}
    manifest.write_text(yaml.safe_dump(fields, sort_keys=False))
    for file, (old, new) in (replace or {}).items():
        text = (target / file).read_text()
        if old not in text:
            raise ValueError(f"{old!r} is not in {file} of {name}")
        (target / file).write_text(text.replace(old, new))
    return target


def copy_webapp(into: Path, version: str) -> Path:
    """A version of webapp; from 2.0.0 on its ConfigMap says so, a change of a template."""
    if version.startswith("1."):
        return copy_chart("webapp", into, version)
    new = "\ndata:\n  generation: {{ .Chart.Version | quote }}\n"
    return copy_chart("webapp", into, version, replace={"templates/configmap.yaml": ("\ndata:\n", new)})
