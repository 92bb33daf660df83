"""Records how helm merges values: ``python -m tests.oracles.values_merge HELM3 HELM4``.

A case is [base, over, merged, seen 3, seen 4]: what ``-f base -f over`` gives, and what a chart with the defaults
``base`` sees of ``-f over`` in Helm 3 and in Helm 4.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

from tests.oracles import helm

CASES = 600
KEYS = ["a", "b", "c", "d", "a.b", "%41", "", "é", "1", "true", "<<"]
SCALARS: list[Any] = [None, None, None, True, False, 0, 1, -7, 2.5, "", "text", "null", "1e3", [], {}]


def value(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth and kind < 0.5:
        return mapping(rng, depth - 1)
    if depth and kind < 0.6:
        return [value(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return rng.choice(SCALARS)


def mapping(rng: random.Random, depth: int) -> dict[str, Any]:
    keys = KEYS[:4] if rng.random() < 0.8 else KEYS
    return {key: value(rng, depth) for key in rng.sample(keys, rng.randint(0, 4))}


def pairs() -> list[tuple[Any, Any]]:
    rng = random.Random(4)
    return [(mapping(rng, 3), mapping(rng, 3)) for _ in range(CASES)]


def seen(path: str, defaults: Any, *files: Any) -> Any:
    values, error = helm.values_seen(path, [json.dumps(file) for file in files], defaults=json.dumps(defaults))
    if error:
        raise SystemExit(f"{defaults} {files}: {error}")
    return values


def main(helm3: str, helm4: str) -> None:
    def ask(pair: tuple[Any, Any]) -> list[Any]:
        base, over = pair
        merged = seen(helm4, {}, base, over)
        if merged != seen(helm3, {}, base, over):
            raise SystemExit(f"the helms disagree on {pair}")
        return [base, over, merged, seen(helm3, base, over), seen(helm4, base, over)]

    versions = [helm.version(helm3), helm.version(helm4)]
    helm.record("merge_helm.json", {"helm": versions}, helm.ask_all(ask, pairs()))


if __name__ == "__main__":
    main(*sys.argv[1:])
