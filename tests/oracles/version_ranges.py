"""Records how helm reads version ranges: ``python -m tests.oracles.version_ranges HELM [HELM …]``.

A case is [range, which of the versions ``helm search repo --version`` finds (None: refused), which one ``helm pull
--version`` asks a repository for (None: none)]. Several helms must agree on every case.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.oracles import helm

# Newest first is helm's doing, not the index's: they are listed in no order.
VERSIONS = """
1.2.3 0.0.0 0.0.1 0.0.3 0.0.4 0.1.0 0.2.2 0.2.3 0.2.9 0.3.0 1.0.0 1.0.1 1.1.0 1.2.0 1.2.4 1.2.10 1.3.0 1.10.0 2.0.0
2.0.1 2.1.0 2.2.3 3.0.0 10.0.0 v4.0.0 v4.1.0 4.1.1 5.2 6 1.2.3-alpha 1.2.3-alpha.1 1.2.3-alpha.2 1.2.3-alpha.10
1.2.3-beta 1.2.3-rc.1 1.2.4-alpha 1.3.0-alpha 2.0.0-0 2.0.0-alpha 2.0.0-rc.1 3.0.0-1 3.0.0-2 3.0.0-10 3.0.0-x.7.z.92
3.1.0-rc1 11.0.0-pre 0.0.0-alpha 0.0.1-0 0.2.3-beta 7.0.0+build.1 7.0.0-a+b 8.0.0-alpha-beta 8.0.0--1 0.0.0-0
""".split()  # noqa: SIM905

RANGES = """
* x X ^* ~* =* !=* >* <* >=* <=* 1 1.x 1.X 1.* 1.2 1.2.x 1.2.* 1.x.x 1.x.3 x.1 v1 v1.2 v1.2.3 =1.2.3 = 1.2.3 ==1.2.3
1.2.3 1.2.3-alpha 1.2.3-alpha.1 1.2.3-zzz 9.9.9 v4.0.0 4.0.0 v4.1.1 5.2 5.2.0 v5.2 6 6.0.0 7.0.0 7.0.0+build.1
7.0.0+other 7.0.0-a 7.0.0-a+b 01.02.03 1.2.03 1.2.3-01
!=1 !=1.2 !=1.2.3 !=1.x !=1.2.x !=1.2.x-alpha !=2.0.0-alpha !=0.0.0
>1 >1.2 >1.2.3 >1.2.3-alpha >1.x >1.2.x >11 >0 >0.0.0-0 >=1 >=1.2 >=1.2.3 >=1.2.3-alpha >=1.x => =>1.2 =<1.2
<1 <1.2 <1.2.3 <1.2.3-beta <1.x <2.0.0-alpha <2-0 <=1 <=1.2 <=1.2.3 <=1.2.3-beta <=1.x <=1.2.x <=0 <=2.0.0-alpha
~0 ~0.0 ~0.0.0 ~0.0.0-0 ~1 ~1.x ~1.2 ~1.2.x ~1.2.3 ~1.2.3-alpha ~1.2.0-0 ~>1.2 ~>1.2.3 ~2 ~2.0.0-0 ~3.0.0-2
^0 ^0.0 ^0.0.0 ^0.0.1 ^0.0.3 ^0.0.x ^0.2 ^0.2.3 ^0.2.3-alpha ^0.x ^1 ^1.2 ^1.2.3 ^1.2.3-alpha ^1.x ^1.2.x ^2.0.0-0
^2-0 ^3.0.0-1 ^10 ^11.0.0-0 ^v1.2.3 ~v1.2
*-0 x-0 1-0 1.x-0 1.2-0 1.2.x-0 ^1.2-0 >=1-0 >0.0.0-0 8.0.0--1 8.x-0 3.1.0-rc1
foo 1.2.3.4 1.2.3- 1.2.3+ 1..2 .1 1. v vv1 1x 1.2x xx x1 - -1 ! >< >>1 <>1 1|2 || 1| |1 , 1,, 18446744073709551616 ~~1
^^1 latest V1.2.3 1.2.3_b 1.2.3-a..b ^1.2.3-01 99999999999999999999.0.0
""".split()  # noqa: SIM905

SENTENCES = [
    "= 1.2.3",
    ">= 1.2.3",
    "^ 1.2",
    "> =1.2",
    ">=1.2 <2",
    ">=1.2, <2",
    ">=1.2,<2",
    ">=1.2 , <2",
    ">=1.2<2",
    ">=1.2 ,, <2",
    ">=1.2,",
    ", >=1.2",
    " >=1.2 ",
    ">=1.0 !=1.2.3 <1.3",
    ">=1.0 !=1.2.x <2",
    ">=1.2.3-alpha <1.2.4",
    ">=1.2.3 <2.0.0-0",
    ">=1.2.3-0 <2.0.0-0",
    "1.x || 2.x",
    "1.x||2.x",
    "1.x || 3.0.0-1",
    "1.x || >=3.0.0-0 <3.0.0",
    "<1 || >=2",
    "<1 ||",
    "|| 1",
    "1 || foo",
    "9 || 1.2.3",
    "^1.2.3-alpha || 2.x",
    "1.0 - 1.2",
    "1.0.0 - 1.2.3",
    "1 - 2",
    "1.x - 2.x",
    "1.2.3-alpha - 2.0.0",
    "1.2.3 - 2.0.0-rc.1",
    "v1.0 - v2.0",
    "1.0  -  1.2",
    "1.0 -1.2",
    "1.0- 1.2",
    "1.0-1.2",
    ">1.0 - 1.2",
    "1.0 - 1.2 || 3.x",
    "1.0 - 1.2, !=1.1.0",
    "1.0 - 1.2 !=1.1.0",
    "!=1.1.0 1.0 - 1.2",
    "* - 2",
    "1.2.3 1.2.4",
    "1.2.3 1.2.3-alpha",
    "* || 1.2.3-alpha",
    ">0.0.0-0, <1",
    " ",
    ">=1\t<2",
    " || ".join(["9"] * 31 + ["1"]),
]


def ranges() -> list[str]:
    """The above, and as many again at random."""
    rng = random.Random(3)
    operators = ["", "=", "!=", ">", "<", ">=", "<=", "~", "^"]
    bounds = [version.removeprefix("v") for version in VERSIONS] + ["1", "2", "1.2", "0.2", "1.x", "2.x", "0.x"]
    single = [rng.choice(operators) + rng.choice(bounds) for _ in range(400)]
    drawn = [rng.choice([" ", ", ", " || "]).join(single[place : place + rng.randint(1, 3)]) for place in range(200)]
    return list(dict.fromkeys(["", *RANGES, *SENTENCES, *drawn]))


def index() -> str:
    entries = [{"apiVersion": "v2", "name": "c", "version": text, "urls": [f"c-{text}.tgz"]} for text in VERSIONS]
    return json.dumps({"apiVersion": "v1", "entries": {"c": entries}})


class _Repository(BaseHTTPRequestHandler):
    """Has an index and no chart: what helm then misses is what it chose."""

    def do_GET(self) -> None:
        found = self.path == "/index.yaml"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(index().encode() if found else b"")

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def repository() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Repository)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """An environment in which helm knows the repository ``r`` by its cached index."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "r-index.yaml").write_text(index())
        Path(folder, "repositories.yaml").write_text("repositories:\n- {name: r, url: http://127.0.0.1}\n")
        yield os.environ | {
            "HELM_CACHE_HOME": folder,
            "HELM_CONFIG_HOME": folder,
            "HELM_DATA_HOME": folder,
            "HELM_REPOSITORY_CACHE": folder,
            "HELM_REPOSITORY_CONFIG": f"{folder}/repositories.yaml",
        }


def found(path: str, wanted: str, env: dict[str, str]) -> list[str] | None:
    command = [path, "search", "repo", "r/c", "--versions", "--output", "json", "--version", wanted]
    run = subprocess.run(command, capture_output=True, text=True, env=env)
    return sorted(row["version"] for row in json.loads(run.stdout)) if run.returncode == 0 else None


def pulled(path: str, wanted: str, url: str, env: dict[str, str]) -> str | None:
    command = [path, "pull", "c", "--repo", url, "--version", wanted, "--destination", env["HELM_CACHE_HOME"]]
    run = subprocess.run(command, capture_output=True, text=True, env=env)
    missed = re.search(r"/c-(\S+)\.tgz", run.stderr)
    return missed[1].replace("%2B", "+") if missed else None


def main(paths: list[str]) -> None:
    with repository() as url, home() as env:

        def ask(wanted: str) -> list[Any]:
            # Without --version, search finds the stable ones by a range of its own.
            answers = [[found(path, wanted or "*", env), pulled(path, wanted, url, env)] for path in paths]
            if any(answer != answers[0] for answer in answers):
                raise SystemExit(f"the helms disagree on {wanted!r}: {answers}")
            return [wanted, *answers[0]]

        cases = helm.ask_all(ask, ranges())
    helm.record("versions_helm.json", {"helm": [helm.version(path) for path in paths], "versions": VERSIONS}, cases)


if __name__ == "__main__":
    main(sys.argv[1:])
