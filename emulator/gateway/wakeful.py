"""An event loop's selector that stays awake for a moment before it sleeps."""

import os
import selectors
import time
from typing import Final

from typing_extensions import override

# For so long it looks out for what comes next: the answer of a quick handler, the next request of
# a caller in a row. To be woken up takes longer than that is. Measured: docs/serving.md.
# With one processor it would only keep the others from it.
AWAKE_S: Final = 0.0001 if (os.cpu_count() or 1) > 1 else 0.0

_Ready = list[tuple[selectors.SelectorKey, int]]


class WakefulSelector(selectors.DefaultSelector):
    """Used on the loop's thread."""

    def __init__(self) -> None:
        super().__init__()
        self._until_s = 0.0

    def stay_awake(self) -> None:
        """Something is about to come."""
        self._until_s = time.monotonic() + AWAKE_S

    @override
    def select(self, timeout: float | None = None) -> _Ready:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        while time.monotonic() < self._until_s:
            if ready := super().select(0):
                return ready
        return super().select(timeout)
