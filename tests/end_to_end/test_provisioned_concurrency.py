"""Environments of a version that are initialised before anybody calls."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import function_processes, is_running, wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

SOURCE = """
import os, time
kind = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
def handler(event, context):
    if event == "crash":
        os._exit(3)
    time.sleep(event or 0)
    return [kind, os.getpid(), context.log_stream_name]
"""
PROVISIONED, ON_DEMAND = "provisioned-concurrency", "on-demand"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = ProjectFolder(
        tmp_path_factory.mktemp("provisioned"), "[emulator]\nidle_timeout_s = 1\n"
    )
    for name in ("worker", "kept", "moved", "crashing"):
        project.add(name, SOURCE, "timeout_s = 20")
    project.add("broken", "raise ValueError('as ever')\n")
    project.add("slow", "import time\ntime.sleep(11)\ndef handler(*_):\n    return 'up'\n")
    return project.path


@pytest.fixture(scope="module")
def emulator(folder: Path) -> Iterator[RunningEmulator]:
    with running_emulator(folder) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def provision(functions: Any, name: str, executions: int, settle: Any) -> tuple[str, Any]:
    """Publish a version with that concurrency; return its number and what is there at last."""
    number = functions.publish_version(FunctionName=name)["Version"]
    functions.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=number, ProvisionedConcurrentExecutions=executions
    )
    settle()
    return number, shown(functions, name, number)


def shown(functions: Any, name: str, number: str) -> Any:
    answer = functions.get_provisioned_concurrency_config(FunctionName=name, Qualifier=number)
    return answer["Status"], answer["AvailableProvisionedConcurrentExecutions"]


def test_environments_are_there_first_and_more_come_on_demand(
    emulator: RunningEmulator, functions: Any
) -> None:
    number, state = provision(functions, "worker", 2, emulator.settle)
    assert state == ("READY", 2)
    with ThreadPoolExecutor(3) as callers:
        calls = [callers.submit(invoke, functions, "worker", 1, Qualifier=number) for _ in range(3)]
        answers = [call.result() for call in calls]
    kinds = sorted(answer.result[0] for answer in answers)
    assert kinds == [ON_DEMAND, PROVISIONED, PROVISIONED]
    for answer in answers:
        assert ("Init Duration" in answer.log) == (answer.result[0] == ON_DEMAND)
    assert {invoke(functions, "worker", Qualifier=number).result[0] for _ in range(5)} == {
        PROVISIONED
    }
    assert invoke(functions, "worker").result[0] == ON_DEMAND  # $LATEST has none
    assert statistic(emulator, number, "ProvisionedConcurrencyInvocations", "Sum") == 7
    assert statistic(emulator, number, "ProvisionedConcurrencySpilloverInvocations", "Sum") == 1
    assert statistic(emulator, number, "ProvisionedConcurrentExecutions", "Maximum") == 2
    assert statistic(emulator, number, "ProvisionedConcurrencyUtilization", "Maximum") == 1.0


def statistic(emulator: RunningEmulator, number: str, metric: str, which: str) -> float:
    """What CloudWatch has of a version of the function worker."""
    dimensions = {"FunctionName": "worker", "Resource": f"worker:{number}"}
    now = datetime.now(UTC)
    points = emulator.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(days=1),
        EndTime=now + timedelta(days=1),
        Period=86_400,
        Statistics=[which],
    )["Datapoints"]
    values = [float(point[which]) for point in points]
    return sum(values) if which == "Sum" else max(values)


def test_they_do_not_retire_however_long_nobody_calls(
    emulator: RunningEmulator, functions: Any
) -> None:
    number, _ = provision(functions, "kept", 1, emulator.settle)
    before = invoke(functions, "kept", Qualifier=number).result
    assert before[0] == PROVISIONED
    known = set(function_processes(emulator.process.pid))
    younger: set[psutil.Process] = set()

    def is_there() -> bool:
        younger.update(set(function_processes(emulator.process.pid)) - known)
        return bool(younger)

    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(invoke, functions, "kept", 0.3)  # of $LATEST, which has none
        assert wait_until(is_there)
        assert call.result().result[0] == ON_DEMAND
    assert wait_until(lambda: not any(is_running(each) for each in younger))  # it has retired
    assert invoke(functions, "kept", Qualifier=number).result == before


def test_one_that_crashes_is_initialised_again_before_the_next_call(
    emulator: RunningEmulator, functions: Any
) -> None:
    number, _ = provision(functions, "crashing", 1, emulator.settle)
    assert invoke(functions, "crashing", "crash", Qualifier=number).error[0] == "Runtime.ExitError"
    emulator.settle()
    answer = invoke(functions, "crashing", Qualifier=number)
    assert answer.result[0] == PROVISIONED
    assert "Init Duration" not in answer.log
    assert shown(functions, "crashing", number) == ("READY", 1)


def test_a_version_that_does_not_load_fails(emulator: RunningEmulator, functions: Any) -> None:
    number, _ = provision(functions, "broken", 2, emulator.settle)
    answer = functions.get_provisioned_concurrency_config(FunctionName="broken", Qualifier=number)
    assert (answer["Status"], answer["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert answer["AvailableProvisionedConcurrentExecutions"] == 0


def test_an_init_phase_may_take_longer_than_on_demand(
    emulator: RunningEmulator, functions: Any
) -> None:
    number, state = provision(functions, "slow", 1, emulator.settle)
    assert state == ("READY", 1)
    assert invoke(functions, "slow", Qualifier=number).result == "up"


def test_more_fewer_and_none_at_all(emulator: RunningEmulator, functions: Any) -> None:
    number, _ = provision(functions, "worker", 1, emulator.settle)
    first = invoke(functions, "worker", Qualifier=number).result
    named = {"FunctionName": "worker", "Qualifier": number}
    for executions in (3, 1):
        functions.put_provisioned_concurrency_config(
            **named, ProvisionedConcurrentExecutions=executions
        )
        emulator.settle()
        assert shown(functions, "worker", number) == ("READY", executions)
    assert invoke(functions, "worker", Qualifier=number).result == first
    functions.delete_provisioned_concurrency_config(**named)
    emulator.settle()
    assert invoke(functions, "worker", Qualifier=number).result[0] == ON_DEMAND


def test_it_moves_with_its_alias(emulator: RunningEmulator, functions: Any) -> None:
    for timeout in (20, 21):
        functions.update_function_configuration(FunctionName="moved", Timeout=timeout)
        functions.publish_version(FunctionName="moved")
    named = {"FunctionName": "moved", "Name": "live"}
    functions.create_alias(**named, FunctionVersion="1")
    functions.put_provisioned_concurrency_config(
        FunctionName="moved", Qualifier="live", ProvisionedConcurrentExecutions=2
    )
    for version, other in (("1", "2"), ("2", "1")):
        functions.update_alias(**named, FunctionVersion=version)
        emulator.settle()
        assert shown(functions, "moved", "live") == ("READY", 2)
        assert invoke(functions, "moved", Qualifier="live").result[0] == PROVISIONED
        assert invoke(functions, "moved", Qualifier=other).result[0] == ON_DEMAND


def test_it_is_kept_with_the_data_folder(tmp_path: Path) -> None:
    project = ProjectFolder(tmp_path / "project")
    project.add("worker", SOURCE)
    arguments = ("--data-dir", str(tmp_path / "data"))
    with running_emulator(project.path, *arguments) as emulator:
        number, _ = provision(emulator.client("lambda"), "worker", 2, emulator.settle)
    with running_emulator(project.path, *arguments) as emulator:
        emulator.settle()
        functions = emulator.client("lambda")
        assert shown(functions, "worker", number) == ("READY", 2)
        assert invoke(functions, "worker", Qualifier=number).result[0] == PROVISIONED
