"""SnapStart by the API: a version is published, its snapshot taken, its environments restored."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import function_processes, processes_of, wait_until
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator, started_emulator

# What an environment is made of is seen in `made`: everything is in the snapshot.
SOURCE = """
import boto3, os
made = os.urandom(8).hex()
sts = boto3.client("sts")

def handler(event, context):
    if event == "role":
        return sts.get_caller_identity()["Arn"]
    if event == "variables":
        return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return [made, context.log_stream_name]
"""
GATED = """
import os, socket
gate = int(os.environ["GATE"])
socket.create_connection(("127.0.0.1", gate)).recv(1)
def handler(event, context):
    return "up"
"""


def with_snap_start(functions: Any, name: str, runtime: str = "python3.12", **more: Any) -> None:
    functions.update_function_configuration(
        FunctionName=name, Runtime=runtime, SnapStart={"ApplyOn": "PublishedVersions"}, **more
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectFolder:
    folder = ProjectFolder(tmp_path_factory.mktemp("snapstart"))
    folder.add("kept", SOURCE, "timeout_s = 20")
    folder.add("gated", GATED)
    folder.add("broken", "raise ValueError('as ever')\n")
    return folder


@pytest.fixture(scope="module")
def emulator(project: ProjectFolder) -> Iterator[RunningEmulator]:
    with running_emulator(project.path) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


@pytest.fixture(scope="module")
def number(emulator: RunningEmulator, functions: Any) -> str:
    """A version of `kept` whose snapshot is there."""
    with_snap_start(functions, "kept")
    number: str = functions.publish_version(FunctionName="kept")["Version"]
    emulator.settle()
    return number


def shown(functions: Any, name: str, number: str) -> tuple[str, str]:
    answer = functions.get_function_configuration(FunctionName=name, Qualifier=number)
    return answer["State"], answer["SnapStart"]["OptimizationStatus"]


def test_a_version_is_pending_until_its_snapshot_is_there(
    emulator: RunningEmulator, functions: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gate:
        gate.settimeout(20)
        port = str(gate.getsockname()[1])
        with_snap_start(functions, "gated", Environment={"Variables": {"GATE": port}})
        latest = functions.get_function_configuration(FunctionName="gated")
        assert latest["SnapStart"] == {
            "ApplyOn": "PublishedVersions",
            "OptimizationStatus": "Off",
        }
        made = functions.publish_version(FunctionName="gated")
        assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
        number = made["Version"]
        visitor, _ = gate.accept()
        assert shown(functions, "gated", number) == ("Pending", "On")
        for kind in ("RequestResponse", "Event", "DryRun"):
            with pytest.raises(functions.exceptions.SnapStartNotReadyException):
                functions.invoke(FunctionName="gated", Qualifier=number, InvocationType=kind)
        visitor.close()
        functions.get_waiter("published_version_active").wait(
            FunctionName="gated", Qualifier=number, WaiterConfig={"Delay": 1}
        )
    assert shown(functions, "gated", number) == ("Active", "On")
    assert invoke(functions, "gated", Qualifier=number).result == "up"  # nobody is at the gate
    unchanged = functions.publish_version(FunctionName="gated")
    assert (unchanged["Version"], unchanged["State"]) == (number, "Active")


def test_environments_are_restored_and_latest_is_as_ever(
    emulator: RunningEmulator, functions: Any, number: str
) -> None:
    made, log_stream = invoke(functions, "kept", Qualifier=number).result
    assert log_stream is None
    functions.update_function_configuration(FunctionName="kept", MemorySize=256)
    assert invoke(functions, "kept").result[0] != made
    assert invoke(functions, "kept", Qualifier=number).result[0] == made


def test_credentials_come_from_an_address_also_for_clients_of_the_init_phase(
    functions: Any, number: str
) -> None:
    variables = invoke(functions, "kept", "variables", Qualifier=number).result
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
    assert variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")
    assert not {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
    } & set(variables)
    arn = invoke(functions, "kept", "role", Qualifier=number).result
    assert arn == invoke(functions, "kept", "role").result
    assert arn.endswith("/kept")


def test_a_version_that_does_not_load_fails(emulator: RunningEmulator, functions: Any) -> None:
    with_snap_start(functions, "broken")
    number = functions.publish_version(FunctionName="broken")["Version"]
    emulator.settle()
    answer = functions.get_function_configuration(FunctionName="broken", Qualifier=number)
    assert {name: answer[name] for name in ("State", "StateReasonCode", "StateReason")} == {
        "State": "Failed",
        "StateReasonCode": "FunctionError.RuntimeInitError",
        "StateReason": "ValueError: as ever",
    }
    with pytest.raises(functions.exceptions.ResourceConflictException, match="state: Failed"):
        invoke(functions, "broken", Qualifier=number)
    emulator.wait_for_output(f"snapstart.failed function=broken version={number}")


def test_what_snap_start_does_not_go_with_is_refused(functions: Any, number: str) -> None:
    refused: list[dict[str, Any]] = [
        {"Runtime": "python3.11"},
        {"Runtime": "nodejs22.x"},
        {"EphemeralStorage": {"Size": 513}},
    ]
    for settings in refused:
        with pytest.raises(functions.exceptions.InvalidParameterValueException, match="SnapStart"):
            functions.update_function_configuration(FunctionName="kept", **settings)
    with pytest.raises(functions.exceptions.InvalidParameterValueException, match="SnapStart"):
        functions.put_provisioned_concurrency_config(
            FunctionName="kept", Qualifier=number, ProvisionedConcurrentExecutions=1
        )


def test_hot_reload_leaves_versions_alone_and_a_deleted_one_leaves_nothing(
    emulator: RunningEmulator, functions: Any, project: ProjectFolder
) -> None:
    project.add("live", SOURCE)
    assert wait_until(lambda: exists(functions, "live"))
    with_snap_start(functions, "live")
    invoke(functions, "live")

    def count() -> int:
        return len(function_processes(emulator.process.pid))

    before = count()
    number = functions.publish_version(FunctionName="live")["Version"]
    emulator.settle()
    made, _ = invoke(functions, "live", Qualifier=number).result
    assert count() == before + 2  # the snapshot and what was restored of it
    (project.path / "live" / "app.py").write_text("def handler(*_):\n    return 'new'\n")
    assert invoke(functions, "live").result == "new"
    assert invoke(functions, "live", Qualifier=number).result[0] == made
    functions.delete_function(FunctionName="live", Qualifier=number)
    assert wait_until(lambda: count() == before)


def exists(functions: Any, name: str) -> bool:
    try:
        functions.get_function(FunctionName=name)
    except botocore.exceptions.ClientError:
        return False
    return True


@pytest.mark.slow
def test_a_snapshot_is_taken_again_when_the_emulator_starts_again(tmp_path: Path) -> None:
    project = ProjectFolder(tmp_path / "project")
    project.add("kept", SOURCE)
    arguments = ("--data-dir", str(tmp_path / "data"))
    with started_emulator(project.path, *arguments) as emulator:
        functions = emulator.client("lambda")
        with_snap_start(functions, "kept")
        number = functions.publish_version(FunctionName="kept")["Version"]
        emulator.settle()
        made, _ = invoke(functions, "kept", Qualifier=number).result
        os.kill(emulator.process.pid, signal.SIGKILL)
        emulator.process.wait()
        assert wait_until(lambda: not processes_of(emulator.scratch))
    with running_emulator(project.path, *arguments) as emulator:
        functions = emulator.client("lambda")
        again, _ = invoke(functions, "kept", Qualifier=number).result  # waits for the snapshot
        assert again != made
        assert shown(functions, "kept", number) == ("Active", "On")
        assert invoke(functions, "kept", Qualifier=number).result[0] == again
        emulator.reset()
        assert wait_until(lambda: not exists(functions, f"kept:{number}"))
