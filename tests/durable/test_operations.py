"""The operations of the API on durable executions."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.durable.conftest import Durable


@pytest.fixture
def client(durable: Durable) -> Any:
    return durable.client


def refusal(call: Any, **members: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_executions_are_listed_by_name_status_and_time(durable: Durable, client: Any) -> None:
    names = [f"listed-{number}" for number in range(5)]
    arns = []
    for name in names:
        arns.append(durable.start("waits_for", {}, DurableExecutionName=name))
        durable.emulator.advance(10)
    durable.emulator.settle()
    client.stop_durable_execution(DurableExecutionArn=arns[0])

    def listed(**members: Any) -> list[str]:
        answer = client.list_durable_executions_by_function(FunctionName="waits_for", **members)
        found = [each["DurableExecutionName"] for each in answer["DurableExecutions"]]
        return [name for name in found if name in names]

    assert listed() == names[::-1]
    assert listed(ReverseOrder=True) == names
    assert listed(Qualifier="$LATEST", DurableExecutionName="listed-2") == ["listed-2"]
    assert listed(Statuses=["STOPPED"]) == ["listed-0"]
    assert listed(Statuses=["RUNNING", "PAUSED"]) == names[:0:-1]
    third = durable.get(arns[2])["StartTimestamp"]
    assert listed(StartedAfter=third + timedelta(seconds=1)) == ["listed-4", "listed-3"]
    assert listed(StartedBefore=third - timedelta(seconds=1)) == ["listed-1", "listed-0"]
    assert refusal(client.list_durable_executions_by_function, FunctionName="nobody") == (
        404,
        "ResourceNotFoundException",
    )


@pytest.mark.parametrize("backwards", [False, True])
def test_lists_and_histories_come_in_pages(durable: Durable, client: Any, backwards: bool) -> None:
    for number in range(3):
        durable.run("echo", number)
    pages = client.get_paginator("list_durable_executions_by_function").paginate(
        FunctionName="echo", ReverseOrder=backwards, PaginationConfig={"PageSize": 2}
    )
    found = [each["StartTimestamp"] for page in pages for each in page["DurableExecutions"]]
    assert len(found) >= 3
    assert found == sorted(found, reverse=not backwards)

    arn = durable.run("steps")["DurableExecutionArn"]
    pages = client.get_paginator("get_durable_execution_history").paginate(
        DurableExecutionArn=arn, ReverseOrder=backwards, PaginationConfig={"PageSize": 2}
    )
    numbers = [event["EventId"] for page in pages for event in page["Events"]]
    assert numbers == sorted(range(1, 8), reverse=backwards)


def test_a_history_shows_payloads_when_asked(durable: Durable, client: Any) -> None:
    arn = durable.run("steps", {"n": 1})["DurableExecutionArn"]
    without = client.get_durable_execution_history(DurableExecutionArn=arn)["Events"]
    assert without[0]["ExecutionStartedDetails"]["Input"] == {"Truncated": True}
    assert without[-1]["ExecutionSucceededDetails"]["Result"] == {"Truncated": True}
    events = durable.history(arn)
    assert events[0]["ExecutionStartedDetails"] == {
        "Input": {"Payload": '{"n": 1}', "Truncated": False},
        "ExecutionTimeout": 900,
    }
    assert [event["EventType"] for event in events] == [
        "ExecutionStarted",
        *("StepStarted", "StepSucceeded", "StepStarted", "StepSucceeded"),
        *("InvocationCompleted", "ExecutionSucceeded"),
    ]
    (step, *_) = [event for event in events if event["EventType"] == "StepSucceeded"]
    assert step["Name"] == "one"
    assert step["StepSucceededDetails"]["Result"]["Payload"] == "2"
    record = durable.emulator.invocations("steps")[0]
    completed = events[-2]["InvocationCompletedDetails"]
    assert completed["RequestId"] == record["request_id"]


def test_an_execution_is_shown_with_or_without_its_data(durable: Durable, client: Any) -> None:
    arn = durable.run("steps", {"n": 1})["DurableExecutionArn"]
    shown = client.get_durable_execution(DurableExecutionArn=arn, IncludeExecutionData=False)
    assert shown["ExecutionDataIncluded"] is False
    assert not {"InputPayload", "Result"} & set(shown)
    shown = client.get_durable_execution(DurableExecutionArn=arn, IncludeExecutionData=True)
    assert (shown["InputPayload"], shown["Result"]) == ('{"n": 1}', "20")
    assert shown["DurableConfig"] == {"ExecutionTimeout": 900, "RetentionPeriodInDays": 2}
    assert (shown["Version"], shown["FunctionArn"]) == ("$LATEST", arn.partition("/")[0])


def test_stopping_ends_an_execution_once(durable: Durable, client: Any) -> None:
    arn = durable.start("asks")
    callback = durable.callback(arn)
    why = {"ErrorMessage": "enough", "ErrorType": "Enough", "StackTrace": ["a", "b"]}
    stopped = client.stop_durable_execution(DurableExecutionArn=arn, Error=why)
    assert durable.get(arn)["Status"] == "STOPPED"
    assert durable.get(arn)["Error"] == why
    assert durable.get(arn)["EndTimestamp"] == stopped["StopTimestamp"]
    durable.emulator.advance(5)
    again = client.stop_durable_execution(DurableExecutionArn=arn)
    assert again["StopTimestamp"] == stopped["StopTimestamp"]
    send = client.send_durable_execution_callback_success
    assert refusal(send, CallbackId=callback, Result=b"late") == (400, "CallbackTimeoutException")
    assert refusal(send, CallbackId="bm9ib2R5", Result=b"") == (404, "ResourceNotFoundException")


def test_who_waits_for_a_stopped_execution_gets_its_error(durable: Durable, client: Any) -> None:
    arn = durable.start("asks", {"who": "waits"}, DurableExecutionName="stopped")
    durable.callback(arn)
    client.stop_durable_execution(DurableExecutionArn=arn, Error={"ErrorMessage": "enough"})
    answer = durable.run("asks", {"who": "waits"}, DurableExecutionName="stopped")
    assert (answer["FunctionError"], answer["Payload"]) == (
        "Unhandled",
        {"errorMessage": "enough"},
    )


def test_only_an_ended_execution_can_be_deleted(durable: Durable, client: Any) -> None:
    arn = durable.start("asks")
    callback = durable.callback(arn)
    delete = client.delete_durable_execution
    assert refusal(delete, DurableExecutionArn=arn) == (409, "ResourceConflictException")
    client.send_durable_execution_callback_success(CallbackId=callback, Result=b"x")
    assert durable.status(arn) == "SUCCEEDED"
    answer = delete(DurableExecutionArn=arn)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["DeletionRequestTimestamp"]
    for operation in (
        client.get_durable_execution,
        client.get_durable_execution_history,
        client.stop_durable_execution,
        client.pause_durable_execution,
        delete,
    ):
        assert refusal(operation, DurableExecutionArn=arn) == (404, "ResourceNotFoundException")


def test_a_paused_execution_invokes_nothing_until_it_is_resumed(
    durable: Durable, client: Any
) -> None:
    arn = durable.start("sleeper", {"seconds": 100})
    durable.emulator.settle()
    client.pause_durable_execution(DurableExecutionArn=arn, Reason="lunch")
    paused = durable.get(arn)
    assert paused["Status"] == "PAUSED"
    assert paused["PauseDetails"]["Reason"] == "lunch"
    assert paused["PauseDetails"]["ExecutionTimeoutPaused"] is True
    assert refusal(client.pause_durable_execution, DurableExecutionArn=arn) == (
        409,
        "ResourceConflictException",
    )
    durable.emulator.advance(1000)  # beyond its timeout, which stands still
    assert durable.status(arn) == "PAUSED"
    assert durable.kinds(arn)[-1] == "WaitSucceeded"
    client.resume_durable_execution(DurableExecutionArn=arn, Reason="back")
    assert durable.result(arn) == "awake"
    events = {event["EventType"]: event for event in durable.history(arn)}
    assert events["ExecutionPaused"]["ExecutionPausedDetails"]["Reason"]["Payload"] == "lunch"
    assert events["ExecutionResumed"]["ExecutionResumedDetails"]["Reason"]["Payload"] == "back"
    assert refusal(client.resume_durable_execution, DurableExecutionArn=arn) == (
        409,
        "ResourceConflictException",
    )


def test_a_pause_may_leave_the_timeout_running(durable: Durable, client: Any) -> None:
    arn = durable.start("asks")
    durable.callback(arn)
    client.pause_durable_execution(DurableExecutionArn=arn, ExecutionTimeoutPaused=False)
    durable.emulator.advance(900)
    assert durable.status(arn) == "TIMED_OUT"


def test_a_pause_and_a_resume_that_are_sent_again_succeed(durable: Durable, client: Any) -> None:
    arn = durable.start("asks")
    durable.callback(arn)
    for _ in range(2):
        client.pause_durable_execution(DurableExecutionArn=arn, ClientToken="pause")
    for _ in range(2):
        client.resume_durable_execution(DurableExecutionArn=arn, ClientToken="resume")
    assert durable.get(arn)["Status"] == "RUNNING"
    client.stop_durable_execution(DurableExecutionArn=arn)


def test_an_invocation_that_runs_is_paused_at_its_next_checkpoint(
    durable: Durable, client: Any
) -> None:
    arn = durable.start("pauses_itself")
    assert durable.status(arn) == "PAUSED"
    assert "StepSucceeded" in durable.kinds(arn)
    client.resume_durable_execution(DurableExecutionArn=arn)
    assert durable.result(arn) == "went on"


def test_checkpoints_need_the_newest_token(durable: Durable) -> None:
    answers = durable.run("checkpoints_by_hand")["Payload"]
    assert answers["first"] == [
        {"Id": "step", "Type": "STEP", "Status": "STARTED"},
        {"Id": "wait", "Type": "WAIT", "Status": "STARTED"},
    ]
    assert answers["again"] == "same answer"
    assert answers["stale"] == ["InvalidParameterValueException", "Invalid checkpoint token"]
    assert answers["wrong"] == [
        "InvalidParameterValueException",
        "Invalid current STEP state to start.",
    ]
    assert answers["state"] == ["EXECUTION", "STEP", "WAIT"]
    assert answers["pages"] == [["EXECUTION", "STEP"], ["WAIT"]]


def test_another_account_needs_a_permission(durable: Durable) -> None:
    arn = durable.run("steps")["DurableExecutionArn"]
    other = durable.emulator.client("lambda", aws_access_key_id="111111111111")
    assert refusal(other.get_durable_execution, DurableExecutionArn=arn) == (
        403,
        "AccessDeniedException",
    )
    elsewhere = durable.emulator.client("lambda", region_name="eu-west-1")
    assert refusal(elsewhere.get_durable_execution, DurableExecutionArn=arn) == (
        404,
        "ResourceNotFoundException",
    )
