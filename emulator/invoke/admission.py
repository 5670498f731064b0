"""How many invocations may run at once."""

import threading
from collections import Counter

from emulator.model import LambdaError, ResolvedFunction

Place = tuple[tuple[str, ...], ...]
"""What one invocation counts for: its function, and its account unless the function reserves."""


class Admission:
    """Concurrency of each account and Region, and of functions that reserve a part of it.

    Any thread may call. `_lock` guards the counts and is held for a few instructions.
    """

    def __init__(self, account_concurrency: int) -> None:
        self._limit = account_concurrency
        self._lock = threading.Lock()
        self._running: Counter[tuple[str, ...]] = Counter()

    def enter(self, resolved: ResolvedFunction) -> Place:
        """Count one more invocation; raises the 429 of Lambda when there are too many.

        Every version of a function counts for its reservation.
        """
        version, reserved = resolved.version, resolved.reserved_concurrency
        account = (version.account, version.region)
        function = (*account, version.name)
        with self._lock:
            if reserved is None:
                place: Place = (function, account)
                if self._running[account] >= self._limit - resolved.account_reserved:
                    raise _throttled("ConcurrentInvocationLimitExceeded")
            else:
                place = (function,)
                if self._running[function] >= reserved:
                    raise _throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            for key in place:
                self._running[key] += 1
        return place

    def leave(self, place: Place) -> None:
        """Count one invocation less; `place` is what `enter` returned."""
        with self._lock:
            for key in place:
                self._running[key] -= 1
                if not self._running[key]:
                    del self._running[key]


def _throttled(reason: str) -> LambdaError:
    return LambdaError("TooManyRequestsException", "Rate Exceeded.", members={"Reason": reason})
