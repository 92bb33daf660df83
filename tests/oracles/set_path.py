"""Records how helm reads ``--set``: ``python -m tests.oracles.set_path HELM3 HELM4``.

A case is [flag, base, path, value, seen 3, seen 4]: what a chart without defaults sees of ``-f base <flag> path=value``
in Helm 3 and in Helm 4; null instead of values where helm refuses.
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

from tests.oracles import helm

Question = tuple[str, Any, str, str]

BASE: dict[str, Any] = {"a": {"b": 1, "c": [1, {"d": 2}]}, "l": ["x", "y"], "n": None, "s": "text", "e": {}}
PATHS = [
    "a", "b", "a.b", "a.x", "a.c", "a.c[0]", "a.c[1]", "a.c[1].d", "a.c[1].e.f", "a.c[3]", "a.c[0].x", "l[0]", "l[1]",
    "l[2]", "l[4].x", "l[0][1]", "m[0]", "m[1].x[0].y", "m[0][0]", "n", "n.x", "n[0]", "s", "s.x", "s[0]", "l.x",
    "a[0]", "e", "e.x", "a\\.b", "a.x\\.y/z", "with-dash", "x\\,y", "x\\=y", "x\\[0]", "q\\\\w", "1", "a.1",
    "true", "null", "[0]", "a[", "a[]", "a[x]", "a[-1]", "a[0]x", "a[0]x.y", "m[65537]", "l[+1]", "l[01]",
    "l[0].", " a ", "é",
]  # fmt: skip
VALUES = [
    "", "x", "1", "0", "-1", "+5", "-0", "00", "007", "1.5", "1e3", "0x10", "1_000", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "true", "True", "FALSE", "yes", "null", "NULL", "nil", "~", "a b",
    " 1", "1 ", "a\\,b", "a,b", "a,b=2", "a,b=2,", "a,", "a,,b=1", "a=b", "a.b", "a[0]", "{}", "{,}", "{a}", "{a,b}",
    "{1,x,true,null}", "{a\\,b,c}", "{a",
    "{a,b}x", "{a},b=1", "{a},", "{{a}}", "{ a , b }", "a}", "\\{a}", "a\\", "\\\\", "\\n", "a\nb",
    "x\n", "'1'", '"1"', "a: 1", "é", "{a,}", "{,a}", "{\\}}", "[]", "{'a'}",
]  # fmt: skip
FLAGS = ("--set", "--set-string", "--set-literal")
RANDOM = 250


def questions() -> list[Question]:
    rng = random.Random(7)
    found: list[Question] = [("--set", BASE, path, "1") for path in PATHS]
    found += [(flag, {}, "a", value) for flag in FLAGS for value in VALUES]
    found += [("--set", BASE, "l[3]", value) for value in VALUES]
    found += [("--set-literal", BASE, path, "1,b=2") for path in PATHS if "\\" not in path]
    found += [(rng.choice(FLAGS[:2]), BASE, rng.choice(PATHS), rng.choice(VALUES)) for _ in range(RANDOM)]
    found += [("--set", {}, ".".join("x" * depth), "1") for depth in (30, 31, 32, 33)]
    return found


def main(helm3: str, helm4: str) -> None:
    def ask(question: Question) -> list[Any]:
        flag, base, path, value = question
        files, words = [json.dumps(base)], [flag, f"{path}={value}"]
        return [*question, *(helm.values_seen(one, files, words=words)[0] for one in (helm3, helm4))]

    versions = [helm.version(helm3), helm.version(helm4)]
    helm.record("set_path_helm.json", {"helm": versions}, helm.ask_all(ask, questions()))


if __name__ == "__main__":
    main(*sys.argv[1:])
