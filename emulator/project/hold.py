"""Keeping the callers of a function waiting while its code changes."""

import threading

from emulator.control import FunctionStore
from emulator.model import FunctionVersion


class Hold:
    """A function whose callers wait for new code, from now until the first `release`.

    since_s: when the code began to change, on `time.monotonic`.
    """

    def __init__(self, store: FunctionStore, version: FunctionVersion, since_s: float) -> None:
        self._store = store
        self._key = (version.account, version.region, version.name, since_s)
        self._lock = threading.Lock()
        self._is_released = False
        store.hold(*self._key)

    def release(self) -> None:
        """Let the callers go on; any thread, any number of times."""
        with self._lock:
            if not self._is_released:
                self._is_released = True
                self._store.release(*self._key)
