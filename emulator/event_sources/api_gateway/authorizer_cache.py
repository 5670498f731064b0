"""Answers of authorizers, kept for as long as the API says."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from emulator.model import Clock

_KEPT = 10_000

Kept = TypeVar("Kept")


class AuthorizerCache(Generic[Kept]):
    """Answers by whatever identifies the request. Any thread may call; `_lock` guards the table."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, tuple[float, Kept]] = OrderedDict()

    def find(self, key: Hashable) -> Kept | None:
        """The answer kept under `key`; None when there is none or its time is over."""
        with self._lock:
            due_s, answer = self._answers.get(key, (0.0, None))
            return answer if self._clock.monotonic() < due_s else None

    def keep(self, key: Hashable, answer: Kept, ttl_s: float) -> None:
        """Keep an answer for `ttl_s` seconds on the clock; 0 keeps nothing."""
        if ttl_s <= 0:
            return
        with self._lock:
            self._answers[key] = self._clock.monotonic() + ttl_s, answer
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)

    def forget(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._answers.clear()
