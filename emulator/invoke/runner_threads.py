"""Threads that run one job after the other."""

import threading
import time
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue
from typing import Final

IDLE_S: Final = 10.0  # a thread without a job goes after this long

Job = Callable[[], None]
_Inbox = SimpleQueue[Job | None]  # None: end


class RunnerThreads:
    """As many threads as there are jobs; the most recently idle thread gets the next one.

    Any thread may call. There is no lock: with one, a thread that has just finished queues up
    behind callers that are starting further threads because it is not idle yet. Whoever takes an
    inbox out of `_idle` owns it: a caller puts a job in, or its thread goes.
    """

    def __init__(self, name: str, idle_s: float = IDLE_S) -> None:
        self._name = name
        self._idle_s = idle_s
        self._idle: list[_Inbox] = []
        self._threads: set[threading.Thread] = set()
        self._numbers = count(1)
        self._is_stopping = False

    def start(self, job: Job) -> None:
        """Run `job`, which must not raise; raises RuntimeError when the system has no threads."""
        try:
            inbox = self._idle.pop()
        except IndexError:
            name = f"{self._name}-{next(self._numbers)}"
            threading.Thread(target=self._run, args=(job,), name=name, daemon=True).start()
        else:
            inbox.put(job)

    def count(self) -> int:
        """Threads that exist, with and without a job."""
        return len(self._threads)

    def stop(self, timeout_s: float) -> None:
        """End idle threads now and the others after their job; wait up to `timeout_s` for them."""
        self._is_stopping = True
        while self._idle:
            self._idle.pop().put(None)
        deadline = time.monotonic() + timeout_s
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, first: Job) -> None:
        thread = threading.current_thread()
        self._threads.add(thread)
        inbox: _Inbox = SimpleQueue()
        job: Job | None = first
        while job is not None:
            job()
            job = self._next(inbox)
        self._threads.discard(thread)

    def _next(self, inbox: _Inbox) -> Job | None:
        self._idle.append(inbox)
        try:
            return inbox.get(timeout=0 if self._is_stopping else self._idle_s)
        except Empty:
            try:
                self._idle.remove(inbox)
            except ValueError:
                return inbox.get()  # somebody took it in between and has something for us
            return None
