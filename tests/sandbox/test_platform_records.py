"""What the platform tells of an environment, in its JSON form."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.model import PROVISIONED, CodePackage, FunctionVersion, Status
from emulator.sandbox import platform_records as records
from emulator.sandbox.platform_records import PlatformRecord, iso_time

VERSION = FunctionVersion(
    account="000000000000",
    region="us-east-1",
    name="f",
    version="7",
    deployment=1,
    runtime="python3.12",
    handler="app.handler",
    role="",
    code=CodePackage(folder=Path(), sha256="", size_bytes=1),
)
TRACE = "Root=1-2-3;Sampled=0"
TRACING = {"type": "X-Amzn-Trace-Id", "value": TRACE}


def test_a_time_is_written_with_three_digits_of_a_second() -> None:
    assert iso_time(1_700_000_000_007) == "2023-11-14T22:13:20.007Z"


def test_an_init_phase_names_function_instance_and_runtime() -> None:
    start = records.init_start(VERSION, "init", "e1")
    assert start.type == "platform.initStart"
    assert start.level == "INFO"
    arn = start.record["runtimeVersionArn"]
    assert arn.startswith("arn:aws:lambda:us-east-1::runtime:")
    assert start.record == {
        "initializationType": "on-demand",
        "phase": "init",
        "functionName": "f",
        "functionVersion": "7",
        "instanceId": "e1",
        "instanceMaxMemory": 134_217_728,
        "runtimeVersion": "python:3.12.v1",
        "runtimeVersionArn": arn,
    }


def done(status: Status, error_type: str | None = None, produced: int = 2) -> PlatformRecord:
    return records.runtime_done(
        "r1",
        status=status,
        error_type=error_type,
        duration_ms=1.23456,
        produced_bytes=produced,
        started_ms=0,
        trace_header=TRACE,
    )


def report(status: Status, error_type: str | None = None, **more: Any) -> PlatformRecord:
    figures: dict[str, Any] = {
        "duration_ms": 1.23456,
        "billed_ms": 2,
        "memory_mib": 128,
        "used_mib": 40,
        "init_ms": None,
    }
    metrics = records.report_metrics(**figures | more)
    return records.report("r1", metrics, status=status, error_type=error_type, trace_header=TRACE)


def test_what_the_runtime_did_and_what_it_cost_are_two_events() -> None:
    assert done(Status.SUCCESS).record == {
        "requestId": "r1",
        "status": "success",
        "metrics": {"durationMs": 1.235, "producedBytes": 2},
        "spans": [
            {"name": "responseLatency", "start": "1970-01-01T00:00:00.000Z", "durationMs": 1.235}
        ],
        "tracing": TRACING,
    }
    assert report(Status.SUCCESS, init_ms=10.5).record == {
        "requestId": "r1",
        "metrics": {
            "durationMs": 1.235,
            "billedDurationMs": 2,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 40,
            "initDurationMs": 10.5,
        },
        "status": "success",
        "tracing": TRACING,
    }


def test_a_figure_that_cannot_be_measured_is_left_out() -> None:
    assert "maxMemoryUsedMB" not in report(Status.SUCCESS, used_mib=None).record["metrics"]


OUTCOMES = [
    (Status.ERROR, "Runtime.ExitError", {"status": "error", "errorType": "Runtime.ExitError"}),
    (Status.TIMEOUT, "Sandbox.Timedout", {"status": "timeout"}),
]


@pytest.mark.parametrize(("status", "error_type", "expected"), OUTCOMES)
def test_a_failure_names_its_type_but_a_timeout_says_it_all(
    status: Status, error_type: str, expected: dict[str, str]
) -> None:
    for event in (done(status, error_type, produced=0), report(status, error_type)):
        shown = {key: event.record[key] for key in ("status", "errorType") if key in event.record}
        assert shown == expected
        assert event.level == "WARN"
    assert done(status, error_type, produced=0).record["spans"] == []


SUCCESS, ERROR = Status.SUCCESS, Status.ERROR
LEVELS = [  # spec/execution-environment.md section 6
    (records.start("r1", "$LATEST", TRACE), "INFO"),
    (report(SUCCESS), "INFO"),
    (report(ERROR, "X"), "WARN"),
    (done(SUCCESS), "DEBUG"),
    (done(ERROR, "X"), "WARN"),
    (records.init_start(VERSION, "init", "e"), "INFO"),
    (records.init_runtime_done("init", SUCCESS, None), "DEBUG"),
    (records.init_runtime_done("init", ERROR, "X"), "WARN"),
    (records.init_report("init", SUCCESS, None, 1.0), "DEBUG"),
    (records.init_report("init", SUCCESS, None, 1.0, PROVISIONED), "INFO"),
    (records.init_report("init", ERROR, "X", 1.0), "WARN"),
    (records.extension("e", "Ready", ["INVOKE"], None), "INFO"),
    (records.extension("e", "InitError", [], "X"), "WARN"),
]


@pytest.mark.parametrize(("event", "level"), LEVELS)
def test_each_event_has_the_level_of_the_table(event: PlatformRecord, level: str) -> None:
    assert event.level == level


def test_an_event_without_a_trace_has_no_tracing() -> None:
    assert records.start("r1", "$LATEST", "").record == {"requestId": "r1", "version": "$LATEST"}


def test_an_image_has_a_runtime_version_too() -> None:
    image = replace(VERSION, runtime=None)
    assert records.init_start(image, "init", "e").record["runtimeVersion"] == "image.v1"
