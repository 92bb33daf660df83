"""The part of wiring that ``version`` needs, apart because importing the rest takes longer than the answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from helmops.adapters.helm.runner import HelmRunner
from helmops.adapters.process import Processes
from helmops.adapters.state import DiskMemory, cache_root
from helmops.api.model import Access
from helmops.cli.flags import Flags
from helmops.core.objects import GuardedFields
from helmops.errors import Bug
from helmops.ports import Helm, SplitRelease


class _NoGate:
    """This helm is asked for its version, and reaches no cluster."""

    def open(
        self, access: Access, guarded: Sequence[GuardedFields], split: SplitRelease | None = None
    ) -> AbstractAsyncContextManager[str]:
        raise Bug("helm was made without a gate")

    async def wanted(self, access: Access) -> bool:
        return False


def wire_helm(flags: Flags) -> Helm:
    """helm without a cluster."""
    root = cache_root(flags.environ)
    return HelmRunner(
        environ=flags.environ,
        home=f"{root}/helm",
        memory=DiskMemory(root),
        processes=Processes(),
        gate=_NoGate(),
        scrubber=lambda _: str,
    )
