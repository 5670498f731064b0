"""One execution environment: its process, its Runtime API, its phases."""

import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from emulator.model import (
    ON_DEMAND,
    PROVISIONED,
    FunctionVersion,
    Invocation,
    InvocationResult,
    Status,
)
from emulator.model.limits import INIT_TIMEOUT_S, PROVISIONED_INIT_TIMEOUT_S
from emulator.model.steps import Steps
from emulator.observe import LogBook
from emulator.runtime_api import ResponseSink
from emulator.sandbox.debug_session import DebugSession
from emulator.sandbox.failure import Failure, answered
from emulator.sandbox.freezing import Rest
from emulator.sandbox.invocation_reports import InvocationReports
from emulator.sandbox.invoke_phase import InvokePhase
from emulator.sandbox.output import Output, OutputListener
from emulator.sandbox.platform_log import INIT, INVOKE, PlatformLog
from emulator.sandbox.process import Backend, DebugMode, Launch, RuntimeProcess
from emulator.sandbox.processes import Processes, Waited
from emulator.sandbox.shutdown import Reason
from emulator.sandbox.state import Signal, State, step
from emulator.sandbox.suspension import Suspension
from emulator.sandbox.telemetry import Telemetry
from emulator.sandbox.telemetry_sender import TelemetrySender

# How long the caller's thread waits for a runtime to ask again, before another thread does.
_NEXT_GRACE_S = 0.001
# A runtime that asked for its next event as lately as this is taken to be alive.
_FRESH_S = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class InitReport:
    """How an init phase went."""

    init_ms: float
    failure: Failure | None


class Environment:
    """One runtime with its extensions, and what outlives them: /tmp, the log stream, the address.

    Used by one thread at a time: the one that starts it, the invoke it is lent to, or the one
    that retires it.
    """

    is_restored = False  # from a snapshot
    init_phase = INIT  # in the platform's word

    def __init__(
        self,
        version: FunctionVersion,
        *,
        backend: Backend,
        folder: Path,
        log_book: LogBook,
        listener: OutputListener,
        suspension: Suspension,
        sender: TelemetrySender,
        debug: DebugSession | None = None,
    ) -> None:
        self.version = version
        self.debug = debug
        self.is_provisioned = version.initialization_type == PROVISIONED
        self.state = State.COLD
        self.id = uuid.uuid4().hex
        self.idle_since_s = 0.0
        self._backend = backend
        listens_on = backend.listens_on(version)  # before anything that would have to be freed
        self._folder = folder / self.id
        self._log_stream = _log_stream_name(version, self.id)
        stream = log_book.log_stream(
            version.log_group_name, self._log_stream, version.account, version.region
        )
        self._telemetry = Telemetry(sender, stream.now_ms, logs_json=version.logs_json)
        self._output = Output(stream, version.name, listener, self._telemetry)
        self._platform = PlatformLog(version, self.id, self._output, self._telemetry)
        self._processes = Processes(
            version,
            self._output,
            self._launch_process,
            self._telemetry,
            self._platform.subscribed,
            listens_on=listens_on,
            debug=debug,
            is_restored=self.is_restored,
        )
        self._now = self._processes.now
        suspension = backend.suspension(version, self.id) or suspension
        self.rest = Rest(suspension, self._processes.roots, self._telemetry.is_delivering)
        self._endpoint = self._processes.endpoint
        self._registered = self._processes.registered  # extensions; empty in most environments
        self.init_report: InitReport | None = None  # of the latest init phase on its own
        self._reports = InvocationReports(
            version, self.id, self._platform, self._output, self._processes
        )
        self._phase = InvokePhase(self._output, self._processes, debug)
        self._unreset: Reason | None = None  # it has failed, and its extensions are to be told
        self._tmp = self._folder / "tmp"
        self._tmp.mkdir(parents=True)
        self._tmp.chmod(0o1777)

    @property
    def is_warm(self) -> bool:
        """True while an initialised runtime process waits."""
        return self.state is State.IDLE

    @property
    def is_kept(self) -> bool:
        """True when it is there however long nobody has used it."""
        return self.is_provisioned or self.debug is not None

    def check(self) -> None:
        """Go on after a rest; COLD afterwards if the process ended while nobody watched."""
        if self.rest.is_frozen:
            self.rest.thaw()
        if self.state is State.IDLE and self._is_stale() and not self._processes.look():
            self._reset(Reason.FAILURE)

    def _is_stale(self) -> bool:
        return time.monotonic() - self.idle_since_s > _FRESH_S

    def initialise(self) -> InitReport:
        """Run the on-demand init phase, with its own time limit.

        After a failure the environment is COLD, and its next invocation runs the phase again.
        """
        self._platform.init_started(self.init_phase)
        self._launch()  # what the machine needs to get ready is not billed
        started = time.monotonic()
        failure = self._await_ready("", self._now() + _init_timeout_s(self.version))
        init_ms = (time.monotonic() - started) * 1000
        self._platform.init_ended(self.init_phase, init_ms, failure)
        self._processes.extensions.log_states(self._platform)
        if failure is None:
            # No invocation waited for one that is provisioned.
            self._reports.init_ms = None if self.is_provisioned else init_ms
            self._telemetry.hold()
        else:
            self._reset(_reason(failure))
        self.init_report = InitReport(init_ms=init_ms, failure=failure)
        return self.init_report

    @property
    def is_quick(self) -> bool:
        """True when an invocation blocks its thread nowhere but where it waits for the answer."""
        return (
            self.state is State.IDLE
            and not self.rest.is_frozen
            and not self._registered
            and self.debug is None
            and not self._is_stale()
            and not self._processes.log_lag_s
        )

    @property
    def is_ready(self) -> bool:
        """True when the runtime waits for the next event already."""
        return self._endpoint.is_ready

    def steps(
        self, invocation: Invocation, sink: ResponseSink | None = None
    ) -> Steps[InvocationResult]:
        """Run one invocation; the environment is INVOKE, or COLD after a failure, afterwards.

        Where `is_quick`, only the waits block. sink: reads along what the runtime streams.
        Follow with `finish`, which waits for the runtime, and for extensions that were told of
        the invocation, to ask for the next event.
        """
        # What the machine needs to get ready does not count as the function's time.
        is_cold = self._launch_if_cold()
        started = time.monotonic()
        self._deadline_s = deadline = self._now() + self.version.timeout_s
        if self._registered:
            self._telemetry.release()
        self._platform.started(invocation)
        failure = None
        if is_cold:
            failure = self._suppressed_init(invocation.request_id, deadline)
        answer = None
        has_run = failure is None
        if failure is None:
            self.state = step(self.state, Signal.RESERVE)
            failure, answer = yield from self._phase.steps(invocation, deadline, sink)
        duration_ms = self._reports.duration_ms(started, failure)
        self._processes.await_late_output()
        # What the handler printed has been pulled: it was readable when its answer was.
        self._output.end_line()
        if self._telemetry.wants_records:
            self._platform.runtime_done(invocation, answer, failure, duration_ms)
        if self._registered and answer is not None and invocation.wants_log:
            self._processes.pump(self._processes.is_done, deadline)  # who may have more to log
            duration_ms = self._reports.duration_ms(started, failure)
        result = self._reports.result(invocation, answer, failure, duration_ms, has_run=has_run)
        if answer is None:
            assert failure is not None
            if self._registered:  # they get time to end: the caller has its answer before that
                self._unreset = _reason(failure)
            else:
                self._reset(_reason(failure))
        return result

    def finish(self) -> bool:
        """Wait a moment for who has to ask again; False: call `finish_slowly` elsewhere."""
        if self.state is State.COLD:
            return True
        if not self._registered:
            self._reports.write_due()
        if self._unreset is not None:
            return False
        processes = self._processes
        # A debugger may stop the runtime here, and its clock stands still: nobody waits for that.
        if self.debug is None and (self._registered or not self._endpoint.is_ready):
            processes.pump(processes.is_done, self._now() + _NEXT_GRACE_S)
        if processes.exit is None and processes.is_done():
            self._release()
            return True
        return False

    def finish_slowly(self) -> None:
        """Wait until all have asked again, at most until the invocation's time is over."""
        if self._unreset is not None:
            self._reset(self._unreset)
            return
        waited = self._processes.pump(self._processes.is_done, self._deadline_s)
        if waited is Waited.DONE:
            self._release()
            return
        failure = self._processes.failure(waited, "")  # the caller has its answer: for the log
        self._reports.write_due(failure)
        self._reset(_reason(failure))

    @property
    def has_extensions(self) -> bool:
        """True when its shutdown takes time, because it has extensions to tell."""
        return bool(self._registered)

    def stop(self) -> None:
        """End all processes and free what the environment holds."""
        if self.state is not State.COLD and (self._unreset or self.state is State.INVOKE):
            self._reset(self._unreset or Reason.FAILURE)  # given up: the emulator stops
        self.state = step(self.state, Signal.RETIRE)
        if self._registered and self.rest.is_frozen:
            self.rest.thaw()
        if self.debug is not None:
            self.debug.ends()
        self._processes.end(Reason.SPINDOWN)
        self.rest.end()
        self._backend.release(self.id)
        self._processes.close()
        if self.debug is not None:
            self.debug.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.state = step(self.state, Signal.EXITED)

    def _release(self) -> None:
        self.state = step(self.state, Signal.RELEASE)
        if self._reports.is_due:
            self._reports.write_due()
        if self._registered:
            self._telemetry.hold()

    def _launch_if_cold(self) -> bool:
        is_cold = self.state is State.COLD
        if is_cold:
            self._launch()
        return is_cold

    def _launch(self) -> None:
        self.state = step(self.state, Signal.START)
        if self.debug is not None:
            self.debug.launched()
        # What brings external extensions.
        may_have_some = self.version.layers or self.version.code.image is not None
        self._processes.start(self._backend.extensions(self.version) if may_have_some else ())

    def _launch_process(
        self, extension: str | None, snapshot_fd: int | None = None
    ) -> RuntimeProcess:
        mode = None
        if self.debug is not None and extension is None:
            mode = DebugMode.WAIT if self.debug.waits else DebugMode.ATTACH
        launch = Launch(
            version=self.version,
            environment_id=self.id,
            tmp_folder=self._tmp,
            runtime_api=self._endpoint.address,
            log_stream=self._log_stream,
            extension=extension,
            debug=mode,
            snapshot_fd=snapshot_fd,
        )
        return self._backend.launch(launch)

    def _await_ready(self, request_id: str, deadline: float) -> Failure | None:
        waited = self._processes.await_ready(deadline)
        answer = self._endpoint.answer
        if answer is not None:
            return answered(answer)
        if waited is not Waited.DONE:
            return self._processes.failure(waited, request_id)
        self.state = step(self.state, Signal.READY)
        return None

    def _suppressed_init(self, request_id: str, deadline: float) -> Failure | None:
        started = time.monotonic()
        self._output.release()
        self._platform.init_started(INVOKE)
        failure = self._await_ready(request_id, deadline)
        self._platform.init_ended(INVOKE, (time.monotonic() - started) * 1000, failure)
        self._processes.extensions.log_states(self._platform)
        return failure

    def _reset(self, reason: Reason) -> None:
        """End the processes after a failure; /tmp, log stream and address stay."""
        self.state = step(self.state, Signal.FAIL)
        if self.debug is not None:
            self.debug.ends()
        self._processes.end(reason)
        self.rest.end()
        self._endpoint.restart()
        self._reports.init_ms = None
        self._unreset = None
        self.state = step(self.state, Signal.REAPED)


def _init_timeout_s(version: FunctionVersion) -> float:
    if version.initialization_type != ON_DEMAND:
        return max(PROVISIONED_INIT_TIMEOUT_S, version.timeout_s)
    return INIT_TIMEOUT_S


def _reason(failure: Failure) -> Reason:
    return Reason.TIMEOUT if failure.status is Status.TIMEOUT else Reason.FAILURE


def _log_stream_name(version: FunctionVersion, environment_id: str) -> str:
    day = time.strftime("%Y/%m/%d", time.gmtime())
    name = version.name if version.log_group else ""  # a shared group tells functions apart
    return f"{day}/{name}[{version.version}]{environment_id}"
