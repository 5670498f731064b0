"""From an event on a bus, or a rule that is due, to the targets."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from emulator.aws import BusEvent
from emulator.event_sources import Surroundings
from emulator.event_sources.due_times import MAXIMUM_MISSED
from emulator.event_sources.events import BusEvents, project_rule
from emulator.gateway import serve
from emulator.model import LambdaError
from emulator.model.triggers.events import EventsTrigger
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker

ACCOUNT = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
OTHER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
DEAD = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> Iterator[BusEvents]:
    made = BusEvents(surroundings)
    yield made
    made.stop(1)


@pytest.fixture
def events(
    aws: Aws, client: Client, source: BusEvents, invoker: FakeInvoker, surroundings: Surroundings
) -> Iterator[Any]:
    source.reset()
    aws.clock.freeze(True)
    yield client("events")
    source.reset()
    settle(surroundings)
    aws.clock.freeze(False)


@pytest.fixture
def reported(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What is told on the terminal: names and fields."""
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(aws.reporter, "event", lambda name, **more: told.append((name, more)))
    return told


def settle(around: Surroundings) -> None:
    assert around.activity.wait_idle(10), around.activity.pending()


def rule(events: Any, *targets: str | dict[str, Any], name: str = "r", **more: Any) -> str:
    """Make a rule for events of "shop"."""
    more.setdefault("EventPattern", json.dumps({"source": ["shop"]}))
    arn: str = events.put_rule(Name=name, **more)["RuleArn"]
    described = [{"Arn": target} if isinstance(target, str) else target for target in targets]
    numbered = [{"Id": str(number), **target} for number, target in enumerate(described)]
    bus = {"EventBusName": more["EventBusName"]} if "EventBusName" in more else {}
    events.put_targets(Rule=name, Targets=numbered, **bus)
    return arn


def put(events: Any, detail: Any = None, **more: Any) -> dict[str, Any]:
    entry = {"Source": "shop", "DetailType": "Order Placed", "Detail": json.dumps(detail or {})}
    answer: dict[str, Any] = events.put_events(Entries=[{**entry, **more}])
    return answer


def payloads(invoker: FakeInvoker) -> list[Any]:
    return [json.loads(call.payload) for call in invoker.calls]


def make_queue(client: Client, name: str = "q", **attributes: str) -> None:
    client("sqs").create_queue(QueueName=name, Attributes=attributes)


def messages(client: Client, name: str = "q") -> list[dict[str, Any]]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
    ).get("Messages", [])
    return found


def test_a_function_gets_the_whole_event(events: Any, invoker: FakeInvoker) -> None:
    rule(events, FUNCTION)
    at = datetime(2026, 11, 22, 10, 0, 0, 700_000, tzinfo=UTC)
    answer = put(events, {"n": 1}, Time=at, Resources=["arn:aws:s3:::bkt"])
    assert answer["FailedEntryCount"] == 0
    [call] = invoker.calls
    assert (call.function, call.account, call.region) == (FUNCTION, ACCOUNT, "us-east-1")
    assert (call.source, call.cause) == ("events", answer["Entries"][0]["EventId"])
    assert json.loads(call.payload) == {
        "version": "0",
        "id": answer["Entries"][0]["EventId"],
        "detail-type": "Order Placed",
        "source": "shop",
        "account": ACCOUNT,
        "time": "2026-11-22T10:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::bkt"],
        "detail": {"n": 1},
    }


def test_only_enabled_rules_whose_pattern_matches_on_that_bus_get_it(
    events: Any, invoker: FakeInvoker
) -> None:
    events.create_event_bus(Name="orders")
    rule(events, FUNCTION, name="off", State="DISABLED")
    rule(events, FUNCTION, name="another", EventPattern='{"source":["elsewhere"]}')
    rule(events, FUNCTION, name="bus", EventBusName="orders")
    events.put_rule(Name="clock", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="clock", Targets=[{"Id": "1", "Arn": FUNCTION}])
    put(events)
    assert invoker.calls == []
    put(events, EventBusName="orders")
    put(events, EventBusName=f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/orders")
    events.enable_rule(Name="off")
    put(events)
    assert len(invoker.calls) == 3


def test_entries_fail_one_by_one(events: Any, invoker: FakeInvoker) -> None:
    rule(events, FUNCTION)
    good = {"Source": "shop", "DetailType": "d", "Detail": "{}"}
    bad = [
        {"DetailType": "d", "Detail": "{}"},
        {"Source": "shop", "Detail": "{}"},
        {"Source": "shop", "DetailType": "d"},
        {**good, "Detail": "{"},
        {**good, "Detail": "[1]"},
        {**good, "Detail": '{"a":NaN}'},
        {**good, "Detail": '{"a":' * 100_000 + "1" + "}" * 100_000},
        {**good, "Source": "aws.s3"},
    ]
    answer = events.put_events(Entries=[*bad, good])
    assert answer["FailedEntryCount"] == 8
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [
        *["InvalidArgument"] * 3,
        *["MalformedDetail"] * 4,
        "NotAuthorizedForSourceException",
        None,
    ]
    text = "Parameter DetailType is not valid. Reason: DetailType is a required argument."
    assert answer["Entries"][1]["ErrorMessage"] == text
    assert len(invoker.calls) == 1


def test_a_request_that_is_too_large_is_refused(events: Any) -> None:
    with pytest.raises(events.exceptions.ClientError, match="over the limit"):
        put(events, {"x": "a" * 1_048_576})


def test_an_event_for_a_bus_that_nobody_has_goes_nowhere_and_says_so(
    events: Any, reported: list[Any]
) -> None:
    assert put(events, EventBusName="gone")["FailedEntryCount"] == 0
    assert [(name, fields["bus"]) for name, fields in reported] == [("events.no_bus", "gone")]


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


def test_another_bus_gets_the_same_event_but_no_third_one(
    events: Any, client: Client, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    there = client("events", key="222222222222", region="eu-west-1")
    far = "arn:aws:events:eu-west-1:222222222222:event-bus/far"
    there.create_event_bus(Name="far")
    rule(there, FUNCTION, far, name="far", EventBusName="far")
    rule(events, far)
    event_id = put(events, {"n": 1})["Entries"][0]["EventId"]
    settle(surroundings)
    [event] = payloads(invoker)
    assert (event["id"], event["account"], event["region"]) == (event_id, ACCOUNT, "us-east-1")


def test_a_bus_that_is_its_own_target_does_not_go_round_for_ever(
    events: Any, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    rule(events, FUNCTION, f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default")
    put(events)
    settle(surroundings)
    assert len(invoker.calls) == 2


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


def test_a_policy_that_names_others_keeps_the_rule_out(
    aws: Aws, events: Any, client: Client, invoker: FakeInvoker
) -> None:
    make_queue(client, "dead")
    aws.functions.policies[FUNCTION] = False
    rule(events, {"Arn": FUNCTION, "DeadLetterConfig": {"Arn": DEAD}})
    put(events)
    assert invoker.calls == []
    [message] = messages(client, "dead")
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_a_function_without_any_policy_is_let_through_with_one_warning(
    events: Any, invoker: FakeInvoker, reported: list[Any]
) -> None:
    rule(events, FUNCTION)
    put(events)
    put(events)
    assert len(invoker.calls) == 2
    assert [name for name, _ in reported] == ["events.permission_missing"]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ('{"source":"shop"}', '"source" must be an object or an array'),
        ('{"source":[{"like":"x"}]}', "Unrecognized match type like"),
        ("{", "Invalid JSON"),
    ],
)
def test_an_invalid_pattern_is_refused(events: Any, pattern: str, reason: str) -> None:
    for operation, more in (
        (events.put_rule, {"Name": "r"}),
        (events.test_event_pattern, {"Event": "{}"}),
    ):
        with pytest.raises(events.exceptions.InvalidEventPatternException) as refused:
            operation(EventPattern=pattern, **more)
        text = f"Event pattern is not valid. Reason: {reason}"
        assert refused.value.response["Error"]["Message"] == text


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        ([{"Arn": FUNCTION}] * 6, "LimitExceededException"),
        ([{"Arn": FUNCTION, "Input": "{}", "InputPath": "$.detail"}], "ValidationException"),
        ([{"Arn": FUNCTION, "Input": "{"}], "ValidationException"),
        ([{"Arn": FUNCTION, "RetryPolicy": {"MaximumRetryAttempts": 186}}], "ValidationException"),
    ],
)
def test_targets_that_eventbridge_refuses_are_not_taken(
    events: Any, targets: list[dict[str, Any]], code: str
) -> None:
    with pytest.raises(events.exceptions.ClientError) as refused:
        rule(events, *targets)
    assert refused.value.response["Error"]["Code"] == code
    assert events.list_targets_by_rule(Rule="r")["Targets"] == []


def test_a_pattern_can_be_tried_out(events: Any) -> None:
    event = json.dumps(
        {
            "id": "1",
            "account": ACCOUNT,
            "source": "shop",
            "time": "2026-11-22T10:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail-type": "d",
            "detail": {"items": [{"sku": "x"}]},
        }
    )
    for sku, expected in (("x", True), ("y", False)):
        pattern = json.dumps({"detail": {"items": {"sku": [sku]}}})
        found = events.test_event_pattern(EventPattern=pattern, Event=event)
        assert found["Result"] is expected


def test_an_archive_keeps_events_and_a_replay_gives_them_to_the_rules_it_names(
    events: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    archive = events.create_archive(
        ArchiveName="a", EventSourceArn=bus, EventPattern='{"source":["shop"]}'
    )["ArchiveArn"]
    wanted = rule(events, FUNCTION)
    rule(events, OTHER, name="unnamed")
    now_s = aws.clock.now()
    put(events, {"n": 1}, Time=datetime.fromtimestamp(now_s - 100, UTC))
    put(events, {"n": 2}, Time=datetime.fromtimestamp(now_s, UTC))
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 2
    first = payloads(invoker)[0]
    invoker.reset()
    events.start_replay(
        ReplayName="again",
        EventSourceArn=archive,
        EventStartTime=datetime.fromtimestamp(now_s - 110, UTC),
        EventEndTime=datetime.fromtimestamp(now_s - 90, UTC),
        Destination={"Arn": bus, "FilterArns": [wanted]},
    )
    [replayed] = payloads(invoker)
    assert replayed.pop("replay-name") == "again"
    assert replayed.pop("id") != first.pop("id")
    assert replayed == first
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 2
    assert events.describe_replay(ReplayName="again")["State"] == "COMPLETED"


def test_an_event_of_our_own_goes_the_same_way(events: Any, aws: Aws, invoker: FakeInvoker) -> None:
    rule(events, FUNCTION, EventPattern='{"source":["lambda"]}')
    aws.moto.put_event(
        BusEvent(
            account=ACCOUNT,
            region="us-east-1",
            source="lambda",
            detail_type="d",
            resources=("arn:x",),
            detail={"n": 1},
            at_s=1_795_341_600.9,
        )
    )
    [event] = payloads(invoker)
    assert (event["time"], event["resources"]) == ("2026-11-22T10:00:00Z", ["arn:x"])


# Scheduled rules.


def test_a_rate_fires_from_the_time_of_the_rule_on(
    events: Any, aws: Aws, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    made_s = aws.clock.now()
    arn = events.put_rule(Name="r", ScheduleExpression="rate(5 minutes)")["RuleArn"]
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": FUNCTION}])
    settle(surroundings)
    aws.clock.advance(299)
    settle(surroundings)
    assert invoker.calls == []
    aws.clock.advance(1)
    settle(surroundings)
    [event] = payloads(invoker)
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": f"{datetime.fromtimestamp(made_s + 300, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": "us-east-1",
        "resources": [arn],
        "detail": {},
    }


def test_times_that_the_clock_jumped_over_fire_once_each_in_order(
    events: Any, aws: Aws, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    events.put_rule(Name="r", ScheduleExpression="cron(0 * * * ? *)")
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": FUNCTION}])
    settle(surroundings)
    aws.clock.advance(86_400)
    settle(surroundings)
    times = [event["time"] for event in payloads(invoker)]
    assert len(times) == 24
    assert times == sorted(times)
    assert all(time.endswith(":00:00Z") for time in times)


def test_a_log_group_gets_what_is_due_at_the_time_of_the_moved_clock(
    events: Any, aws: Aws, client: Client, surroundings: Surroundings
) -> None:
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    events.put_rule(Name="r", ScheduleExpression="rate(3 days)")
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g"
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": group}])
    settle(surroundings)
    aws.clock.advance(3 * 86_400)
    settle(surroundings)
    [stream] = logs.describe_log_streams(logGroupName="g")["logStreams"]
    found = logs.get_log_events(logGroupName="g", logStreamName=stream["logStreamName"])
    assert [event["timestamp"] for event in found["events"]] == [int(aws.clock.now() * 1000)]


def test_what_is_missed_is_made_up_for_within_bounds(
    events: Any, aws: Aws, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    events.put_rule(Name="r", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": FUNCTION}])
    settle(surroundings)
    aws.clock.advance(10 * 86_400)
    settle(surroundings)
    assert len(invoker.calls) == MAXIMUM_MISSED
    aws.clock.advance(60)
    settle(surroundings)
    assert len(invoker.calls) == MAXIMUM_MISSED + 1


def test_a_rule_fires_as_it_is_when_it_is_due(
    events: Any, aws: Aws, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    def fired_within(seconds: float) -> int:
        invoker.reset()
        settle(surroundings)
        aws.clock.advance(seconds)
        settle(surroundings)
        return len(invoker.calls)

    events.put_rule(Name="r", ScheduleExpression="rate(1 minute)", State="DISABLED")
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": FUNCTION}])
    assert fired_within(120) == 0
    events.enable_rule(Name="r")
    assert fired_within(120) == 2
    events.disable_rule(Name="r")
    assert fired_within(120) == 0
    events.put_rule(Name="r", ScheduleExpression="rate(2 minutes)")
    assert fired_within(120) == 1
    events.remove_targets(Rule="r", Ids=["1"])
    assert fired_within(120) == 0
    events.delete_rule(Name="r")
    assert fired_within(120) == 0


@pytest.mark.parametrize("expression", ["rate(1 minutes)", "cron(0 10 * * * *)", "rate(0 days)"])
def test_an_invalid_schedule_is_refused(events: Any, expression: str) -> None:
    with pytest.raises(events.exceptions.ClientError) as refused:
        events.put_rule(Name="r", ScheduleExpression=expression)
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Parameter ScheduleExpression is not valid.",
    }


# Triggers of a project's file.


def test_a_trigger_is_a_rule_with_a_stable_name(
    events: Any, source: BusEvents, invoker: FakeInvoker, reported: list[Any]
) -> None:
    trigger = EventsTrigger(pattern='{"source":["shop"]}', bus="orders")
    source.bind(trigger, FUNCTION)
    put(events, EventBusName="orders")
    assert len(invoker.calls) == 1
    [found] = events.list_rules(EventBusName="orders")["Rules"]
    assert found["Arn"] == project_rule(trigger, FUNCTION).arn
    assert reported == []  # no warning: the file itself allows it
    source.unbind(trigger, FUNCTION)
    assert events.list_rules(EventBusName="orders")["Rules"] == []
    put(events, EventBusName="orders")
    assert len(invoker.calls) == 1
