"""One execution environment: its process, its Runtime API, its phases."""

import json
import selectors
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from emulator.model import FunctionVersion, Invocation, InvocationResult, Status
from emulator.model.limits import INIT_TIMEOUT_S
from emulator.observe import LogBook
from emulator.runtime_api import Answer, Outcome, ResponseSink, RuntimeEndpoint
from emulator.sandbox.failure import Failure, answered, exited, out_of_memory, timed_out
from emulator.sandbox.memory import MemoryGauge
from emulator.sandbox.output import Output, OutputListener
from emulator.sandbox.platform_lines import billed_ms
from emulator.sandbox.platform_log import INIT, INVOKE, PlatformLog
from emulator.sandbox.process import Exit, RuntimeProcess
from emulator.sandbox.state import Signal, State, step

# How long the caller's thread waits for a runtime to ask again, before another thread does.
_NEXT_GRACE_S = 0.001
# A runtime that asked for its next event as lately as this is taken to be alive.
_FRESH_S = 0.05
# How long a runtime that broke off its response may take to end, so that its end is what is told.
_LAST_BREATH_S = 0.5


class Waited(Enum):
    """Why waiting for a runtime came to an end."""

    DONE = auto()
    TIMEOUT = auto()
    EXITED = auto()
    OUT_OF_MEMORY = auto()


class Backend(Protocol):
    """Where runtime processes live (`Launcher`)."""

    def launch(
        self,
        version: FunctionVersion,
        *,
        environment_id: str,
        tmp_folder: Path,
        runtime_api: str,
        log_stream: str,
    ) -> RuntimeProcess:
        """Start a process for an environment; LambdaError when nothing here can run it."""

    def release(self, environment_id: str) -> None:
        """Forget an environment that will not be launched again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InitReport:
    """How an init phase went."""

    init_ms: float
    failure: Failure | None


class Environment:
    """One runtime process at a time, and what outlives it: /tmp, the log stream, the address.

    Used by one thread at a time: the one that starts it, the invoke it is lent to, or the one
    that retires it.
    """

    def __init__(
        self,
        version: FunctionVersion,
        *,
        backend: Backend,
        folder: Path,
        log_book: LogBook,
        listener: OutputListener,
    ) -> None:
        self.version = version
        self.state = State.COLD
        self.id = uuid.uuid4().hex
        self.idle_since_s = 0.0
        self._backend = backend
        self._folder = folder / self.id
        self._log_stream = _log_stream_name(version, self.id)
        stream = log_book.log_stream(
            version.log_group_name, self._log_stream, version.account, version.region
        )
        self._output = Output(stream, version.name, listener)
        self._platform = PlatformLog(version, self.id, self._output)
        self._selector = selectors.DefaultSelector()
        self._endpoint = RuntimeEndpoint(self._selector, version)
        self._process: RuntimeProcess | None = None
        self._exit: Exit | None = None
        self._gauge = MemoryGauge(None, version.memory_mib)
        self._init_ms: float | None = None  # of an init phase no invocation has reported yet
        self._tmp = self._folder / "tmp"
        self._tmp.mkdir(parents=True)
        self._tmp.chmod(0o1777)

    @property
    def is_warm(self) -> bool:
        """True while an initialised runtime process waits."""
        return self.state is State.IDLE

    def check(self) -> None:
        """Notice that the process ended while nobody watched; the environment is COLD then."""
        if self.state is State.IDLE and time.monotonic() - self.idle_since_s > _FRESH_S:
            self._dispatch(0.0)
            if self._exit is not None or not self._endpoint.is_ready:
                self._reset()

    def initialise(self) -> InitReport:
        """Run the on-demand init phase, with its own time limit.

        After a failure the environment is COLD, and its next invocation runs the phase again.
        """
        self._platform.init_started(INIT)
        process = self._launch_runtime()  # what the machine needs to get ready is not billed
        started = time.monotonic()
        failure = self._await_ready(process, "", started + INIT_TIMEOUT_S)
        init_ms = (time.monotonic() - started) * 1000
        self._platform.init_ended(INIT, init_ms, failure)
        if failure is None:
            self._init_ms = init_ms
        else:
            self._reset()
        return InitReport(init_ms=init_ms, failure=failure)

    def run(self, invocation: Invocation, sink: ResponseSink | None = None) -> InvocationResult:
        """Run one invocation; the environment is INVOKE, or COLD after a failure, afterwards.

        sink: reads along what the runtime streams. Follow with `finish`, which waits for the
        runtime to ask for its next event.
        """
        started = time.monotonic()
        self._deadline_s = deadline = started + self.version.timeout_s
        self._platform.started(invocation)
        failure = None
        if self.state is State.COLD:
            failure = self._suppressed_init(invocation.request_id, deadline)
        answer = None
        has_run = failure is None
        if failure is None:
            self.state = step(self.state, Signal.RESERVE)
            deadline_ms = int((time.time() + deadline - time.monotonic()) * 1000)
            self._endpoint.deliver(invocation, _event_headers(invocation, deadline_ms), sink)
            failure = self._await_answer(invocation, deadline)
            answer = self._endpoint.answer
            if answer is not None and answer.outcome is Outcome.TRUNCATED:
                failure, answer = self._truncated(answer, invocation, deadline)
        if failure is None:
            assert answer is not None
            failure = answered(answer)
        duration_ms = (time.monotonic() - started) * 1000
        result = self._result(invocation, answer, failure, duration_ms, has_run=has_run)
        if answer is None:
            self._reset()
        return result

    def finish(self) -> bool:
        """Wait a moment for the runtime to ask again; False: call `finish_slowly` elsewhere."""
        if self.state is State.COLD:
            return True
        if not self._endpoint.is_ready:
            self._pump(self._is_ready, time.monotonic() + _NEXT_GRACE_S)
        if self._endpoint.is_ready and self._exit is None:
            self.state = step(self.state, Signal.RELEASE)
            return True
        return False

    def finish_slowly(self) -> None:
        """Wait until the runtime asks again, at most until the invocation's time is over."""
        if self._pump(self._is_ready, self._deadline_s) is Waited.DONE:
            self.state = step(self.state, Signal.RELEASE)
        else:
            self._reset()

    def stop(self) -> None:
        """End all processes and free what the environment holds."""
        if self.state is State.INVOKE:  # its invocation was given up: the emulator stops
            self._reset()
        self.state = step(self.state, Signal.RETIRE)
        self._end_process()
        self._backend.release(self.id)
        self._endpoint.close()
        self._selector.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.state = step(self.state, Signal.EXITED)

    def _is_ready(self) -> bool:
        return self._endpoint.is_ready

    def _launch_runtime(self) -> RuntimeProcess:
        self.state = step(self.state, Signal.START)
        self._exit = None
        return self._backend.launch(
            self.version,
            environment_id=self.id,
            tmp_folder=self._tmp,
            runtime_api=self._endpoint.address,
            log_stream=self._log_stream,
        )

    def _await_ready(
        self, process: RuntimeProcess, request_id: str, deadline: float
    ) -> Failure | None:
        self._process = process
        self._output.attach(process.log_fd)
        self._selector.register(process.log_fd, selectors.EVENT_READ, self._pull_output)
        self._selector.register(process.exit_fd, selectors.EVENT_READ, self._poll_exit)
        waited = self._pump(lambda: self._is_ready() or self._endpoint.answer is not None, deadline)
        self._output.pull()
        answer = self._endpoint.answer
        if answer is not None:
            return answered(answer)
        if waited is not Waited.DONE:
            return self._failure(waited, request_id)
        self.state = step(self.state, Signal.READY)
        return None

    def _suppressed_init(self, request_id: str, deadline: float) -> Failure | None:
        started = time.monotonic()
        self._output.release()
        self._platform.init_started(INVOKE)
        failure = self._await_ready(self._launch_runtime(), request_id, deadline)
        self._platform.init_ended(INVOKE, (time.monotonic() - started) * 1000, failure)
        return failure

    def _await_answer(self, invocation: Invocation, deadline: float) -> Failure | None:
        if self._endpoint.await_briefly():
            self._output.catch_up()  # what the handler printed was there before its answer
            return None
        self._output.release()
        waited = self._pump(self._has_answer, deadline)
        if waited is Waited.EXITED:
            self._endpoint.drain()
        if waited is Waited.DONE or self._has_answer():
            return None
        return self._failure(waited, invocation.request_id)

    def _has_answer(self) -> bool:
        return self._endpoint.answer is not None

    def _truncated(
        self, answer: Answer, invocation: Invocation, deadline: float
    ) -> tuple[Failure | None, Answer | None]:
        """Tell a runtime that broke its response off from one whose process ended in the middle."""
        limit = min(deadline, time.monotonic() + _LAST_BREATH_S)
        if self._pump(self._is_ready, limit) is Waited.EXITED:
            return self._failure(Waited.EXITED, invocation.request_id), None
        return None, answer

    def _pump(self, done: Callable[[], bool], deadline: float) -> Waited:
        """Serve the runtime until `done`, its exit, its limit of memory or the deadline."""
        reading_s = time.monotonic() + self._gauge.next_reading_s(0.0)
        while not done():
            if self._exit is not None:
                return Waited.EXITED
            now = time.monotonic()
            if now >= deadline:
                return Waited.TIMEOUT
            if now >= reading_s and self._gauge.is_known:
                used_mib = self._gauge.read()
                if used_mib > self.version.memory_mib:
                    return Waited.OUT_OF_MEMORY
                reading_s = now + self._gauge.next_reading_s(used_mib)
            until = min(deadline, reading_s) if self._gauge.is_known else deadline
            self._dispatch(max(until - now, 0.0))
        return Waited.DONE

    def _dispatch(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            key.data()

    def _pull_output(self) -> None:
        assert self._process is not None
        if not self._output.pull():
            self._selector.unregister(self._process.log_fd)

    def _poll_exit(self) -> None:
        assert self._process is not None
        self._exit = self._process.poll()
        if self._process.pid is not None and not self._gauge.is_known:
            self._gauge = MemoryGauge(self._process.pid, self.version.memory_mib)
        if self._exit is not None:
            # Its end is seen once; the rest of its life is the backend's.
            self._selector.unregister(self._process.exit_fd)

    def _failure(self, waited: Waited, request_id: str) -> Failure:
        if waited is Waited.TIMEOUT:
            return timed_out(self.version.timeout_s, request_id)
        if waited is Waited.OUT_OF_MEMORY:
            return out_of_memory(request_id)
        assert self._exit is not None
        return exited(self._exit, request_id)

    def _result(
        self,
        invocation: Invocation,
        answer: Answer | None,
        failure: Failure | None,
        duration_ms: float,
        *,
        has_run: bool,
    ) -> InvocationResult:
        status = Status.SUCCESS if failure is None else failure.status
        if status is Status.TIMEOUT:
            duration_ms = self.version.timeout_s * 1000.0
        error_type = None if failure is None else failure.error_type
        init_ms, self._init_ms = self._init_ms, None
        used_mib = self._gauge.peak_mib(duration_ms / 1000)
        if error_type == "Runtime.OutOfMemory":
            used_mib = self.version.memory_mib
        # What the handler printed has been pulled: it was readable when its answer was.
        self._output.end_line()
        if failure is not None:
            payload = failure.body
        else:
            assert answer is not None
            payload = answer.body
        self._platform.ended(
            invocation,
            failure=failure,
            duration_ms=duration_ms,
            init_ms=init_ms,
            used_mib=used_mib,
            produced_bytes=0 if answer is None else answer.streamed_bytes or len(answer.body),
        )
        return InvocationResult(
            payload=payload,
            status=status,
            function_error=None if failure is None else "Unhandled",
            error_type=error_type,
            executed_version=self.version.version,
            log=self._output.take(),
            duration_ms=duration_ms,
            billed_ms=billed_ms(duration_ms, init_ms),
            init_ms=init_ms,
            max_memory_mib=used_mib,
            environment_id=self.id,
            has_run=has_run,
            streamed_bytes=None if failure is not None or answer is None else answer.streamed_bytes,
        )

    def _reset(self) -> None:
        """End the processes after a failure; /tmp, log stream and address stay."""
        self.state = step(self.state, Signal.FAIL)
        self._end_process()
        self._endpoint.restart()
        self._init_ms = None
        self.state = step(self.state, Signal.REAPED)

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        self._output.pull()
        for fd in (process.log_fd, process.exit_fd):
            if fd in self._selector.get_map():
                self._selector.unregister(fd)
        process.close()
        self._gauge.close()
        self._gauge = MemoryGauge(None, self.version.memory_mib)


def _log_stream_name(version: FunctionVersion, environment_id: str) -> str:
    day = time.strftime("%Y/%m/%d", time.gmtime())
    name = version.name if version.log_group else ""  # a shared group tells functions apart
    return f"{day}/{name}[{version.version}]{environment_id}"


def _event_headers(invocation: Invocation, deadline_ms: int) -> dict[str, str]:
    headers = {
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": invocation.invoked_arn,
        "Lambda-Runtime-Trace-Id": invocation.trace_header,
        "Content-Type": "application/json",
    }
    if invocation.client_context is not None:
        # A header cannot hold what is beyond Latin-1; JSON can be written without it.
        text = json.dumps(json.loads(invocation.client_context))
        headers["Lambda-Runtime-Client-Context"] = text
    return headers
