"""How many invocations may run at once."""

import threading

from emulator.model import LambdaError


class Admission:
    """Concurrency of each account and Region.

    Any thread may call. `_lock` guards the counts and is held for a few instructions.
    """

    def __init__(self, account_concurrency: int) -> None:
        self._limit = account_concurrency
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], int] = {}

    def enter(self, account: str, region: str) -> None:
        """Count one more invocation; raises the 429 of Lambda when there are too many."""
        key = (account, region)
        with self._lock:
            running = self._running.get(key, 0)
            if running < self._limit:
                self._running[key] = running + 1
                return
        raise LambdaError(
            "TooManyRequestsException",
            "Rate Exceeded.",
            members={"Reason": "ConcurrentInvocationLimitExceeded"},
        )

    def leave(self, account: str, region: str) -> None:
        """Count one invocation less."""
        key = (account, region)
        with self._lock:
            running = self._running[key] - 1
            if running:
                self._running[key] = running
            else:
                del self._running[key]
