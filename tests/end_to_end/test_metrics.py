"""CloudWatch's metrics of Lambda, from invocations to GetMetricStatistics."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

SOURCE = """
def handler(event, context):
    if event == "fail":
        raise ValueError("as asked")
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    path: Path = tmp_path_factory.mktemp("metrics") / "project"
    folder = ProjectFolder(path, "[emulator]\nretry_delay_scale = 0\n")
    folder.add("orders", SOURCE)
    folder.add("other", SOURCE)
    with running_emulator(folder.path) as emulator:
        yield emulator


def statistics(emulator: RunningEmulator, name: str, function: str | None) -> dict[str, Any]:
    now = datetime.now(UTC)
    dimensions = [{"Name": "FunctionName", "Value": function}] if function else []
    answer = emulator.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        Dimensions=dimensions,
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum", "Average", "Maximum", "SampleCount"],
    )
    [point] = answer["Datapoints"]
    return dict(point)


def test_invocations_can_be_read_as_metrics(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    for payload in (b"1", b"2", b'"fail"'):
        functions.invoke(FunctionName="orders", Payload=payload)
    functions.invoke(FunctionName="other", Payload=b"1")
    assert statistics(emulator, "Invocations", "orders")["Sum"] == 3
    assert statistics(emulator, "Invocations", None)["Sum"] == 4
    errors = statistics(emulator, "Errors", "orders")
    assert (errors["Sum"], errors["SampleCount"]) == (1, 3)
    assert errors["Average"] == pytest.approx(1 / 3)
    duration = statistics(emulator, "Duration", "orders")
    assert duration["Unit"] == "Milliseconds"
    assert 0 < duration["Average"] <= duration["Maximum"]
    assert statistics(emulator, "ConcurrentExecutions", "orders")["Maximum"] == 1
    assert statistics(emulator, "Throttles", "orders")["Sum"] == 0

    functions.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName="orders", Payload=b"1")
    functions.delete_function_concurrency(FunctionName="orders")
    assert statistics(emulator, "Throttles", "orders")["Sum"] == 1
    assert statistics(emulator, "Invocations", "orders")["Sum"] == 3


def test_asynchronous_events_can_be_read_as_metrics(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    for payload in (b"1", b'"fail"'):
        functions.invoke(FunctionName="orders", InvocationType="Event", Payload=payload)
    emulator.settle()
    assert statistics(emulator, "AsyncEventsReceived", "orders")["Sum"] == 2
    assert statistics(emulator, "AsyncEventsDropped", "orders")["Sum"] == 1
    assert statistics(emulator, "AsyncEventAge", "orders")["Unit"] == "Milliseconds"
