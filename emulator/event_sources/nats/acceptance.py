"""Hands messages without a reply inbox over to the queue of asynchronous events."""

import threading
from collections import deque
from typing import Final

from emulator.event_sources.nats.desk import Desk
from emulator.model import Call, LambdaError

WAITING: Final = 50_000  # messages of one subscription; beyond it they are dropped


class Acceptance:
    """Keeps the messages of one subscription in order, on one runner thread while there are any.

    Accepting may write to a disk, for which the connection's loop must not wait. `_lock` guards
    the messages that wait; `put` is for the loop.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._waiting: deque[Call] = deque()
        self._has_thread = False

    def put(self, call: Call) -> bool:
        """Take over a message; False: too many wait already."""
        with self._lock:
            if len(self._waiting) >= WAITING:
                return False
            needs_thread, self._has_thread = not self._has_thread, True
            self._waiting.append(call)
            self._desk.under_way.begin()
        if needs_thread:
            try:
                self._desk.threads.start(self._accept_all)
            except RuntimeError:  # the system has no more threads: then on this one
                self._accept_all()
        return True

    def _accept_all(self) -> None:
        while (call := self._next()) is not None:
            self._accept(call)
            self._desk.under_way.end()

    def _next(self) -> Call | None:
        with self._lock:
            self._has_thread = bool(self._waiting)
            return self._waiting.popleft() if self._waiting else None

    def _accept(self, call: Call) -> None:
        try:
            self._desk.around.invoker.accept(call)
        except LambdaError as error:
            self._desk.around.reporter.event(
                "nats.not_delivered",
                subject=call.cause,
                function=call.function.rpartition(":")[2],
                error=error.code,
                message=error.message,
            )
