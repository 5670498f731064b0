"""What the platform says of one environment: told here once, written as text or as JSON."""

import json
from collections.abc import Sequence
from typing import Final

from emulator.model import DEFAULT_LOG_LEVEL, FunctionVersion, Invocation, Status
from emulator.runtime_api import Answer, Extension, Subscription
from emulator.sandbox import platform_lines, platform_records
from emulator.sandbox.failure import Failure
from emulator.sandbox.output import Output
from emulator.sandbox.platform_lines import RestoreTimes
from emulator.sandbox.platform_records import LEVELS, PlatformRecord
from emulator.sandbox.telemetry import Telemetry

INIT: Final = "init"
INVOKE: Final = "invoke"  # an init phase that runs inside an invocation


class PlatformLog:
    """Writes the platform's part of an environment's log. Used by one thread at a time.

    A text log has lines for some of the events only; records are made only for who wants them.
    """

    def __init__(
        self,
        version: FunctionVersion,
        environment_id: str,
        output: Output,
        telemetry: Telemetry,
    ) -> None:
        self._version = version
        self._environment_id = environment_id
        self._output = output
        self._is_text = not version.logs_json
        self._telemetry = telemetry
        self._started_ms = 0
        self._least = LEVELS.index(version.system_log_level or DEFAULT_LOG_LEVEL)

    def init_started(self, phase: str) -> None:
        """An init phase begins."""
        if self._is_text and phase != INVOKE:
            self._output.platform(platform_lines.init_start(self._version))
        if self._telemetry.wants_records:
            self._emit(platform_records.init_start(self._version, phase, self._environment_id))

    def init_ended(self, phase: str, ms: float, failure: Failure | None) -> None:
        """An init phase is over; a text log tells of it only when it failed."""
        status, error_type = _outcome(failure)
        if self._is_text and failure is not None:
            shown = None if status is Status.TIMEOUT else error_type
            self._output.platform(platform_lines.init_report(ms, phase, status, shown))
        if self._telemetry.wants_records:
            kind = self._version.initialization_type
            self._emit(platform_records.init_runtime_done(phase, status, error_type, kind))
            self._emit(platform_records.init_report(phase, status, error_type, ms, kind))
            self._telemetry.settle()

    def restore_started(self) -> None:
        """An environment is made of a snapshot."""
        if self._is_text:
            self._output.platform(platform_lines.restore_start(self._version))
        if self._telemetry.wants_records:
            self._emit(platform_records.restore_start(self._version, self._environment_id))

    def restore_ended(self, ms: float, failure: Failure | None) -> None:
        """It is there, or cannot be had."""
        status, error_type = _outcome(failure)
        if self._is_text:
            shown = None if status is Status.TIMEOUT else error_type
            self._output.platform(platform_lines.restore_report(ms, status, shown))
        if self._telemetry.wants_records:
            self._emit(platform_records.restore_runtime_done(status, error_type))
            self._emit(platform_records.restore_report(status, error_type, ms))
            self._telemetry.settle()

    def extension(
        self, name: str, state: str, events: Sequence[str], error_type: str | None
    ) -> None:
        """An extension stands there when an init phase is over."""
        if self._is_text:
            self._output.platform(platform_lines.extension(name, state, events, error_type))
        if self._telemetry.wants_records:
            self._emit(platform_records.extension(name, state, events, error_type))

    def subscribed(self, extension: Extension, subscription: Subscription) -> None:
        """An extension subscribes to telemetry, perhaps again."""
        api, types = subscription.api, subscription.types
        state = "Subscribed"
        if self._telemetry.subscribe(extension.name, subscription):
            state = "Already subscribed"
        if self._is_text:
            line = platform_lines.subscription(api, extension.name, state, types)
            self._output.platform(line)
        self._emit(platform_records.subscription(api, extension.name, state, types))

    def started(self, invocation: Invocation) -> None:
        """An invocation begins; a text log has its line when the output is released."""
        version = self._version.version
        if self._is_text:
            self._output.hold(platform_lines.start(invocation.request_id, version))
        if self._telemetry.wants_records:
            self._started_ms = self._output.now_ms()
            self._emit(
                platform_records.start(invocation.request_id, version, invocation.trace_header)
            )

    def runtime_done(
        self,
        invocation: Invocation,
        answer: Answer | None,
        failure: Failure | None,
        duration_ms: float,
    ) -> None:
        """The runtime has answered, or never will; extensions may still be at work.

        A text log has no line for that, so this is for whom telemetry wants records.
        """
        status, error_type = _outcome(failure)
        self._emit(
            platform_records.runtime_done(
                invocation.request_id,
                status=status,
                error_type=error_type,
                duration_ms=duration_ms,
                produced_bytes=0 if answer is None else answer.streamed_bytes or len(answer.body),
                started_ms=self._started_ms,
                trace_header=invocation.trace_header,
            )
        )
        self._telemetry.flush()  # an extension may wait for this before it is done

    def ended(
        self,
        invocation: Invocation,
        *,
        failure: Failure | None,
        duration_ms: float,
        init_ms: float | None,
        used_mib: int | None,
        restore: RestoreTimes | None = None,
    ) -> None:
        """An invocation is over; restore: of the snapshot, where it waited for that."""
        status, error_type = _outcome(failure)
        request_id = invocation.request_id
        if self._is_text:
            report = platform_lines.report(
                request_id,
                duration_ms=duration_ms,
                memory_mib=self._version.memory_mib,
                used_mib=used_mib,
                init_ms=init_ms,
                status=status,
                error_type=error_type,
                restore=restore,
            )
            if self._version.is_traced and ";Sampled=1" in invocation.trace_header:
                report = f"{report}\n{platform_lines.xray(invocation.trace_header)}"
            self._output.platform(platform_lines.end(request_id), report)
        if self._telemetry.wants_records:
            metrics = platform_records.report_metrics(
                duration_ms=duration_ms,
                billed_ms=platform_lines.billed_ms(duration_ms, init_ms),
                memory_mib=self._version.memory_mib,
                used_mib=used_mib,
                init_ms=init_ms,
                restore=restore,
            )
            self._emit(
                platform_records.report(
                    request_id,
                    metrics,
                    status=status,
                    error_type=error_type,
                    trace_header=invocation.trace_header,
                )
            )

    def _emit(self, event: PlatformRecord) -> None:
        whole = event.at(self._output.now_ms())
        self._telemetry.tell(whole)
        if not self._is_text and LEVELS.index(event.level) >= self._least:
            self._output.platform(json.dumps(whole, separators=(",", ":")))


def _outcome(failure: Failure | None) -> tuple[Status, str | None]:
    return (Status.SUCCESS, None) if failure is None else (failure.status, failure.error_type)
