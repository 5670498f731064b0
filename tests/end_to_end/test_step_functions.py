"""State machines whose tasks are functions."""

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.end_to_end.project_folder import RUNTIME, ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

WORKER = "arn:aws:lambda:us-east-1:000000000000:function:worker"
SOURCE = """
import boto3, json, time

class OrderError(Exception):
    pass

def handler(event, context):
    match event.get("do"):
        case "fail":
            raise OrderError("no such order")
        case "sleep":
            time.sleep(5)
        case "token":
            boto3.client("stepfunctions").send_task_success(
                taskToken=event["token"], output=json.dumps({"shipped": True})
            )
    return {"doubled": event.get("n", 0) * 2, "event": event}
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("worker", SOURCE, "timeout_s = 1")
    with running_emulator(folder.path) as running:
        yield running


def start(emulator: RunningEmulator, first: dict[str, Any], given: Any, **client: Any) -> str:
    """Run a machine that begins with state First, and may go on to Work or Caught."""
    states = emulator.client("stepfunctions", **client)
    account = client.get("aws_access_key_id", "000000000000")
    definition = {
        "StartAt": "First",
        "States": {
            "First": first if "Next" in first else {**first, "End": True},
            "Work": {"Type": "Task", "Resource": WORKER, "End": True},
            "Caught": {"Type": "Pass", "End": True},
        },
    }
    machine = states.create_state_machine(
        name=f"m{uuid.uuid4()}",
        definition=json.dumps(definition),
        roleArn=f"arn:aws:iam::{account}:role/states",
    )
    started = states.start_execution(
        stateMachineArn=machine["stateMachineArn"], input=json.dumps(given)
    )
    emulator.settle()
    execution: str = started["executionArn"]
    return execution


def run(emulator: RunningEmulator, task: dict[str, Any], given: Any, **client: Any) -> Any:
    """Run a machine with one task; return the description of its execution."""
    execution = start(emulator, {"Type": "Task", **task}, given, **client)
    return emulator.client("stepfunctions", **client).describe_execution(executionArn=execution)


def test_a_task_that_names_a_function_gets_the_input_and_gives_its_result(
    emulator: RunningEmulator,
) -> None:
    done = run(emulator, {"Resource": WORKER}, {"n": 21})
    assert done["status"] == "SUCCEEDED"
    assert json.loads(done["output"]) == {"doubled": 42, "event": {"n": 21}}


def test_the_invoke_integration_passes_the_payload_and_answers_with_metadata(
    emulator: RunningEmulator,
) -> None:
    task = {
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "worker", "Payload": {"n.$": "$.count"}},
    }
    done = run(emulator, task, {"count": 4})
    assert done["status"] == "SUCCEEDED", done
    output = json.loads(done["output"])
    assert output["Payload"] == {"doubled": 8, "event": {"n": 4}}
    assert output["ExecutedVersion"] == "$LATEST"
    assert output["StatusCode"] == 200
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert "RequestId" in output["SdkResponseMetadata"]


@pytest.mark.parametrize(
    "task",
    [
        {"Resource": WORKER},
        {
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": WORKER, "Payload.$": "$"},
        },
    ],
)
def test_the_type_of_an_exception_is_the_name_of_the_error(
    emulator: RunningEmulator, task: dict[str, Any]
) -> None:
    done = run(emulator, task, {"do": "fail"})
    assert (done["status"], done["error"]) == ("FAILED", "OrderError"), done
    assert json.loads(done["cause"])["errorMessage"] == "no such order"


def test_an_error_is_caught_by_its_name(emulator: RunningEmulator) -> None:
    catch = {"Catch": [{"ErrorEquals": ["OrderError"], "Next": "Caught"}]}
    done = run(emulator, {"Resource": WORKER, **catch}, {"do": "fail"})
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"])["Error"] == "OrderError"


def test_a_function_that_takes_too_long_is_called_timed_out(emulator: RunningEmulator) -> None:
    done = run(emulator, {"Resource": WORKER}, {"do": "sleep"})
    assert (done["status"], done["error"]) == ("FAILED", "Sandbox.Timedout"), done


def test_a_missing_function_fails_the_task_with_lambdas_error(emulator: RunningEmulator) -> None:
    done = run(emulator, {"Resource": WORKER + "s"}, {})
    assert (done["status"], done["error"]) == ("FAILED", "Lambda.ResourceNotFoundException"), done


def test_a_task_waits_until_the_function_hands_its_token_back(emulator: RunningEmulator) -> None:
    task = {
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {
            "FunctionName": "worker",
            "Payload": {"do": "token", "token.$": "$$.Task.Token"},
        },
    }
    done = run(emulator, task, {})
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"]) == {"shipped": True}


@pytest.mark.parametrize("moment", ["Seconds", "Timestamp"])
def test_a_wait_obeys_the_clock_and_settle_does_not_wait_for_it(
    emulator: RunningEmulator, moment: str
) -> None:
    states = emulator.client("stepfunctions")
    now = emulator.request("GET", "/_emulator/clock")["now"]
    at = datetime.fromtimestamp(now + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    wait = {"Type": "Wait", "Next": "Work", moment: 3600 if moment == "Seconds" else at}
    execution = start(emulator, wait, {"n": 1})
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    emulator.advance(3601)
    emulator.settle()
    assert states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"


def test_a_retry_waits_on_the_clock(emulator: RunningEmulator) -> None:
    retry = {"ErrorEquals": ["OrderError"], "IntervalSeconds": 300, "MaxAttempts": 1}
    task = {"Type": "Task", "Resource": WORKER, "Retry": [retry]}
    execution = start(emulator, task, {"do": "fail"})
    states = emulator.client("stepfunctions")
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    emulator.advance(301)
    emulator.settle()
    assert states.describe_execution(executionArn=execution)["status"] == "FAILED"


def test_a_machine_of_another_account_runs_that_accounts_function(
    emulator: RunningEmulator,
) -> None:
    other = {"aws_access_key_id": "222222222222"}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr(
            "app.py", "def handler(event, context): return context.invoked_function_arn"
        )
    emulator.client("lambda", **other).create_function(
        FunctionName="theirs",
        Runtime=RUNTIME,
        Handler="app.handler",
        Role="arn:aws:iam::222222222222:role/r",
        Code={"ZipFile": archive.getvalue()},
    )
    task = {
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "theirs"},
        "OutputPath": "$.Payload",
    }
    done = run(emulator, task, {}, **other)
    assert json.loads(done["output"]) == "arn:aws:lambda:us-east-1:222222222222:function:theirs"


def test_a_stopped_machine_that_waits_does_not_go_on(emulator: RunningEmulator) -> None:
    execution = start(emulator, {"Type": "Wait", "Next": "Work", "Seconds": 3600}, {})
    emulator.client("stepfunctions").stop_execution(executionArn=execution)
    before = len(emulator.invocations("worker"))
    emulator.advance(3601)
    emulator.settle()
    assert len(emulator.invocations("worker")) == before


def test_what_is_refused_has_the_code_of_aws(emulator: RunningEmulator) -> None:
    machines = emulator.client("stepfunctions")
    role = "arn:aws:iam::000000000000:role/r"
    with pytest.raises(machines.exceptions.InvalidDefinition):
        machines.create_state_machine(name="m", definition="{", roleArn=role)
    with pytest.raises(machines.exceptions.InvalidToken):
        machines.send_task_success(taskToken="nobody's", output="{}")


def test_a_reset_ends_a_machine_that_waits(emulator: RunningEmulator) -> None:
    start(emulator, {"Type": "Wait", "Next": "Work", "Seconds": 3600}, {})
    emulator.reset()
    emulator.advance(3601)
    emulator.settle()
    assert emulator.invocations("worker") == []
