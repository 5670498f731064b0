"""Platform events as records: lines of a JSON log, and what the Telemetry API delivers.

Source: spec/runtime-api.md section 5, levels: spec/execution-environment.md section 6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from emulator.model import ON_DEMAND, FunctionVersion, Status
from emulator.runtime_api import TelemetryApi
from emulator.sandbox.platform_lines import RestoreTimes, runtime_version

LEVELS: Final = ("DEBUG", "INFO", "WARN")  # of the system log, in order


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformRecord:
    """One event; `level` is what the system log level is compared with."""

    type: str
    record: Mapping[str, Any]
    level: str

    def at(self, at_ms: int) -> dict[str, Any]:
        """The whole event, as it is logged and delivered."""
        return {"time": iso_time(at_ms), "type": self.type, "record": self.record}


def iso_time(at_ms: int) -> str:
    """Milliseconds since the epoch as `2026-11-21T10:00:00.123Z`."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def init_start(version: FunctionVersion, phase: str, environment_id: str) -> PlatformRecord:
    """An init phase begins; `phase` is init, invoke or snap-start."""
    kind = version.initialization_type
    record = {"initializationType": kind, "phase": phase, **_instance(version, environment_id)}
    return PlatformRecord(type="platform.initStart", record=record, level="INFO")


def _instance(version: FunctionVersion, environment_id: str) -> dict[str, Any]:
    name, arn = runtime_version(version)
    return {
        "functionName": version.name,
        "functionVersion": version.version,
        "instanceId": environment_id,
        "instanceMaxMemory": version.memory_mib * 1024 * 1024,
        "runtimeVersion": name,
        "runtimeVersionArn": arn,
    }


def init_runtime_done(
    phase: str, status: Status, error_type: str | None, initialization_type: str = ON_DEMAND
) -> PlatformRecord:
    """The runtime asked for its first event, or never will."""
    record = {
        "initializationType": initialization_type,
        "phase": phase,
        **_outcome(status, error_type),
    }
    return PlatformRecord(
        type="platform.initRuntimeDone", record=record, level=_level("DEBUG", status)
    )


def init_report(
    phase: str,
    status: Status,
    error_type: str | None,
    ms: float,
    initialization_type: str = ON_DEMAND,
) -> PlatformRecord:
    """An init phase is over."""
    record = {
        "initializationType": initialization_type,
        "phase": phase,
        **_outcome(status, error_type),
        "metrics": {"durationMs": _rounded(ms)},
    }
    usual = "DEBUG" if initialization_type == ON_DEMAND else "INFO"
    return PlatformRecord(type="platform.initReport", record=record, level=_level(usual, status))


def restore_start(version: FunctionVersion, environment_id: str) -> PlatformRecord:
    """An environment is made of a snapshot."""
    record = _instance(version, environment_id)
    return PlatformRecord(type="platform.restoreStart", record=record, level="INFO")


def restore_runtime_done(status: Status, error_type: str | None) -> PlatformRecord:
    """Its runtime asked for its first event, or never will."""
    return PlatformRecord(
        type="platform.restoreRuntimeDone",
        record=_outcome(status, error_type),
        level=_level("DEBUG", status),
    )


def restore_report(status: Status, error_type: str | None, ms: float) -> PlatformRecord:
    """The environment is there, or cannot be had."""
    record = {**_outcome(status, error_type), "metrics": {"durationMs": _rounded(ms)}}
    return PlatformRecord(
        type="platform.restoreReport", record=record, level=_level("INFO", status)
    )


def start(request_id: str, version: str, trace_header: str) -> PlatformRecord:
    """An invocation begins."""
    record = {"requestId": request_id, "version": version, **_tracing(trace_header)}
    return PlatformRecord(type="platform.start", record=record, level="INFO")


def runtime_done(
    request_id: str,
    *,
    status: Status,
    error_type: str | None,
    duration_ms: float,
    produced_bytes: int,
    started_ms: int,
    trace_header: str,
) -> PlatformRecord:
    """The runtime has answered, or never will; `started_ms` is when the invocation began.

    A span of its overhead is missing: when the answer is out, nobody knows yet how long the
    runtime will take to ask for its next event.
    """
    latency = {"name": "responseLatency", "start": iso_time(started_ms)}
    spans = [{**latency, "durationMs": _rounded(duration_ms)}] if produced_bytes else []
    record = {
        "requestId": request_id,
        **_outcome(status, error_type),
        "metrics": {"durationMs": _rounded(duration_ms), "producedBytes": produced_bytes},
        "spans": spans,
        **_tracing(trace_header),
    }
    return PlatformRecord(type="platform.runtimeDone", record=record, level=_level("DEBUG", status))


def report(
    request_id: str,
    metrics: Mapping[str, float],
    *,
    status: Status,
    error_type: str | None,
    trace_header: str,
) -> PlatformRecord:
    """An invocation is over; `metrics` are those of `report_metrics`."""
    record = {
        "requestId": request_id,
        "metrics": metrics,
        **_outcome(status, error_type),
        **_tracing(trace_header),
    }
    return PlatformRecord(type="platform.report", record=record, level=_level("INFO", status))


def report_metrics(
    *,
    duration_ms: float,
    billed_ms: int,
    memory_mib: int,
    used_mib: int | None,
    init_ms: float | None,
    restore: RestoreTimes | None = None,
) -> dict[str, float]:
    """The figures of a REPORT; one that cannot be measured here is left out."""
    metrics: dict[str, float] = {
        "durationMs": _rounded(duration_ms),
        "billedDurationMs": billed_ms,
        "memorySizeMB": memory_mib,
    }
    if used_mib is not None:
        metrics["maxMemoryUsedMB"] = used_mib
    if init_ms is not None:
        metrics["initDurationMs"] = _rounded(init_ms)
    if restore is not None:
        metrics["restoreDurationMs"] = _rounded(restore.ms)
        metrics["billedRestoreDurationMs"] = restore.billed_ms
    return metrics


def extension(
    name: str, state: str, events: Sequence[str], error_type: str | None
) -> PlatformRecord:
    """An extension came to a state."""
    record: dict[str, Any] = {"name": name, "state": state, "events": list(events)}
    if error_type is not None:
        record["errorType"] = error_type
    level = "INFO" if error_type is None else "WARN"
    return PlatformRecord(type="platform.extension", record=record, level=level)


def subscription(api: TelemetryApi, name: str, state: str, types: Sequence[str]) -> PlatformRecord:
    """An extension subscribes to telemetry."""
    kind = "telemetrySubscription" if api is TelemetryApi.TELEMETRY else "logsSubscription"
    record = {"name": name, "state": state, "types": list(types)}
    return PlatformRecord(type=f"platform.{kind}", record=record, level="INFO")


def _outcome(status: Status, error_type: str | None) -> dict[str, str]:
    # A time-out says all there is to say.
    if error_type is None or status is Status.TIMEOUT:
        return {"status": status.value}
    return {"status": status.value, "errorType": error_type}


def _tracing(header: str) -> dict[str, Any]:
    return {"tracing": {"type": "X-Amzn-Trace-Id", "value": header}} if header else {}


def _level(level: str, status: Status) -> str:
    return level if status is Status.SUCCESS else "WARN"


def _rounded(ms: float) -> float:
    return round(ms, 3)
