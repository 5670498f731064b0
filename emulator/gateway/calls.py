"""Runs calls step by step on an event loop, many at a time on one thread."""

import asyncio
import contextlib
import logging
import selectors
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from emulator.invoke.runner_threads import RunnerThreads
from emulator.model.steps import Afterwards, Pause, Promise, Readable, Steps, Wait, finish

TURN_S: Final = 0.005  # so much later than asked for may a call be told that its time is over

log = logging.getLogger("emulator.gateway")

T = TypeVar("T")
Done = Callable[[T | None], None]


class Calls:
    """The calls under way. Used on the loop's thread, but where it is said.

    A call leaves the loop for a thread of its own only where it would block it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, stay_awake: Callable[[], None]) -> None:
        """stay_awake: told when something is about to come."""
        self._loop = loop
        self._stay_awake = stay_awake
        self._threads = RunnerThreads("invoke")
        self._loops_thread = 0
        self._running = 0
        self._is_stopping = False
        self._none = threading.Event()
        self._waiting: dict[_Call[Any], Wait | Promise] = {}
        self._watches = False
        # By descriptor: who waits for it now, and what is watched, from one call to the next. The
        # loop has a selector of its own for its clients: these here are closed by others, and
        # when their numbers come again, they are perhaps those of clients.
        self._readers: dict[int, tuple[_Call[Any], Wait]] = {}
        self._watched: dict[int, weakref.ref[Readable]] = {}
        self._selector = selectors.DefaultSelector()
        loop.add_reader(self._selector.fileno(), self._resume_readers)

    def run(self, steps: Steps[T], done: Done[T]) -> None:
        """Run `steps` and call `done` on the loop with what they return; None: they failed."""
        self._running += 1
        self._loops_thread = threading.get_ident()
        _Call(self, steps, done).go_on(None)

    def wait_none(self, timeout_s: float) -> bool:
        """Wait, on another thread, until no call is running; False: some are after `timeout_s`."""
        self._is_stopping = True
        self._loop.call_soon_threadsafe(self._tell_none)
        return self._none.wait(timeout_s)

    def close(self) -> None:
        """Forget what still runs; threads end with their calls. The loop has stopped."""
        self._waiting.clear()
        self._threads.stop(0.0)
        self._selector.close()

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Have the loop call it; any thread may ask."""
        if threading.get_ident() == self._loops_thread:
            self._loop.call_soon(callback)
        else:
            with contextlib.suppress(RuntimeError):  # it is closed: nobody waits any more
                self._loop.call_soon_threadsafe(callback)

    # What a call asks for.

    def wait(self, call: "_Call[Any]", awaited: Wait | Promise) -> None:
        """Let a call go on once what it waits for is there, or its time is over."""
        self._waiting[call] = awaited
        if isinstance(awaited, Wait):
            self._stay_awake()
            self._watch(call, awaited)
        else:
            awaited.when_there(lambda: self.call_soon(lambda: self._resume(call, awaited)))
        if not self._watches:
            self._watches = True
            self._loop.call_later(TURN_S, self._resume_late)

    def hand_over(self, job: Callable[[], None]) -> None:
        """Have a thread do `job`."""
        try:
            self._threads.start(job)
        except RuntimeError:  # the system has no more threads; better slow than not at all
            log.exception("thread.failed")
            job()

    def ended(self) -> None:
        """One call is over."""
        self._running -= 1
        self._stay_awake()
        self._tell_none()

    # How it is told.

    def _resume(self, call: "_Call[Any]", awaited: Wait | Promise) -> None:
        if self._waiting.get(call) is awaited:  # else it has gone on already
            del self._waiting[call]
            call.go_on(True)

    def _watch(self, call: "_Call[Any]", awaited: Wait) -> None:
        fd = awaited.readable.fileno()
        self._readers[fd] = call, awaited
        known = self._watched.get(fd)
        if known is None or known() is not awaited.readable:
            if known is not None:  # one that was closed, and had the same number
                self._selector.unregister(fd)
            self._selector.register(fd, selectors.EVENT_READ)
            self._watched[fd] = weakref.ref(awaited.readable)

    def _resume_readers(self) -> None:
        for key, _ in self._selector.select(0):
            reader = self._readers.pop(key.fd, None)
            if reader is not None:
                self._resume(*reader)
            elif self._watched.pop(key.fd, None) is not None:  # a thread looks after it
                self._selector.unregister(key.fd)

    def _resume_late(self) -> None:
        now = self._loop.time()
        for call, awaited in list(self._waiting.items()):
            if awaited.until_s <= now:
                if isinstance(awaited, Wait):
                    self._readers.pop(awaited.readable.fileno(), None)
                self._resume(call, awaited)
        self._watches = bool(self._waiting)
        if self._watches:
            self._loop.call_later(TURN_S, self._resume_late)

    def _tell_none(self) -> None:
        if self._is_stopping and not self._running:
            self._none.set()


class _Call(Generic[T]):
    """One call; on the loop's thread until a thread has it."""

    __slots__ = ("_afterwards", "_calls", "_done", "_steps")

    def __init__(self, calls: Calls, steps: Steps[T], done: Done[T]) -> None:
        self._calls = calls
        self._steps = steps
        self._done = done
        self._afterwards: list[Callable[[], None]] = []

    def go_on(self, waited: bool | None) -> None:
        """Do the next step, on the loop's thread; waited: None for the first one."""
        try:
            awaited = self._steps.send(waited)
            while isinstance(awaited, Afterwards):
                self._afterwards.append(awaited.work)
                awaited = next(self._steps)
        except StopIteration as end:
            self._end(end.value)
        except Exception:  # a bug of ours; the loop serves the others
            log.exception("request.failed")
            self._end(None)
        else:
            if isinstance(awaited, Pause):
                self._calls.hand_over(self._finish)
            else:
                self._calls.wait(self, awaited)

    def _finish(self) -> None:
        result = None
        try:
            result = finish(self._steps)
        except Exception:  # top of a thread: it takes the next call
            log.exception("request.failed")
        self._calls.call_soon(lambda: self._end(result))

    def _end(self, result: T | None) -> None:
        for work in (lambda: self._done(result), *self._afterwards):
            try:
                work()
            except Exception:  # a bug of ours; what follows is done all the same
                log.exception("request.failed")
        self._calls.ended()
