"""What is told of an invocation that is over: its result, and the log lines END and REPORT."""

import time
from collections.abc import Callable
from functools import partial

from emulator.model import FunctionVersion, Invocation, InvocationResult, Status
from emulator.runtime_api import Answer
from emulator.sandbox.failure import Failure
from emulator.sandbox.output import Output
from emulator.sandbox.platform_lines import RestoreTimes, billed_ms
from emulator.sandbox.platform_log import PlatformLog
from emulator.sandbox.processes import Processes


class InvocationReports:
    """Makes the results of an environment's invocations, and writes their last lines.

    These are due when the caller has his answer, and all extensions have theirs. Used by one
    thread at a time, as the environment.
    """

    def __init__(
        self,
        version: FunctionVersion,
        environment_id: str,
        platform: PlatformLog,
        output: Output,
        processes: Processes,
    ) -> None:
        self._version = version
        self._environment_id = environment_id
        self._platform = platform
        self._output = output
        self._processes = processes
        self._registered = processes.registered
        self.init_ms: float | None = None  # of an init phase no invocation has reported yet
        self.restore: RestoreTimes | None = None  # of a restore none has reported yet
        self._due: Callable[[Failure | None], None] | None = None  # writes END and REPORT

    @property
    def is_due(self) -> bool:
        """True while END and REPORT of the last invocation have not been written."""
        return self._due is not None

    def duration_ms(self, started: float, failure: Failure | None) -> float:
        """Return for how long the function has run by now; after a timeout that is the limit."""
        if failure is not None and failure.status is Status.TIMEOUT:
            return self._version.timeout_s * 1000.0
        return (time.monotonic() - started) * 1000

    def result(
        self,
        invocation: Invocation,
        answer: Answer | None,
        failure: Failure | None,
        duration_ms: float,
        *,
        has_run: bool,
    ) -> InvocationResult:
        """Return the result; END and REPORT are in its log where the caller wants that, else due.

        answer: None where there is none because of `failure`. has_run: whether the handler has.
        """
        init_ms, self.init_ms = self.init_ms, None
        restore, self.restore = self.restore, None
        error_type = None if failure is None else failure.error_type
        used_mib = self._processes.gauge.peak_mib(duration_ms / 1000)
        if error_type == "Runtime.OutOfMemory":
            used_mib = self._version.memory_mib
        if failure is not None:
            payload = failure.body
        else:
            assert answer is not None
            payload = answer.body
        log = self._output.log
        report = partial(
            self._platform.ended, invocation, init_ms=init_ms, used_mib=used_mib, restore=restore
        )
        if answer is None or invocation.wants_log:
            report(failure=failure, duration_ms=duration_ms)
            self._output.end()
        else:
            self._due = self._later(report, failure, duration_ms)
        return InvocationResult(
            payload=payload,
            status=Status.SUCCESS if failure is None else failure.status,
            function_error=None if failure is None else "Unhandled",
            error_type=error_type,
            executed_version=self._version.version,
            log=log,
            duration_ms=duration_ms,
            billed_ms=billed_ms(duration_ms, init_ms),
            init_ms=init_ms,
            restore_ms=None if restore is None else restore.ms,
            max_memory_mib=used_mib,
            environment_id=self._environment_id,
            has_run=has_run,
            streamed_bytes=None if failure is not None or answer is None else answer.streamed_bytes,
        )

    def _later(
        self, report: Callable[..., None], failure: Failure | None, duration_ms: float
    ) -> Callable[[Failure | None], None]:
        if not self._registered or self._processes.is_done():
            return lambda _late: report(failure=failure, duration_ms=duration_ms)
        # Extensions may take longer; that counts, but the caller does not wait for it.
        started = time.monotonic() - duration_ms / 1000
        return lambda late: report(
            failure=late or failure, duration_ms=self.duration_ms(started, late or failure)
        )

    def write_due(self, late: Failure | None = None) -> None:
        """Write the last lines of an invocation whose caller has got its answer already.

        late: what went wrong since then.
        """
        due, self._due = self._due, None
        if due is not None:
            if self._registered:
                self._output.pull()
                self._output.end_line()
            due(late)
            self._output.end()
