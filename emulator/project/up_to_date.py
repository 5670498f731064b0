"""Functions as their owner's files have them now: what invocations resolve their function with."""

from emulator.control import FunctionStore
from emulator.model import ResolvedFunction
from emulator.project.watch import Watcher


class UpToDateFunctions:
    """Finds functions, whatever was saved before the call included. Any thread may call."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store
        self.watcher: Watcher | None = None  # None: nothing is watched, or not yet

    def catch_up(self) -> None:
        """See `Watcher.catch_up`."""
        if self.watcher is not None:
            self.watcher.catch_up()

    def resolve(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        """See `FunctionStore.resolve`."""
        self.catch_up()
        return self._store.resolve(account, region, function, qualifier)

    def resolve_at_once(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction | None:
        """See `FunctionStore.resolve_at_once`; None also while `catch_up` would wait."""
        if self.watcher is not None and not self.watcher.is_caught_up:
            return None
        return self._store.resolve_at_once(account, region, function, qualifier)

    def look_up(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        """See `FunctionStore.look_up`."""
        return self._store.look_up(account, region, function, qualifier)
