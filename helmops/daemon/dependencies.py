"""Who waits for whom: a dependency that becomes ready wakes its dependents."""

from __future__ import annotations

from collections.abc import Collection

from helmops.core.graph import order
from helmops.engine.plan import Key
from helmops.errors import InputError


class Dependencies:
    """Readiness as this process has seen it: True, False, or None for what has not been looked at yet."""

    def __init__(self) -> None:
        self._needs: dict[Key, tuple[Key, ...]] = {}
        self._ready: dict[Key, bool] = {}

    def learn(self, key: Key, needs: tuple[Key, ...]) -> None:
        """What a release depends on now."""
        self._needs[key] = needs

    def forget(self, key: Key) -> None:
        """It is not there any more."""
        self._needs.pop(key, None)
        self._ready.pop(key, None)

    def doubt(self, key: Key) -> None:
        """It has changed: whether it is ready is to be seen."""
        self._ready.pop(key, None)

    def settle(self, key: Key, *, ready: bool) -> Collection[Key]:
        """How it stands now; whom that concerns."""
        if self._ready.get(key) is ready:
            return ()
        self._ready[key] = ready
        return [other for other, needs in self._needs.items() if key in needs]

    def missing(self, key: Key) -> Key | None:
        """The first dependency that is not ready."""
        return next((need for need in self._needs.get(key, ()) if not self._ready.get(need)), None)

    def undecided(self, key: Key) -> bool:
        """Whether it is still to be seen how this one stands."""
        return key not in self._ready

    def check(self, key: Key) -> None:
        """InputError when the release waits for itself."""
        reached: dict[str, list[str]] = {}
        waiting = [key]
        while waiting:
            one = waiting.pop()
            if _text(one) not in reached:
                needs = [need for need in self._needs.get(one, ()) if need in self._needs]
                reached[_text(one)] = [_text(need) for need in needs]
                waiting += needs
        try:
            order(reached)
        except InputError as error:
            raise InputError(error.message, where="spec.dependsOn") from None


def _text(key: Key) -> str:
    return "/".join(key)
