"""Threads for what nobody waits for: environments that start, stop, or take their time."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import count
from typing import Final

IDLE_S: Final = 10.0  # a thread without work goes after this long

log = logging.getLogger("emulator.sandbox")

_Job = Callable[[], None]
_Inbox = queue.SimpleQueue[_Job | None]  # None: end


class Background:
    """Up to `most` threads, made by need; the most recently idle one gets the next job.

    Any thread may call. `_lock` guards the fields below it; no job runs under it. Unlike an
    executor of the standard library it lets threads go: 1,000 calls at once need hundreds of them.
    """

    def __init__(self, name: str, most: int, idle_s: float = IDLE_S) -> None:
        self._name = name
        self._most = most
        self._idle_s = idle_s
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._idle: list[_Inbox] = []
        self._waiting: deque[_Job] = deque()  # while all threads are busy
        self._threads: set[threading.Thread] = set()
        self._is_closed = False

    def submit(self, work: Callable[..., None], *arguments: object) -> Future[None]:
        """Do it on another thread; RuntimeError when closed, or when the system has no threads."""
        done: Future[None] = Future()
        job = partial(_run, work, arguments, done)
        with self._lock:
            if self._is_closed:
                raise RuntimeError(f"no more work for {self._name}")
            if self._idle:
                self._idle.pop().put(job)
            elif len(self._threads) < self._most:
                self._start(job)
            else:
                self._waiting.append(job)
        return done

    def close(self) -> None:
        """Take no more work, and wait until all there is has been done."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            threads = list(self._threads)
        for inbox in idle:
            inbox.put(None)
        for thread in threads:
            thread.join()

    def _start(self, job: _Job) -> None:
        name = f"{self._name}_{next(self._numbers)}"
        thread = threading.Thread(target=self._serve, args=(job,), name=name, daemon=True)
        thread.start()
        self._threads.add(thread)

    def _serve(self, first: _Job) -> None:
        inbox: _Inbox = queue.SimpleQueue()
        job: _Job | None = first
        while job is not None:
            job()
            job = self._next(inbox)

    def _next(self, inbox: _Inbox) -> _Job | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._is_closed:
                self._go()
                return None
            self._idle.append(inbox)
        try:
            return inbox.get(timeout=self._idle_s)
        except queue.Empty:
            with self._lock:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    self._go()
                    return None
            return inbox.get()  # somebody took it in between

    def _go(self) -> None:
        self._threads.discard(threading.current_thread())


def _run(work: Callable[..., None], arguments: tuple[object, ...], done: Future[None]) -> None:
    try:
        work(*arguments)
    except Exception:  # top of a thread, which takes the next job
        log.exception("environment.failed")
    finally:
        done.set_result(None)
