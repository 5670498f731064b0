"""What functions written with AWS's SDK do, and what becomes of them while time goes by."""

import base64
import importlib.metadata
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.durable.conftest import Durable, sdk_layer
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import running_emulator


def error_of(durable: Durable, arn: str) -> tuple[str | None, str | None]:
    durable.emulator.settle()
    found = durable.get(arn)
    assert found["Status"] == "FAILED"
    return found["Error"].get("ErrorType"), found["Error"].get("ErrorMessage")


def test_who_invokes_synchronously_gets_the_result_of_the_whole_execution(
    durable: Durable,
) -> None:
    answer = durable.run("steps", {"n": 4}, LogType="Tail")
    assert answer["Payload"] == 50
    assert b"REPORT RequestId" in base64.b64decode(answer["LogResult"])
    assert answer["ExecutedVersion"] == "$LATEST"
    arn = answer["DurableExecutionArn"]
    assert durable.get(arn)["Status"] == "SUCCEEDED"
    assert re.fullmatch(
        r"arn:aws:lambda:us-east-1:000000000000:function:steps:\$LATEST/durable-execution/[^/]+/[^/]+",
        arn,
    )


def test_a_failed_execution_is_a_function_error_for_who_waited(durable: Durable) -> None:
    answer = durable.run("raises_at_once")
    assert answer["FunctionError"] == "Unhandled"
    assert answer["StatusCode"] == 200
    assert answer["Payload"] == {
        "errorMessage": "wrong from the start",
        "errorType": "ValueError",
    }


def test_a_wait_costs_no_invocation_and_ends_on_the_emulators_clock(durable: Durable) -> None:
    arn = durable.start("sleeper", {"seconds": 600})
    assert durable.status(arn) == "RUNNING"
    before = len(durable.emulator.invocations("sleeper"))
    durable.emulator.advance(599)
    assert durable.status(arn) == "RUNNING"
    assert len(durable.emulator.invocations("sleeper")) == before
    durable.emulator.advance(2)
    assert durable.result(arn) == "awake"
    assert durable.kinds(arn) == [
        "ExecutionStarted",
        *("StepStarted", "StepSucceeded", "WaitStarted", "WaitSucceeded"),
        *("StepStarted", "StepSucceeded", "ExecutionSucceeded"),
    ]


def test_a_caller_that_waits_gets_its_answer_when_the_clock_has_moved(durable: Durable) -> None:
    answers: list[Any] = []
    caller = threading.Thread(target=lambda: answers.append(durable.run("sleeper")["Payload"]))
    caller.start()
    arn = None
    while arn is None or "WaitStarted" not in durable.kinds(arn):
        found = durable.client.list_durable_executions_by_function(
            FunctionName="sleeper", Statuses=["RUNNING"]
        )["DurableExecutions"]
        arn = found[0]["DurableExecutionArn"] if found else None
    durable.emulator.advance(600)
    caller.join(30)
    assert answers == ["awake"]


def test_a_step_is_retried_after_its_delay(durable: Durable) -> None:
    arn = durable.start("retries", {"succeeds_at": 3})
    for _ in range(2):
        assert durable.status(arn) == "RUNNING"
        durable.emulator.advance(60)
    assert durable.result(arn) == 3
    retries = [
        event["StepFailedDetails"]["RetryDetails"]
        for event in durable.history(arn)
        if event["EventType"] == "StepFailed"
    ]
    assert retries == [
        {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 60},
        {"CurrentAttempt": 2, "NextAttemptDelaySeconds": 60},
    ]


def test_a_step_without_further_retries_fails_the_execution(durable: Durable) -> None:
    arn = durable.start("gives_up")
    durable.emulator.settle()
    durable.emulator.advance(30)
    kind, message = error_of(durable, arn)
    assert str(kind).endswith("StepError")
    assert message == "'never'"


def test_a_condition_is_polled_until_it_holds(durable: Durable) -> None:
    arn = durable.start("polls")
    for _ in range(2):
        assert durable.status(arn) == "RUNNING"
        durable.emulator.advance(60)
    assert durable.result(arn) == 3


def test_branches_wait_beside_each_other(durable: Durable) -> None:
    arn = durable.start("fans_out", {"items": [1, 2, 3]})
    durable.emulator.settle()
    for _ in range(3):
        durable.emulator.advance(10)
        durable.emulator.settle()
    assert durable.result(arn) == [1, 4, 9]


def test_what_a_finished_context_had_inside_is_not_run_again(durable: Durable) -> None:
    arn = durable.start("deep")
    durable.emulator.settle()
    durable.emulator.advance(5)
    assert durable.result(arn) == "deep down"
    assert durable.kinds(arn).count("StepStarted") == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(b"yes", {"answer": "yes"}), (b"", {"answer": None})],
)
def test_a_callback_is_answered_from_outside(
    durable: Durable, answer: bytes, expected: object
) -> None:
    arn = durable.start("asks")
    callback = durable.callback(arn)
    durable.client.send_durable_execution_callback_success(CallbackId=callback, Result=answer)
    assert durable.result(arn) == expected
    with pytest.raises(durable.client.exceptions.CallbackTimeoutException):
        durable.client.send_durable_execution_callback_heartbeat(CallbackId=callback)


def test_a_failed_callback_raises_in_the_function(durable: Durable) -> None:
    arn = durable.start("asks")
    durable.client.send_durable_execution_callback_failure(
        CallbackId=durable.callback(arn), Error={"ErrorMessage": "no", "ErrorType": "Refused"}
    )
    assert error_of(durable, arn)[1] == "no"
    failed = next(e for e in durable.history(arn) if e["EventType"] == "CallbackFailed")
    assert failed["CallbackFailedDetails"]["Error"]["Payload"] == {
        "ErrorMessage": "no",
        "ErrorType": "Refused",
    }


def test_wait_for_callback_submits_and_waits(durable: Durable) -> None:
    arn = durable.start("waits_for")
    callback = durable.callback(arn)
    assert f"asked {callback}" in durable.emulator.invocations("waits_for")[0]["log"]
    durable.client.send_durable_execution_callback_success(CallbackId=callback, Result=b"hello")
    assert durable.result(arn) == "hello"


def test_heartbeats_keep_a_callback_alive_until_its_timeout(durable: Durable) -> None:
    arn = durable.start("asks", {"timeout": 50, "heartbeat": 20})
    callback = durable.callback(arn)
    invocations = len(durable.emulator.invocations("asks"))
    for _ in range(3):
        durable.emulator.advance(15)
        durable.client.send_durable_execution_callback_heartbeat(CallbackId=callback)
        assert durable.status(arn) == "RUNNING"
    assert len(durable.emulator.invocations("asks")) == invocations
    durable.emulator.advance(10)
    assert error_of(durable, arn)[1] == "Callback timed out"


def test_a_callback_without_heartbeat_times_out(durable: Durable) -> None:
    arn = durable.start("asks", {"timeout": 50, "heartbeat": 20})
    durable.callback(arn)
    durable.emulator.advance(21)
    assert error_of(durable, arn)[1] == "Callback timed out on heartbeat"


CHAINED: list[tuple[str, object, str]] = [
    ("plain", {"result": {"plain": {"a": 1}}}, "Succeeded"),
    ("echo:$LATEST", {"result": {"a": 1}}, "Succeeded"),
    ("raises", {"message": "plainly wrong", "type": "RuntimeError"}, "Failed"),
    ("raises_at_once:$LATEST", {"message": "wrong from the start", "type": "ValueError"}, "Failed"),
    (
        "echo",
        {
            "message": "You cannot invoke a durable function using an unqualified ARN.",
            "type": "InvalidParameterValueException",
        },
        "Failed",
    ),
    ("missing", {"type": "ResourceNotFoundException"}, "Failed"),
]


@pytest.mark.parametrize(("function", "expected", "end"), CHAINED)
def test_an_execution_invokes_other_functions(
    durable: Durable, function: str, expected: dict[str, Any], end: str
) -> None:
    arn = durable.start("calls", {"function": function, "payload": {"a": 1}})
    result = durable.result(arn)
    assert {key: result[key] for key in expected} == expected
    assert durable.kinds(arn) == [
        "ExecutionStarted",
        "ChainedInvokeStarted",
        f"ChainedInvoke{end}",
        "ExecutionSucceeded",
    ]


def test_the_history_names_the_execution_that_was_invoked(durable: Durable) -> None:
    arn = durable.start("calls", {"function": "echo:$LATEST", "payload": 7})
    assert durable.result(arn) == {"result": 7}
    (started,) = [e for e in durable.history(arn) if e["EventType"] == "ChainedInvokeStarted"]
    details = started["ChainedInvokeStartedDetails"]
    assert (details["FunctionName"], details["ExecutedVersion"]) == ("echo:$LATEST", "$LATEST")
    assert durable.get(details["DurableExecutionArn"])["Result"] == "7"


def test_stopping_an_invoked_execution_tells_who_invoked_it(durable: Durable) -> None:
    arn = durable.start("calls", {"function": "sleeper:$LATEST"})
    durable.emulator.settle()
    (started,) = [e for e in durable.history(arn) if e["EventType"] == "ChainedInvokeStarted"]
    child = started["ChainedInvokeStartedDetails"]["DurableExecutionArn"]
    durable.client.stop_durable_execution(
        DurableExecutionArn=child, Error={"ErrorMessage": "enough", "ErrorType": "Enough"}
    )
    assert durable.result(arn)["message"] == "enough"
    assert "ChainedInvokeStopped" in durable.kinds(arn)


@pytest.mark.parametrize(
    ("function", "invocations", "message"),
    [
        ("crashes", 5, "Runtime exited with error: exit status 3"),
        ("idle", 3, "Cannot return PENDING status with no pending operations."),
        ("says_nonsense", 1, "'DONE' is no Status"),
    ],
)
def test_invocations_that_fail_are_repeated_some_times(
    durable: Durable, function: str, invocations: int, message: str
) -> None:
    arn = durable.start(function)
    for _ in range(5):
        durable.emulator.settle()
        durable.emulator.advance(5)
    assert message in str(error_of(durable, arn)[1])
    events = [e for e in durable.history(arn) if e["EventType"] == "InvocationCompleted"]
    assert len(events) == invocations


def test_a_result_too_large_for_an_answer_is_checkpointed(durable: Durable) -> None:
    answer = durable.run("large", {"bytes": 6_291_420})
    assert len(answer["Payload"]) == 6_291_420


def test_an_execution_ends_when_its_time_is_over(durable: Durable) -> None:
    arn = durable.start("asks")
    durable.callback(arn)
    expected = durable.get(arn)["ExpectedExecutionTimeoutTimestamp"]
    assert (expected - durable.get(arn)["StartTimestamp"]).total_seconds() == 900
    durable.emulator.advance(900)
    assert durable.status(arn) == "TIMED_OUT"
    assert durable.kinds(arn)[-1] == "ExecutionTimedOut"
    assert "Error" in durable.get(arn)


def test_an_ended_execution_is_forgotten_after_its_retention(durable: Durable) -> None:
    arn = durable.start("echo", {"a": 1}, DurableExecutionName="kept-for-two-days")
    assert durable.result(arn) == {"a": 1}
    durable.emulator.advance(2 * 86_400 - 60)
    assert durable.status(arn) == "SUCCEEDED"
    durable.emulator.advance(61)
    durable.emulator.settle()
    with pytest.raises(durable.client.exceptions.ResourceNotFoundException):
        durable.get(arn)
    assert durable.start("echo", {"b": 2}, DurableExecutionName="kept-for-two-days") != arn


def test_a_name_starts_one_execution(durable: Durable) -> None:
    name = {"DurableExecutionName": "once"}
    arn = durable.start("steps", {"n": 1}, **name)
    assert durable.result(arn) == 20
    assert durable.start("steps", {"n": 1}, **name) == arn
    again = durable.run("steps", {"n": 1}, **name)
    assert (again["Payload"], again["DurableExecutionArn"]) == (20, arn)
    with pytest.raises(durable.client.exceptions.DurableExecutionAlreadyStartedException):
        durable.start("steps", {"n": 2}, **name)
    assert durable.get(arn)["DurableExecutionName"] == "once"


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
def test_a_durable_function_is_not_invoked_without_a_qualifier(durable: Durable, kind: str) -> None:
    with pytest.raises(ClientError) as caught:
        durable.client.invoke(FunctionName="steps", InvocationType=kind)
    assert caught.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": "You cannot invoke a durable function using an unqualified ARN.",
    }


def test_other_functions_take_no_execution_name(durable: Durable) -> None:
    with pytest.raises(durable.client.exceptions.InvalidParameterValueException):
        durable.client.invoke(FunctionName="plain", DurableExecutionName="name")


def test_published_versions_run_what_they_were(durable: Durable) -> None:
    version = durable.client.publish_version(FunctionName="steps")["Version"]
    answer = durable.client.invoke(FunctionName=f"steps:{version}", Payload=b"{}")
    assert json.load(answer["Payload"]) == 20
    assert f":steps:{version}/durable-execution/" in answer["DurableExecutionArn"]
    arn = answer["DurableExecutionArn"]
    durable.client.delete_function(FunctionName="steps", Qualifier=version)
    with pytest.raises(durable.client.exceptions.ResourceNotFoundException):
        durable.get(arn)


def test_the_example_of_the_sdk_runs_as_it_is_printed(tmp_path: Path) -> None:
    readme = importlib.metadata.distribution("aws-durable-execution-sdk-python").read_text(
        "METADATA"
    )
    (example,) = [
        code
        for code in re.findall(r"```python\n(.*?)```", str(readme), re.DOTALL)
        if "def handler" in code
    ]
    folder = ProjectFolder(tmp_path / "project")
    sdk_layer(folder.path / "sdk.zip")
    folder.add(
        "order", example, 'layers = ["sdk.zip"]\ntimeout_s = 20\n[functions.order.durable]\n'
    )
    with running_emulator(folder.path, "--no-watch") as emulator:
        order = Durable(emulator)
        arn = order.start("order", {"order_id": "o-1"})
        assert order.status(arn) == "RUNNING"
        emulator.advance(5)
        assert order.result(arn) == {"status": "approved", "order_id": "o-1"}
