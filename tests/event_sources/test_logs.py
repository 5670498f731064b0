"""Log lines to functions: which lines, in what form, and when."""

import base64
import gzip
import json
import os
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.logs import LogsEvents
from emulator.model.triggers.logs import LogsTrigger
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
GROUP = "/aws/lambda/orders"
STREAM = "2026/11/22/[$LATEST]abc"


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> LogsEvents:
    return LogsEvents(surroundings)


@pytest.fixture(autouse=True)
def functions(source: LogsEvents, aws: Aws) -> None:
    aws.functions.arns.add(ARN)
    aws.functions.policies[ARN] = True


@pytest.fixture
def logs(client: Client) -> Any:
    made = client("logs")
    made.create_log_group(logGroupName=GROUP)
    made.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    return made


def subscribe(logs: Any, pattern: str = "", name: str = "errors", **more: Any) -> None:
    logs.put_subscription_filter(
        logGroupName=GROUP,
        filterName=name,
        filterPattern=pattern,
        destinationArn=more.pop("destination", ARN),
        **more,
    )


def put(logs: Any, aws: Aws, *messages: str, stream: str = STREAM) -> int:
    at_ms = int(aws.clock.now() * 1000)
    logs.put_log_events(
        logGroupName=GROUP,
        logStreamName=stream,
        logEvents=[{"timestamp": at_ms, "message": message} for message in messages],
    )
    return at_ms


def write(aws: Aws, *lines: str, group: str = GROUP, is_over: bool = True) -> None:
    """Log as an execution environment does."""
    stream = aws.log_book.log_stream(group, STREAM, "000000000000", "us-east-1")
    for line in lines:
        stream.write(line)
    if is_over:
        stream.flush()


def settle(aws: Aws) -> None:
    assert aws.activity.wait_idle(5)


def documents(invoker: FakeInvoker) -> list[dict[str, Any]]:
    return [
        json.loads(gzip.decompress(base64.b64decode(json.loads(call.payload)["awslogs"]["data"])))
        for call in invoker.calls
    ]


def data(invoker: FakeInvoker) -> list[dict[str, Any]]:
    return [each for each in documents(invoker) if each["messageType"] == "DATA_MESSAGE"]


def lines(invoker: FakeInvoker) -> list[list[str]]:
    return [[each["message"] for each in found["logEvents"]] for found in data(invoker)]


def test_matching_lines_become_one_event_of_aws(logs: Any, aws: Aws, invoker: FakeInvoker) -> None:
    subscribe(logs, "ERROR")
    invoker.reset()
    at_ms = put(logs, aws, "ERROR one", "all is well", "ERROR ü two")
    [call] = invoker.calls
    assert (call.function, call.source, call.cause) == (ARN, "logs", GROUP)
    [document] = documents(invoker)
    first, second = document.pop("logEvents")
    assert document == {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": GROUP,
        "logStream": STREAM,
        "subscriptionFilters": ["errors"],
    }
    assert list(first) == ["id", "timestamp", "message"]
    assert (first["timestamp"], first["message"]) == (at_ms, "ERROR one")
    assert (second["timestamp"], second["message"]) == (at_ms, "ERROR ü two")
    assert len(first["id"]) == len(second["id"]) == 56
    assert first["id"] < second["id"]
    found = logs.filter_log_events(logGroupName=GROUP, filterPattern="one")["events"]
    assert [each["eventId"] for each in found] == [first["id"]]


def test_lines_that_do_not_match_start_nothing(logs: Any, aws: Aws, invoker: FakeInvoker) -> None:
    subscribe(logs, "{ $.level = ERROR }")
    put(logs, aws, "ERROR", '{"level": "INFO"}')
    assert data(invoker) == []


def test_fields_of_the_pattern_are_extracted(logs: Any, aws: Aws, invoker: FakeInvoker) -> None:
    subscribe(logs, "[level = E*, ..., status = 4*]")
    put(logs, aws, 'ERROR "GET /" 404', "ERROR 200")
    [document] = data(invoker)
    [event] = document["logEvents"]
    assert event["extractedFields"] == {"level": "ERROR", "status": "404"}


def test_a_saved_filter_sends_a_message_of_control(
    logs: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    subscribe(logs)
    [message] = documents(invoker)
    [event] = message.pop("logEvents")
    assert message == {
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
    }
    assert event["message"].startswith("CWL CONTROL MESSAGE")


def test_what_functions_log_arrives_when_the_invocation_is_over(
    source: LogsEvents, logs: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    write(aws, "before it was subscribed")
    subscribe(logs)
    settle(aws)
    write(aws, "START", "hello", "END")
    write(aws, "not subscribed", group="/aws/lambda/other")
    settle(aws)
    assert lines(invoker) == [["START", "hello", "END"]]


def test_a_line_of_a_long_invocation_does_not_wait_for_its_end(
    source: LogsEvents, logs: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    subscribe(logs)
    settle(aws)
    write(aws, "one", is_over=False)
    settle(aws)
    write(aws, "two")
    settle(aws)
    assert lines(invoker) == [["one"], ["two"]]


def test_many_lines_of_one_invocation_are_not_forgotten(
    logs: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    subscribe(logs)
    settle(aws)
    written = [f"line {number}" for number in range(25_000)]  # more than the log book holds
    for line in written:
        write(aws, line, is_over=False)
    write(aws)
    settle(aws)
    assert [line for event in lines(invoker) for line in event] == written


def test_a_failed_request_loses_no_line(
    source: LogsEvents, logs: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    subscribe(logs)
    settle(aws)
    write(aws, "hello", is_over=False)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(logGroupName="nothing", logStreamName="s")
    settle(aws)
    assert lines(invoker) == [["hello"]]


def test_each_stream_has_an_event_of_its_own(logs: Any, aws: Aws, invoker: FakeInvoker) -> None:
    logs.create_log_stream(logGroupName=GROUP, logStreamName="other")
    subscribe(logs)
    put(logs, aws, "one")
    put(logs, aws, "two", stream="other")
    assert [document["logStream"] for document in data(invoker)] == [STREAM, "other"]


def test_many_lines_are_cut_into_events_that_a_function_can_take(
    logs: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    subscribe(logs)
    messages = [base64.b64encode(os.urandom(150_000)).decode() for _ in range(5)]
    put(logs, aws, *messages)
    assert [message for event in lines(invoker) for message in event] == messages
    assert max(len(call.payload) for call in invoker.calls) < 1_048_576


def test_two_filters_of_a_group_are_served_and_a_third_is_refused(
    logs: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    subscribe(logs, "a", "one")
    subscribe(logs, "b", "two")
    with pytest.raises(logs.exceptions.LimitExceededException):
        subscribe(logs, "c", "three")
    subscribe(logs, "ab", "two", distribution="Random")
    put(logs, aws, "ab", "a")
    assert lines(invoker) == [["ab", "a"], ["ab"]]
    described = logs.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"]
    assert [each["distribution"] for each in described] == ["ByLogStream", "Random"]


def test_a_deleted_filter_starts_nothing(logs: Any, aws: Aws, invoker: FakeInvoker) -> None:
    subscribe(logs)
    logs.delete_subscription_filter(logGroupName=GROUP, filterName="errors")
    put(logs, aws, "hello")
    assert data(invoker) == []


@pytest.mark.parametrize("pattern", ["a-b", "{ $.a = ", "[a, b"])
def test_a_pattern_that_is_none_is_refused(logs: Any, aws: Aws, pattern: str) -> None:
    with pytest.raises(logs.exceptions.InvalidParameterException):
        subscribe(logs, pattern)
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)


def test_a_function_that_logs_may_not_invoke_is_refused(logs: Any, aws: Aws) -> None:
    aws.functions.policies[ARN] = False
    with pytest.raises(
        logs.exceptions.InvalidParameterException, match="Could not execute the lambda function"
    ):
        subscribe(logs)


def test_a_function_that_does_not_exist_is_refused(logs: Any, aws: Aws) -> None:
    with pytest.raises(
        logs.exceptions.InvalidParameterException, match="Could not execute the lambda function"
    ):
        subscribe(logs, destination=f"{ARN}2")


def test_a_functions_own_log_is_refused(logs: Any, aws: Aws) -> None:
    orders = "arn:aws:lambda:us-east-1:000000000000:function:orders"
    aws.functions.arns.add(orders)
    with pytest.raises(logs.exceptions.InvalidParameterException, match="is reserved for"):
        subscribe(logs, destination=orders)


def test_a_function_that_is_gone_fails_nobody(logs: Any, aws: Aws, invoker: FakeInvoker) -> None:
    subscribe(logs)
    invoker.gone.add(ARN)
    put(logs, aws, "hello")
    invoker.gone.clear()
    put(logs, aws, "again")
    assert lines(invoker) == [["again"]]


def test_a_stream_of_kinesis_gets_only_lines_that_match(
    client: Client, logs: Any, aws: Aws
) -> None:
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
    subscribe(logs, "ERROR", destination=stream, roleArn="arn:aws:iam::000000000000:role/r")
    put(logs, aws, "ERROR", "all is well")
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    [record] = kinesis.get_records(ShardIterator=iterator)["Records"]
    found = json.loads(gzip.decompress(record["Data"]))
    assert [each["message"] for each in found["logEvents"]] == ["ERROR"]


def test_a_projects_trigger_subscribes_its_function_and_unsubscribes_it(
    source: LogsEvents, client: Client, aws: Aws, invoker: FakeInvoker
) -> None:
    aws.functions.policies[ARN] = False  # what the project binds needs no permission
    trigger = LogsTrigger(log_group=GROUP, pattern="ERROR")
    source.bind(trigger, ARN)
    write(aws, "ERROR", "well")
    settle(aws)
    source.unbind(trigger, ARN)
    write(aws, "ERROR again")
    client("logs").describe_log_groups()
    assert lines(invoker) == [["ERROR"]]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", ["ERROR one", "WARN two", '{"level": "ERROR"}']),
        ("?WARN ?one", ["ERROR one", "WARN two"]),
        ("ERROR -one", ['{"level": "ERROR"}']),
        ("{ $.level = E* }", ['{"level": "ERROR"}']),
        ("[level = WARN, rest]", ["WARN two"]),
        ("%tw[o]$%", ["WARN two"]),
    ],
)
def test_filter_log_events_knows_the_same_patterns(
    logs: Any, aws: Aws, pattern: str, found: list[str]
) -> None:
    put(logs, aws, "ERROR one", "WARN two", '{"level": "ERROR"}')
    answer = logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)
    assert [each["message"] for each in answer["events"]] == found
