"""The processes of one environment: the runtime and its extensions, watched, served and ended."""

import selectors
import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final

from emulator.model import FunctionVersion
from emulator.model.steps import Pause, Steps, Wait, finish
from emulator.runtime_api import (
    DEBUGGER_VERSION,
    DebuggerRoute,
    RuntimeEndpoint,
    Subscribe,
    TelemetryDesk,
)
from emulator.sandbox.debug_session import DebugSession
from emulator.sandbox.extension_host import ExtensionHost
from emulator.sandbox.failure import Failure, exited, out_of_memory, timed_out
from emulator.sandbox.memory import MemoryGauge
from emulator.sandbox.output import Output
from emulator.sandbox.process import Exit, RuntimeProcess
from emulator.sandbox.shutdown import Reason, shut_down
from emulator.sandbox.telemetry import Telemetry

QUICK_S: Final = 0.1  # a wait that is longer is left to a thread
QUICK_TURNS: Final = 16  # and one in which more happens

Start = Callable[[str | None], RuntimeProcess]
"""Starts the external extension of that name; None: the runtime."""


class Waited(Enum):
    """Why waiting for a runtime came to an end."""

    DONE = auto()
    TIMEOUT = auto()
    EXITED = auto()
    OUT_OF_MEMORY = auto()
    EXTENSION = auto()  # one of them failed


class Processes:
    """What runs in an environment now, and the one selector that serves all of it.

    Used by one thread at a time, as the environment. `registered` is empty where no extension is.
    """

    def __init__(
        self,
        version: FunctionVersion,
        output: Output,
        launch: Start,
        telemetry: Telemetry,
        subscribe: Subscribe,
        *,
        listens_on: str,
        debug: DebugSession | None = None,
        is_restored: bool = False,
    ) -> None:
        self._version = version
        self._output = output
        self._launch = launch
        self._selector = selectors.DefaultSelector()
        self.endpoint = RuntimeEndpoint(
            self._selector, version, listens_on=listens_on, is_restored=is_restored
        )
        self.desk = self.endpoint.extensions
        self._telemetry = telemetry
        self.endpoint.routes |= TelemetryDesk(self.desk, subscribe).routes()
        self.registered = self.desk.rules.registered
        self.extensions = ExtensionHost(self.desk.rules, self._selector, output)
        self._runtime: RuntimeProcess | None = None
        self.exit: Exit | None = None  # of the runtime
        self.gauge = MemoryGauge(None, version.memory_mib)
        self.now = time.monotonic  # of all deadlines: it stands still while a debugger is attached
        self.debug = debug
        if debug is not None:
            self.now = debug.now
            self.endpoint.routes[DEBUGGER_VERSION] = DebuggerRoute(debug.listens_on)
            self._selector.register(debug.wakeup_fd, selectors.EVENT_READ, debug.drain)

    def start(self, extensions: Sequence[str]) -> None:
        """Start these external extensions or, where there are none, the runtime."""
        self.exit = None
        if extensions:
            self.extensions.start(extensions, self._launch)
        else:
            self._start_runtime()

    def await_ready(self, deadline: float) -> Waited:
        """Serve the init phase, to the runtime's answer at the latest: that is an init error."""
        rules = self.desk.rules
        if self._runtime is None:  # the runtime starts when all external extensions know of it
            waited = self.pump(lambda: rules.have_registered, deadline)
            if waited is not Waited.DONE:
                return waited
            self._start_runtime()
        waited = self.pump(self._is_initialised, deadline)
        self._output.pull()
        rules.close_registration()
        if waited is Waited.DONE and self.registered and self.endpoint.answer is None:
            return self.pump(lambda: rules.are_ready, deadline)
        return waited

    def _is_initialised(self) -> bool:
        endpoint = self.endpoint
        return endpoint.is_ready or endpoint.is_snapshot or endpoint.answer is not None

    def roots(self) -> list[int]:
        """Return processes under which all of the environment hang, as far as they are known."""
        processes = [self._runtime, *self.extensions.processes]
        known = [(each.pid, each.init_pid) for each in processes if each is not None]
        return [pid for pids in known for pid in pids if pid is not None]

    def is_done(self) -> bool:
        """Tell whether the runtime, and who was told of the invocation, wait for the next one."""
        return self.endpoint.is_ready and (not self.registered or self.desk.rules.are_done)

    def look(self) -> bool:
        """Take note of what happened unwatched; False: something ended, or has failed."""
        self._dispatch(0.0)
        has_ended = self.exit is not None or self.extensions.has_failed
        return self.endpoint.is_ready and not has_ended

    def pump(self, done: Callable[[], bool], deadline: float) -> Waited:
        """Serve all until `done`, an end, the limit of memory or the deadline."""
        return finish(self.pump_steps(done, deadline))

    def pump_steps(self, done: Callable[[], bool], deadline: float) -> Steps[Waited]:
        """Do what `pump` does, step by step; what takes long, or prints much, blocks in the end."""
        self._blocks_s, self._turns = time.monotonic() + QUICK_S, QUICK_TURNS
        reading_s = self.now() + self.gauge.next_reading_s(0.0)
        while not done():
            if self.exit is not None or self.extensions.has_failed:
                return Waited.EXITED if self.exit is not None else Waited.EXTENSION
            now = self.now()
            if now >= deadline:
                return Waited.TIMEOUT
            is_limited = self.gauge.is_known and self.debug is None  # a debugger needs memory
            if is_limited and now >= reading_s:
                used_mib = self.gauge.read()
                if used_mib > self._version.memory_mib:
                    return Waited.OUT_OF_MEMORY
                reading_s = now + self.gauge.next_reading_s(used_mib)
            until = min(deadline, reading_s) if is_limited else deadline
            yield from self._turn(max(until - now, 0.0))
        return Waited.DONE

    def _turn(self, wait_s: float) -> Steps[None]:
        """Wait for what comes next, and serve it."""
        if self.debug is not None and self.debug.is_stopped:
            self._dispatch(None)
            return
        has_waited = yield Wait(self._selector, time.monotonic() + wait_s)
        self._dispatch(0.0 if has_waited else wait_s)
        self._turns -= 1
        if has_waited and (self._turns <= 0 or time.monotonic() > self._blocks_s):
            yield Pause.BLOCKS

    @property
    def log_lag_s(self) -> float:
        """By how much output may come later than an answer sent after it."""
        return 0.0 if self._runtime is None else self._runtime.log_lag_s

    def await_late_output(self) -> None:
        """Give output the time that it may need to get here after the answer."""
        if self.log_lag_s:
            self.pump(lambda: False, time.monotonic() + self.log_lag_s)

    def failure(self, waited: Waited, request_id: str) -> Failure:
        """Return what `waited`, which is not DONE, means for an invocation."""
        if waited is Waited.TIMEOUT:
            return timed_out(self._version.timeout_s, request_id)
        if waited is Waited.OUT_OF_MEMORY:
            return out_of_memory(request_id)
        if waited is Waited.EXTENSION:
            return self.extensions.failure(request_id)
        assert self.exit is not None
        return exited(self.exit, request_id)

    def end(self, reason: Reason) -> None:
        """End all: those that may take leave get the time for it."""
        if self.registered:
            shut_down(
                reason,
                self._runtime,
                self.extensions,
                self.desk,
                self._serve,
                self._has_exited,
                self._telemetry.drain,
            )
        self._end_runtime()
        self.extensions.end()
        self._telemetry.end()

    def close(self) -> None:
        """Close the sockets."""
        self.endpoint.close()
        self._selector.close()

    def _start_runtime(self) -> None:
        self._runtime = process = self._launch(None)
        self._output.attach(process.log_fd)
        self._selector.register(process.log_fd, selectors.EVENT_READ, self._pull_output)
        self._selector.register(process.exit_fd, selectors.EVENT_READ, self._poll_exit)

    def _dispatch(self, timeout_s: float | None) -> None:
        for key, _ in self._selector.select(timeout_s):
            key.data()

    def _serve(self, done: Callable[[], bool], deadline: float) -> None:
        while not done() and (left_s := deadline - time.monotonic()) > 0:
            self._dispatch(left_s)

    def _pull_output(self) -> None:
        assert self._runtime is not None
        if not self._output.pull():
            self._selector.unregister(self._runtime.log_fd)

    def _poll_exit(self) -> None:
        assert self._runtime is not None
        runtime = self._runtime
        self.exit = runtime.poll()
        if runtime.pid is not None and not self.gauge.is_known:
            neighbours = [pid for pid in self.roots() if pid not in (runtime.pid, runtime.init_pid)]
            limit_mib = self._version.memory_mib
            self.gauge = MemoryGauge(runtime.pid, limit_mib, runtime.init_pid, neighbours)
        if self.exit is not None:
            # Its end is seen once; the rest of its life is the backend's.
            self._selector.unregister(self._runtime.exit_fd)

    def _has_exited(self) -> bool:
        return self.exit is not None

    def _end_runtime(self) -> None:
        process, self._runtime = self._runtime, None
        if process is None:
            return
        process.kill()
        self._output.pull()
        for fd in (process.log_fd, process.exit_fd):
            if fd in self._selector.get_map():
                self._selector.unregister(fd)
        process.close()
        self.gauge.close()
        self.gauge = MemoryGauge(None, self._version.memory_mib)
