"""How many invocations may run at once."""

import threading
from typing import Final

from emulator.model import FunctionVersion, LambdaError, ResolvedFunction

_OF_VERSION: Final = 4  # parts of the key that a version counts by

Place = tuple[tuple[str, ...], ...]
"""What one invocation counts for: its function, and its account unless the function reserves."""


class Admission:
    """Concurrency of each account and Region, and of functions that reserve a part of it.

    Any thread may call. `_lock` guards the counts and is held for a few instructions.
    """

    def __init__(self, account_concurrency: int) -> None:
        self._limit = account_concurrency
        self._lock = threading.Lock()
        self._running: dict[tuple[str, ...], int] = {}

    def enter(self, resolved: ResolvedFunction) -> Place:
        """Count one more invocation; raises the 429 of Lambda when there are too many.

        Every version of a function counts for its reservation. What a version has provisioned is
        its own: only what goes beyond that counts for the function and the account.
        """
        version, reserved = resolved.version, resolved.reserved_concurrency
        account = (version.account, version.region)
        function = (*account, version.name)
        running = self._running
        with self._lock:
            own = (*function, version.version) if resolved.provisioned else function
            if resolved.provisioned and running.get(own, 0) < resolved.provisioned:
                place: Place = (own,)
            elif reserved is None:
                place = (function, account)
                if running.get(account, 0) >= self._limit - resolved.account_reserved:
                    raise _throttled("ConcurrentInvocationLimitExceeded")
            else:
                place = (function,)
                if running.get(function, 0) >= reserved - resolved.function_provisioned:
                    raise _throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            for key in place:
                running[key] = running.get(key, 0) + 1
        return place

    def provisioned_in_use(self, version: FunctionVersion) -> int:
        """How many invocations run on what a version has provisioned."""
        own = (version.account, version.region, version.name, version.version)
        return self._running.get(own, 0)

    def leave(self, place: Place) -> None:
        """Count one invocation less; `place` is what `enter` returned."""
        with self._lock:
            for key in place:
                left = self._running[key] - 1
                if left:
                    self._running[key] = left
                else:
                    del self._running[key]


def is_provisioned(place: Place) -> bool:
    """Whether an invocation counts for what its version has provisioned."""
    return len(place[0]) == _OF_VERSION


def _throttled(reason: str) -> LambdaError:
    return LambdaError("TooManyRequestsException", "Rate Exceeded.", members={"Reason": reason})
