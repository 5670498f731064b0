"""Schedules of EventBridge Scheduler, from their expression to what their target gets."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.aws import Schedule, ScheduleTarget
from emulator.event_sources import Surroundings
from emulator.event_sources.scheduler import ScheduledCalls, delay_of, project_schedule
from emulator.model import LambdaError
from emulator.model.triggers.schedule import ScheduleTrigger
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker, settle

ACCOUNT = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
DEAD = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
OFF = {"Mode": "OFF"}


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> Iterator[ScheduledCalls]:
    made = ScheduledCalls(surroundings)
    yield made
    made.stop(1)


@pytest.fixture
def scheduler(
    aws: Aws,
    client: Client,
    source: ScheduledCalls,
    invoker: FakeInvoker,
    surroundings: Surroundings,
) -> Iterator[Any]:
    source.reset()
    aws.clock.freeze(True)
    yield client("scheduler")
    source.reset()
    settle(surroundings)
    aws.clock.freeze(False)


class Time:
    """Moves the clock, and waits until all that was due then is done."""

    def __init__(self, aws: Aws, around: Surroundings) -> None:
        self._clock = aws.clock
        self._around = around

    def passes(self, seconds: float) -> None:
        settle(self._around)
        self._clock.advance(seconds)
        settle(self._around)

    def to(self, text: str) -> None:
        """Go on to a moment in UTC."""
        self.passes(datetime.fromisoformat(text).timestamp() - self._clock.now())


@pytest.fixture
def time(aws: Aws, surroundings: Surroundings) -> Time:
    return Time(aws, surroundings)


def make(
    scheduler: Any,
    expression: str,
    target: str | dict[str, Any] = FUNCTION,
    name: str = "s",
    **more: Any,
) -> str:
    described = {"Arn": target} if isinstance(target, str) else target
    arn: str = scheduler.create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow=more.pop("window", OFF),
        Target={"RoleArn": ROLE, **described},
        **more,
    )["ScheduleArn"]
    return arn


def iso(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def payloads(invoker: FakeInvoker) -> list[Any]:
    return [json.loads(call.payload) for call in invoker.calls]


def message(client: Client, queue: str) -> dict[str, Any]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    [found] = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )["Messages"]
    return dict(found)


def test_a_rate_is_due_at_once_and_then_again_and_again(
    scheduler: Any, aws: Aws, invoker: FakeInvoker, time: Time
) -> None:
    made_s = aws.clock.now()
    arn = make(scheduler, "rate(5 minutes)")
    time.passes(0)
    [call] = invoker.calls
    assert (call.function, call.source) == (FUNCTION, "scheduler")
    event = json.loads(call.payload)
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": iso(made_s),
        "region": "us-east-1",
        "resources": [arn],
        "detail": "{}",
    }
    time.passes(600)
    assert [event["time"] for event in payloads(invoker)[1:]] == [
        iso(made_s + 300),
        iso(made_s + 600),
    ]


def test_a_date_is_due_once(scheduler: Any, invoker: FakeInvoker, time: Time) -> None:
    make(
        scheduler,
        "at(2027-01-10T09:00:00)",
        {"Arn": FUNCTION, "Input": '"<aws.scheduler.scheduled-time>"'},
        ScheduleExpressionTimezone="Europe/Berlin",
    )
    time.to("2027-01-10T07:59:59+00:00")
    assert invoker.calls == []
    time.passes(1)
    time.passes(86_400)
    assert payloads(invoker) == ["2027-01-10T08:00:00Z"]
    assert scheduler.get_schedule(Name="s")["ActionAfterCompletion"] == "NONE"


def test_a_schedule_may_delete_itself_when_it_is_done(
    scheduler: Any, aws: Aws, invoker: FakeInvoker, time: Time
) -> None:
    at = datetime.fromtimestamp(aws.clock.now() + 120, UTC)
    make(scheduler, f"at({at:%Y-%m-%dT%H:%M:%S})", ActionAfterCompletion="DELETE")
    time.passes(60)
    assert scheduler.get_schedule(Name="s")["ActionAfterCompletion"] == "DELETE"
    time.passes(60)
    assert len(invoker.calls) == 1
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name="s")


def test_a_cron_is_due_by_the_clock_on_the_wall(
    scheduler: Any, aws: Aws, invoker: FakeInvoker, time: Time
) -> None:
    time.to("2027-03-27T12:00:00+00:00")  # on the 28th Berlin's clocks go forward
    make(
        scheduler,
        "cron(30 9 * * ? *)",
        {"Arn": FUNCTION, "Input": '"<aws.scheduler.scheduled-time>"'},
        ScheduleExpressionTimezone="Europe/Berlin",
    )
    time.passes(2 * 86_400)
    assert payloads(invoker) == ["2027-03-28T07:30:00Z", "2027-03-29T07:30:00Z"]


def test_dates_bound_a_schedule(scheduler: Any, aws: Aws, invoker: FakeInvoker, time: Time) -> None:
    start_s = round(aws.clock.now()) + 3600
    make(
        scheduler,
        "rate(1 hour)",
        {"Arn": FUNCTION, "Input": '"<aws.scheduler.scheduled-time>"'},
        StartDate=datetime.fromtimestamp(start_s, UTC),
        EndDate=datetime.fromtimestamp(start_s + 7200, UTC),
    )
    time.passes(86_400)
    assert payloads(invoker) == [iso(start_s), iso(start_s + 3600), iso(start_s + 7200)]


def test_a_start_date_holds_for_a_cron_too(
    scheduler: Any, aws: Aws, invoker: FakeInvoker, time: Time
) -> None:
    time.to(iso(aws.clock.now() + 86_400)[:10] + "T00:00:00+00:00")
    start_s = aws.clock.now() + 2 * 3600
    make(
        scheduler,
        "cron(0 * * * ? *)",
        {"Arn": FUNCTION, "Input": '"<aws.scheduler.scheduled-time>"'},
        StartDate=datetime.fromtimestamp(start_s, UTC),
    )
    time.passes(3 * 3600)
    assert payloads(invoker) == [iso(start_s), iso(start_s + 3600)]


def test_a_flexible_window_delays_by_chance_but_always_the_same(
    scheduler: Any, aws: Aws, invoker: FakeInvoker, time: Time
) -> None:
    at_s = round(aws.clock.now()) + 60
    expression = f"at({iso(at_s).removesuffix('Z')})"
    arn = make(scheduler, expression, window={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60})
    schedule = Schedule(
        arn=arn,
        expression=expression,
        time_zone="UTC",
        target=ScheduleTarget(arn=FUNCTION),
        saved_s=0,
        window_s=3600,
    )
    delay_s = delay_of(schedule, at_s)
    assert 0 < delay_s < 3600
    time.passes(60 + delay_s - 1)
    assert invoker.calls == []
    time.passes(2)
    [event] = payloads(invoker)
    assert event["time"] == iso(at_s)  # the scheduled time, not the one by chance


def test_delays_are_spread_over_the_window() -> None:
    delays = [
        delay_of(
            Schedule(
                arn=f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/{number}",
                expression="",
                time_zone="UTC",
                target=ScheduleTarget(arn=FUNCTION),
                saved_s=0,
                window_s=900,
            ),
            1_795_341_600,
        )
        for number in range(200)
    ]
    assert min(delays) < 100
    assert max(delays) > 800
    assert all(0 <= delay < 900 for delay in delays)


def test_placeholders_of_the_input_are_filled_in(
    scheduler: Any, client: Client, aws: Aws, time: Time
) -> None:
    client("sqs").create_queue(QueueName="q")
    names = ("schedule-arn", "scheduled-time", "execution-id", "attempt-number")
    text = json.dumps({name: f"<aws.scheduler.{name}>" for name in names})
    made_s = aws.clock.now()
    arn = make(scheduler, "rate(1 day)", {"Arn": QUEUE, "Input": text})
    time.passes(0)
    body = json.loads(message(client, "q")["Body"])
    assert len(body.pop("execution-id")) == 16
    assert body == {"schedule-arn": arn, "scheduled-time": iso(made_s), "attempt-number": "1"}


def test_topics_streams_and_buses_are_called(
    scheduler: Any, client: Client, aws: Aws, time: Time
) -> None:
    client("sqs").create_queue(QueueName="q")
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    client("events").put_rule(Name="r", EventPattern='{"source":["timer"]}')
    client("events").put_targets(Rule="r", Targets=[{"Id": "1", "Arn": FUNCTION}])
    aws.facts.clear()
    for number, target in enumerate(
        (
            {"Arn": topic},
            {
                "Arn": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s",
                "KinesisParameters": {"PartitionKey": "k"},
            },
            {"Arn": bus, "EventBridgeParameters": {"Source": "timer", "DetailType": "tick"}},
        )
    ):
        make(scheduler, "rate(1 day)", {"Input": '{"n":1}', **target}, name=f"s{number}")
    time.passes(0)
    assert json.loads(message(client, "q")["Body"])["Message"] == '{"n":1}'
    shard = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    [record] = kinesis.get_records(ShardIterator=shard)["Records"]
    assert (record["PartitionKey"], record["Data"]) == ("k", b'{"n":1}')
    [event] = [fact.event for fact in aws.facts if hasattr(fact, "event")]
    assert (event["source"], event["detail-type"], event["detail"]) == ("timer", "tick", {"n": 1})


def test_a_universal_target_is_any_operation(
    scheduler: Any, client: Client, aws: Aws, invoker: FakeInvoker, time: Time
) -> None:
    client("s3").create_bucket(Bucket="reports")
    for name, action, parameters in (
        ("put", "s3:putObject", {"Bucket": "reports", "Key": "k", "Body": "text"}),
        ("invoke", "lambda:invoke", {"FunctionName": "f", "Payload": '{"n":1}'}),
        ("stream", "kinesis:createStream", {"StreamName": "made", "ShardCount": 1}),
    ):
        target = {
            "Arn": f"arn:aws:scheduler:::aws-sdk:{action}",
            "Input": json.dumps(parameters),
        }
        make(scheduler, "rate(1 day)", target, name=name)
    time.passes(0)
    assert client("s3").get_object(Bucket="reports", Key="k")["Body"].read() == b"text"
    assert [(call.function, call.payload) for call in invoker.calls] == [(FUNCTION, b'{"n":1}')]
    assert client("kinesis").list_streams()["StreamNames"] == ["made"]


def test_what_was_not_delivered_goes_to_the_dead_letter_queue(
    scheduler: Any, client: Client, aws: Aws, invoker: FakeInvoker, time: Time
) -> None:
    client("sqs").create_queue(QueueName="dead")
    invoker.gone.add(FUNCTION)
    made_s = aws.clock.now()
    target = {"Arn": FUNCTION, "Input": '{"n":1}', "DeadLetterConfig": {"Arn": DEAD}}
    arn = make(scheduler, "rate(1 day)", target)
    time.passes(0)
    found = message(client, "dead")
    assert found["Body"] == '{"n":1}'
    attributes = {name: value["StringValue"] for name, value in found["MessageAttributes"].items()}
    assert len(attributes.pop("EXECUTION_ID")) == 16
    assert "Function not found" in attributes.pop("ERROR_MESSAGE")
    assert attributes == {
        "ERROR_CODE": "ResourceNotFoundException",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "0",
        "SCHEDULED_TIME": iso(made_s),
        "SCHEDULE_ARN": arn,
        "TARGET_ARN": FUNCTION,
    }


def test_a_busy_target_is_tried_again_with_the_number_of_the_attempt(
    scheduler: Any, client: Client, invoker: FakeInvoker, time: Time
) -> None:
    client("sqs").create_queue(QueueName="dead")
    tried: list[bytes] = []

    def throttle(call: Any) -> None:
        tried.append(call.payload)
        raise LambdaError("TooManyRequestsException", "Rate Exceeded.")

    invoker.on_call = throttle
    target = {
        "Arn": FUNCTION,
        "Input": '"<aws.scheduler.attempt-number>"',
        "DeadLetterConfig": {"Arn": DEAD},
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600},
    }
    make(scheduler, "rate(1 day)", target)
    for _ in range(4):
        time.passes(10)
    assert tried == [b'"1"', b'"2"', b'"3"']
    attributes = message(client, "dead")["MessageAttributes"]
    assert attributes["RETRY_ATTEMPTS"]["StringValue"] == "2"
    assert attributes["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumRetryAttempts"


def test_a_change_a_state_and_a_deletion_take_effect_at_once(
    scheduler: Any, invoker: FakeInvoker, time: Time
) -> None:
    seen = 0

    def fired_within(seconds: float) -> int:
        nonlocal seen
        time.passes(seconds)
        fired, seen = len(invoker.calls) - seen, len(invoker.calls)
        return fired

    def update(**more: Any) -> None:
        scheduler.update_schedule(
            Name="s", FlexibleTimeWindow=OFF, Target={"Arn": FUNCTION, "RoleArn": ROLE}, **more
        )

    make(scheduler, "rate(1 minute)", State="DISABLED")
    assert fired_within(120) == 0
    update(ScheduleExpression="rate(1 minute)")  # State falls back to its default
    assert fired_within(120) == 3
    assert scheduler.get_schedule(Name="s")["State"] == "ENABLED"
    update(ScheduleExpression="rate(1 minute)")  # nothing differs
    assert fired_within(120) == 2
    update(ScheduleExpression="rate(2 minutes)")
    assert fired_within(119) == 1
    scheduler.delete_schedule(Name="s")
    assert fired_within(240) == 0


def test_a_group_takes_its_schedules_with_it(
    scheduler: Any, invoker: FakeInvoker, time: Time
) -> None:
    scheduler.create_schedule_group(Name="g")
    with pytest.raises(scheduler.exceptions.ConflictException):
        scheduler.create_schedule_group(Name="g")
    arn = make(scheduler, "rate(1 minute)", GroupName="g")
    assert arn.endswith("schedule/g/s")
    time.passes(0)
    assert len(invoker.calls) == 1
    scheduler.delete_schedule_group(Name="g")
    time.passes(600)
    assert len(invoker.calls) == 1


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"expression": "rate(5 seconds)"}, "Invalid Schedule Expression rate(5 seconds)."),
        ({"expression": "cron(0 10 * * *)"}, "Invalid Schedule Expression cron(0 10 * * *)."),
        ({"expression": "at(tomorrow)"}, "Invalid Schedule Expression at(tomorrow)."),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"window": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
        ({"target": "nonsense"}, "Provided Arn is not in correct format."),
        ({"target": f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/c"}, "service ecs are not supported"),
        ({"target": "arn:aws:scheduler:::aws-sdk:sqs:receiveMessage"}, "only reads"),
        ({"target": "arn:aws:scheduler:::aws-sdk:sqs:nope"}, "no operation nope"),
        ({"target": "arn:aws:scheduler:::aws-sdk:nope:doIt"}, "no operation doIt"),
        ({"target": "arn:aws:scheduler:::aws-sdk:lambda:createAlias"}, "calls no CreateAlias"),
        ({"target": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"}, "KinesisParameters"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(
    scheduler: Any, wrong: dict[str, Any], text: str
) -> None:
    with pytest.raises(scheduler.exceptions.ValidationException) as refused:
        make(scheduler, **{"expression": "rate(1 hour)", **wrong})
    assert text in refused.value.response["Error"]["Message"]
    assert scheduler.list_schedules()["Schedules"] == []


def test_a_group_that_is_not_there_is_refused(scheduler: Any) -> None:
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        make(scheduler, "rate(1 hour)", GroupName="gone")


def test_a_trigger_is_a_schedule_with_a_stable_name(
    scheduler: Any, source: ScheduledCalls, aws: Aws, invoker: FakeInvoker, time: Time
) -> None:
    trigger = ScheduleTrigger(expression="rate(1 hour)")
    source.bind(trigger, FUNCTION)
    time.passes(3599)
    assert invoker.calls == []
    time.passes(1)
    assert len(invoker.calls) == 1
    [found] = scheduler.list_schedules()["Schedules"]
    assert found["Arn"] == project_schedule(trigger, FUNCTION, 0.0).arn
    source.unbind(trigger, FUNCTION)
    time.passes(7200)
    assert len(invoker.calls) == 1
    assert scheduler.list_schedules()["Schedules"] == []
