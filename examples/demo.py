"""``make demo``: the first example, told step by step.

python -m examples.demo                  on a control plane that is brought up for it
python -m examples.demo --context NAME   on a cluster of yours, in the namespace helmops-demo
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.controlplane import tools
from tests.controlplane.cache import cache_root
from tests.controlplane.cluster import Cluster

EXAMPLE = Path(__file__).parent / "01-first-release"
NAMESPACE = "helmops-demo"
# Whatever the cluster is made of: no registry has this image, and the embedded one simulates the same.
BROKEN = "image: registry.invalid/none:0\npodAnnotations: {helmops.test/sim: image-pull}\n"


class Demo:
    """Runs commands as a person would type them, and says what came of it."""

    def __init__(self, folder: Path, context: str, kubeconfig: Path | None, namespace: str = NAMESPACE) -> None:
        self.folder = folder
        self.context = context
        self.namespace = namespace
        self.started = folder.parent / "helm-processes"
        self.helm = tools.best_helm()
        self.kubectl = tools.best_kubectl()
        self.environment = {**os.environ, "HELM_BIN": str(self._counting_helm())}
        if kubeconfig is not None:
            self.environment["KUBECONFIG"] = str(kubeconfig)

    def tell(self, text: str) -> None:
        """What happens next, in a sentence."""
        print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)

    def helmops(self, *words: str, expect: int = 0) -> float:
        """Run helmops; seconds. It must end with the code that is expected."""
        print(f"$ helm helmops {' '.join(words)}", flush=True)
        self.started.unlink(missing_ok=True)
        begun = time.monotonic()
        argv = [sys.executable, "-m", "helmops", *words, *self._where("--kube-context")]
        code = subprocess.run(argv, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL).returncode
        if code != expect:
            raise SystemExit(f"that ended with exit code {code}; the demo expected {expect}")
        return time.monotonic() - begun

    def kube(self, *words: str) -> str:
        """Run kubectl and show it."""
        print(f"$ kubectl {' '.join(words)}", flush=True)
        argv = [str(self.kubectl), *self._where("--context"), "-n", self.namespace, *words]
        out = subprocess.run(argv, env=self.environment, check=True, capture_output=True, text=True).stdout
        print(out, end="", flush=True)
        return out

    def processes(self) -> int:
        """Helm processes of the last command."""
        return len(self.started.read_text().splitlines()) if self.started.exists() else 0

    def edit(self, file: str, old: str, new: str) -> None:
        """Change one line of the manifests."""
        path = self.folder / file
        text = path.read_text()
        if old not in text:
            raise SystemExit(f"{old!r} is not in {file} of the example")
        path.write_text(text.replace(old, new))
        print(f"  {file}: {old.strip()!r} → {new.strip()!r}", flush=True)

    def _where(self, flag: str) -> list[str]:
        return [flag, self.context] if self.context else []

    def _counting_helm(self) -> Path:
        script = self.folder.parent / "helm"
        script.write_text(f'#!/bin/sh\necho x >> "{self.started}"\nexec "{self.helm}" "$@"\n')
        script.chmod(0o755)
        return script


def main() -> None:
    """Bring up what is needed, run, clean up."""
    parser = argparse.ArgumentParser(description="The first example of helmops, step by step.")
    parser.add_argument("--context", default="", help="a context of your kubeconfig; without it, an embedded cluster")
    context = parser.parse_args().context
    with tempfile.TemporaryDirectory(prefix="helmops-demo-") as folder, cluster(context) as kubeconfig:
        tour(Demo(copy_example(Path(folder) / "example", NAMESPACE), context, kubeconfig))


def copy_example(target: Path, namespace: str) -> Path:
    """The example, for another namespace and an owner of its own: nobody else's releases are in reach of --prune."""
    shutil.copytree(EXAMPLE, target)
    for file, old, new in (
        ("namespace.yaml", "  name: hello\n", f"  name: {namespace}\n"),
        ("hello.yaml", "  namespace: hello\n", f"  namespace: {namespace}\n"),
        ("helmops.yaml", "owner: examples/first-release", f"owner: {namespace}/first-release"),
    ):
        text = (target / file).read_text()
        (target / file).write_text(text.replace(old, new))
    return target


@contextmanager
def cluster(context: str) -> Iterator[Path | None]:
    """The user's cluster only when it is named."""
    if context:
        yield None
        return
    embedded = Cluster(cache_root() / "demo-cluster")
    try:
        print("Bringing up a Kubernetes control plane on loopback …", flush=True)
        yield embedded.up()
    finally:
        embedded.down()


def tour(demo: Demo) -> None:
    """The main job."""
    demo.tell("Two releases and a namespace stand in a folder. What would happen?")
    demo.helmops("plan", ".")
    demo.tell("Make it so. The second release waits for the first.")
    demo.helmops("sync", ".", "--yes")
    demo.kube("get", "deployments")

    demo.tell("Again: nothing has changed, so nothing is done.")
    seconds = demo.helmops("sync", ".", "--yes")
    print(f"  {demo.processes()} helm processes, {seconds:.1f} s")

    demo.tell("Change one value in Git.")
    demo.edit("values/production.yaml", "replicaCount: 2", "replicaCount: 3")
    demo.helmops("sync", ".", "--yes")

    demo.tell("Somebody scales by hand and deletes a ConfigMap. It is seen, and put right without a new revision.")
    demo.kube("scale", "deployment", "hello", "--replicas", "7")
    demo.kube("delete", "configmap", "goodbye")
    demo.helmops("plan", ".", "--detailed-exitcode", expect=3)
    demo.helmops("sync", ".", "--yes")
    demo.kube("get", "deployments")

    demo.tell("Deploy something that never gets ready. It is rolled back.")
    with (demo.folder / "values/production.yaml").open("a") as values:
        values.write(BROKEN)
    demo.edit("hello.yaml", "timeout: 2m", "timeout: 10s")
    demo.helmops("sync", ".", "--yes", expect=4)
    demo.tell("The same again is not tried again: this very input failed before.")
    demo.helmops("sync", ".", "--yes", expect=4)
    demo.helmops("history", "hello", "-n", demo.namespace)

    demo.tell("Take the change back. What was rolled back to is what is wanted, so all is well.")
    demo.edit("values/production.yaml", BROKEN, "")
    demo.edit("hello.yaml", "timeout: 10s", "timeout: 2m")
    demo.helmops("sync", ".", "--yes")

    demo.tell("Name goodbye no longer. With --prune it is uninstalled; without, it stays.")
    text = (demo.folder / "hello.yaml").read_text()
    (demo.folder / "hello.yaml").write_text(text.split("---\n")[0])
    demo.helmops("sync", ".", "--yes", "--prune")
    demo.helmops("status", "-n", demo.namespace)

    demo.tell("Clean up.")
    demo.helmops("uninstall", "hello", "-n", demo.namespace, "--yes")
    demo.kube("delete", "namespace", demo.namespace, "--wait=false")
    print("\nThat was the demo. README.md says how to try it on your own charts.")


if __name__ == "__main__":
    main()
