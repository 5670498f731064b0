"""Lines the platform itself writes to a function's log. Source: spec/execution-environment.md 6."""

import hashlib
import math
from collections.abc import Iterable, Sequence

from emulator.model import FunctionVersion, Status
from emulator.model.value import value
from emulator.runtime_api import TelemetryApi


def runtime_version(version: FunctionVersion) -> tuple[str, str]:
    """Name and ARN of the build of the runtime that a function runs on."""
    runtime = version.runtime or "image"
    name = runtime.replace("python", "python:").replace("nodejs", "nodejs:").removesuffix(".x")
    # Differs from Lambda: AWS numbers its builds of a runtime; here there is one, and its ARN
    # is made from the name.
    digest = hashlib.sha256(runtime.encode()).hexdigest()
    return f"{name}.v1", f"arn:aws:lambda:{version.region}::runtime:{digest}"


def init_start(version: FunctionVersion) -> str:
    """First line of an environment."""
    name, arn = runtime_version(version)
    return f"INIT_START Runtime Version: {name}\tRuntime Version ARN: {arn}"


def init_report(ms: float, phase: str, status: Status, error_type: str | None) -> str:
    """Line for an init phase that failed or took too long; `phase` is init or invoke."""
    line = f"INIT_REPORT Init Duration: {ms:.2f} ms\tPhase: {phase}\tStatus: {status}"
    return line if error_type is None else f"{line}\tError Type: {error_type}"


@value
class RestoreTimes:
    """How long an environment took to be there again, and which part of it is paid for."""

    ms: float
    billed_ms: int


def restore_start(version: FunctionVersion) -> str:
    """First line of an environment that is made of a snapshot."""
    name, arn = runtime_version(version)
    return f"RESTORE_START Runtime Version: {name}\tRuntime Version ARN: {arn}"


def restore_report(ms: float, status: Status, error_type: str | None) -> str:
    """Line for the end of a restore; the status stands there only for failures."""
    line = f"RESTORE_REPORT Restore Duration: {ms:.2f} ms"
    if status is Status.SUCCESS:
        return line
    line += f"\tStatus: {status}"
    return line if error_type is None else f"{line}\tError Type: {error_type}"


def start(request_id: str, version: str) -> str:
    """Line before a handler's own output."""
    return f"START RequestId: {request_id} Version: {version}"


def end(request_id: str) -> str:
    """Line after a handler's own output."""
    return f"END RequestId: {request_id}"


def report(
    request_id: str,
    *,
    duration_ms: float,
    memory_mib: int,
    used_mib: int | None,
    init_ms: float | None,
    status: Status,
    error_type: str | None,
    restore: RestoreTimes | None = None,
) -> str:
    """Line that sums an invocation up; the status stands there only for failures."""
    line = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\t"
        f"Billed Duration: {billed_ms(duration_ms, init_ms)} ms\tMemory Size: {memory_mib} MB\t"
    )
    if used_mib is not None:  # a figure that cannot be measured here is left out
        line += f"Max Memory Used: {used_mib} MB\t"
    if init_ms is not None:
        line += f"Init Duration: {init_ms:.2f} ms\t"
    if restore is not None:
        line += f"Restore Duration: {restore.ms:.2f} ms\t"
        line += f"Billed Restore Duration: {restore.billed_ms} ms\t"
    if status is Status.TIMEOUT:
        line += "Status: timeout"
    elif error_type is not None:
        line += f"Status: error\tError Type: {error_type}"
    return line


def xray(trace_header: str) -> str:
    """Second line of a REPORT, where X-Ray samples the request."""
    members = dict(part.partition("=")[::2] for part in trace_header.split(";"))
    trace_id, segment = members.get("Root", ""), members.get("Parent", "")
    return f"XRAY TraceId: {trace_id}\tSegmentId: {segment}\tSampled: true\t"


def extension(name: str, state: str, events: Iterable[str], error_type: str | None) -> str:
    """Line that tells where an extension stands when an init phase is over."""
    line = f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]"
    return line if error_type is None else f"{line}\tError Type: {error_type}"


def subscription(api: TelemetryApi, name: str, state: str, types: Sequence[str]) -> str:
    """Line for an extension that subscribes to telemetry."""
    shown = ", ".join(each.capitalize() for each in types)
    return f"{api.value.upper()}\tName: {name}\tState: {state}\tTypes: [{shown}]"


def billed_ms(duration_ms: float, init_ms: float | None) -> int:
    """Milliseconds that are paid for: the init phase counts, too, since August 2025."""
    return math.ceil(round(duration_ms, 2) + round(init_ms or 0.0, 2))
