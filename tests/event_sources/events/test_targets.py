"""What targets get, and what becomes of what they do not take."""

import json
import threading
from itertools import pairwise
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.events import BusEvents
from emulator.gateway import serve
from emulator.model import LambdaError
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker, settle
from tests.event_sources.events.events_lab import (
    ACCOUNT,
    DEAD,
    FUNCTION,
    OTHER,
    make_queue,
    messages,
    payloads,
    put,
    rule,
)

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"


def test_the_target_says_what_it_gets(
    events: Any, client: Client, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    transformer = {
        "InputPathsMap": {"sku": "$.detail.sku"},
        "InputTemplate": '{"sold": <sku>, "by": "<aws.events.rule-name>"}',
    }
    rule(
        events,
        {"Arn": FUNCTION, "Input": '{"fixed":1}'},
        {"Arn": FUNCTION, "InputPath": "$.detail"},
        {"Arn": FUNCTION, "InputTransformer": transformer},
    )
    put(events, {"sku": "x"})
    assert payloads(invoker) == [{"fixed": 1}, {"sku": "x"}, {"sold": "x", "by": "r"}]


def test_queues_topics_streams_and_log_groups_get_it(
    events: Any, client: Client, surroundings: Surroundings
) -> None:
    make_queue(client)
    make_queue(client, "f.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    logs = client("logs")
    logs.create_log_group(logGroupName="/aws/events/shop")
    rule(
        events,
        QUEUE,
        {"Arn": f"{QUEUE[:-1]}f.fifo", "SqsParameters": {"MessageGroupId": "g"}},
        topic,
        {
            "Arn": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s",
            "KinesisParameters": {"PartitionKeyPath": "$.detail.sku"},
        },
        f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/events/shop",
        name="all",
    )
    put(events, {"sku": "x"})
    settle(surroundings)
    bodies = [json.loads(message["Body"]) for message in messages(client)]
    assert sorted(body.get("Type", body.get("source")) for body in bodies) == [
        "Notification",
        "shop",
    ]
    [fifo] = messages(client, "f.fifo")
    assert fifo["Attributes"]["MessageGroupId"] == "g"
    shard = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    [record] = kinesis.get_records(ShardIterator=shard)["Records"]
    assert (record["PartitionKey"], json.loads(record["Data"])["source"]) == ("x", "shop")
    [stream] = logs.describe_log_streams(logGroupName="/aws/events/shop")["logStreams"]
    [line] = logs.get_log_events(
        logGroupName="/aws/events/shop", logStreamName=stream["logStreamName"]
    )["events"]
    assert json.loads(line["message"])["detail"] == {"sku": "x"}


def test_a_state_machine_is_started(
    events: Any, client: Client, surroundings: Surroundings
) -> None:
    states = client("stepfunctions")
    machine = states.create_state_machine(
        name="m",
        definition=json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}),
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/r",
    )["stateMachineArn"]
    rule(events, machine)
    put(events, {"n": 7})
    settle(surroundings)
    [execution] = states.list_executions(stateMachineArn=machine)["executions"]
    started = states.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(started["input"])["detail"] == {"n": 7}


def test_a_target_that_is_gone_keeps_the_event_from_no_other(
    events: Any,
    client: Client,
    invoker: FakeInvoker,
    surroundings: Surroundings,
    reported: list[Any],
) -> None:
    make_queue(client)
    invoker.gone.add(OTHER)
    destination = f"arn:aws:events:us-east-1:{ACCOUNT}:api-destination/d/1"
    batch = f"arn:aws:batch:us-east-1:{ACCOUNT}:job-queue/x"
    rule(events, OTHER, f"{QUEUE}-gone", destination, batch, "arn:nonsense", name="gone")
    rule(events, FUNCTION, QUEUE)
    assert put(events)["FailedEntryCount"] == 0
    settle(surroundings)
    assert len(invoker.calls) == len(messages(client)) == 1
    reasons = [str(fields["reason"]) for name, fields in reported if name == "events.not_delivered"]
    assert len(reasons) == 5
    assert any("API destinations are not supported" in reason for reason in reasons)
    assert any("targets of service batch" in reason for reason in reasons)


def test_a_template_that_makes_no_json_is_nothing_for_a_function_but_text_for_a_queue(
    events: Any, client: Client, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    make_queue(client)
    make_queue(client, "dead")
    template = {"InputPathsMap": {"sku": "$.detail.sku"}, "InputTemplate": "sold <sku>"}
    rule(
        events,
        {"Arn": FUNCTION, "InputTransformer": template, "DeadLetterConfig": {"Arn": DEAD}},
        {"Arn": QUEUE, "InputTransformer": template},
    )
    put(events, {"sku": "x"})
    settle(surroundings)
    assert invoker.calls == []
    [dead] = messages(client, "dead")
    assert dead["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_JSON"
    assert [message["Body"] for message in messages(client)] == ["sold x"]


def test_a_slow_target_delays_neither_the_producer_nor_another_target(
    events: Any, client: Client, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    may_answer, was_asked = threading.Event(), threading.Event()

    def subscriber(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        was_asked.set()
        may_answer.wait(10)
        start_response("200 OK", [])
        return [b""]

    make_queue(client)
    server = serve(subscriber, "127.0.0.1", 0)
    topic = client("sns").create_topic(Name="slow")["TopicArn"]
    endpoint = f"http://127.0.0.1:{server.port}/"
    client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    rule(events, topic, FUNCTION, QUEUE)
    for _ in range(3):
        put(events)
    assert was_asked.wait(10)
    assert len(invoker.calls) == 3
    url = client("sqs").get_queue_url(QueueName="q")["QueueUrl"]
    found = 0
    while found < 3:
        answer = client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10
        )
        found += len(answer["Messages"])
    may_answer.set()
    settle(surroundings)
    server.stop(1)


def test_a_queue_gets_events_in_their_order(
    events: Any, client: Client, surroundings: Surroundings
) -> None:
    make_queue(client, "f.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    rule(events, {"Arn": f"{QUEUE[:-1]}f.fifo", "SqsParameters": {"MessageGroupId": "g"}})
    for number in range(10):
        put(events, {"n": number})
    settle(surroundings)
    found = [json.loads(message["Body"])["detail"]["n"] for message in messages(client, "f.fifo")]
    assert found == list(range(10))


def test_what_was_not_delivered_goes_to_the_dead_letter_queue(
    events: Any, client: Client, invoker: FakeInvoker
) -> None:
    make_queue(client, "dead")
    invoker.gone.add(FUNCTION)
    arn = rule(events, {"Arn": FUNCTION, "DeadLetterConfig": {"Arn": DEAD}})
    put(events, {"n": 1})
    [message] = messages(client, "dead")
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    attributes = {
        name: value["StringValue"] for name, value in message["MessageAttributes"].items()
    }
    assert attributes.pop("ERROR_MESSAGE").startswith("ResourceNotFoundException: Function not")
    assert attributes == {
        "RULE_ARN": arn,
        "TARGET_ARN": FUNCTION,
        "ERROR_CODE": "NO_RESOURCE",
        "RETRY_ATTEMPTS": "0",
    }


@pytest.mark.parametrize(
    ("policy", "condition", "retries"),
    [
        ({"MaximumRetryAttempts": 3}, "MaximumRetryAttempts", "3"),
        ({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds", "5"),  # 1+2+4+8+16 s
    ],
)
def test_a_busy_target_is_tried_again_until_its_policy_is_exhausted(
    events: Any,
    aws: Aws,
    client: Client,
    invoker: FakeInvoker,
    surroundings: Surroundings,
    policy: dict[str, int],
    condition: str,
    retries: str,
) -> None:
    make_queue(client, "dead")
    tried: list[float] = []

    def throttle(call: Any) -> None:
        tried.append(aws.clock.monotonic())
        raise LambdaError("TooManyRequestsException", "Rate Exceeded.")

    invoker.on_call = throttle
    rule(events, {"Arn": FUNCTION, "DeadLetterConfig": {"Arn": DEAD}, "RetryPolicy": policy})
    put(events)
    for _ in range(130):
        aws.clock.advance(0.5)
        settle(surroundings)
    pauses = [round(later - earlier) for earlier, later in pairwise(tried)]
    assert pauses == [1, 2, 4, 8, 16][: int(retries)]
    [message] = messages(client, "dead")
    attributes = {
        name: value["StringValue"] for name, value in message["MessageAttributes"].items()
    }
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == condition
    assert (attributes["RETRY_ATTEMPTS"], attributes["ERROR_CODE"]) == (retries, "THROTTLING")


def test_a_busy_target_that_recovers_gets_the_event_once(
    events: Any, aws: Aws, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    def throttle(call: Any) -> None:
        invoker.calls.clear()
        invoker.on_call = None
        raise LambdaError("TooManyRequestsException", "Rate Exceeded.")

    invoker.on_call = throttle
    rule(events, FUNCTION)
    put(events)
    assert invoker.calls == []
    for _ in range(10):
        aws.clock.advance(60)
        settle(surroundings)
    assert len(invoker.calls) == 1


def test_after_a_reset_nothing_is_tried_again(
    events: Any, source: BusEvents, aws: Aws, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    def throttle(call: Any) -> None:
        raise LambdaError("TooManyRequestsException", "Rate Exceeded.")

    invoker.on_call = throttle
    rule(events, FUNCTION)
    put(events)
    invoker.reset()
    source.reset()
    aws.clock.advance(3600)
    settle(surroundings)
    assert invoker.calls == []
