"""EventBridge: from boto3's calls to the event a handler really gets, and to what it does."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

ACCOUNT = "000000000000"
SETTINGS = """
[[functions.orders.triggers]]
source = "events"
bus = "shop"
pattern = { source = ["shop"], detail = { total = [{ numeric = [">", 10] }] } }
"""
ORDERS = """
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    detail = event["detail"]
    if detail["id"] == "fail":
        raise RuntimeError("no")
    s3.put_object(Bucket="seen", Key=detail["id"])
    return event
"""
TICKS = """
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    s3.put_object(Bucket="ticks", Key=event["time"])
    return event
"""
TICK_SETTINGS = """
[[functions.nightly.triggers]]
source = "schedule"
expression = "cron(0 3 * * ? *)"
timezone = "Asia/Tokyo"
"""
TOP = """
[emulator]
retry_delay_scale = 0
[resources]
buckets = ["seen", "ticks"]
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("orders", ORDERS, SETTINGS)
    folder.add("ticks", TICKS)
    folder.add("nightly", TICKS, TICK_SETTINGS)
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def emulator(started: RunningEmulator) -> RunningEmulator:
    started.reset()
    return started


def function(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"


def put(emulator: RunningEmulator, order: str, total: int = 20) -> str:
    entry = {
        "Source": "shop",
        "DetailType": "Order Placed",
        "Detail": json.dumps({"id": order, "total": total}),
        "Resources": ["arn:aws:s3:::orders"],
        "EventBusName": "shop",
    }
    [answer] = emulator.client("events").put_events(Entries=[entry])["Entries"]
    return str(answer["EventId"])


def keys(emulator: RunningEmulator, bucket: str) -> list[str]:
    objects = emulator.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return [each["Key"] for each in objects]


def dead_letter(emulator: RunningEmulator, url: str) -> dict[str, Any]:
    [message] = emulator.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])[
        "Messages"
    ]
    return dict(message)


def test_an_event_reaches_the_handler_as_in_aws(emulator: RunningEmulator) -> None:
    event_id = put(emulator, "o-1")
    put(emulator, "cheap", total=5)
    emulator.settle()
    assert keys(emulator, "seen") == ["o-1"]
    [invocation] = emulator.invocations("orders")
    assert (invocation["source"], invocation["cause"]) == ("events", event_id)
    event = invocation["event"]
    assert invocation["response"] == event
    assert list(event) == [
        *("version", "id", "detail-type", "source", "account", "time", "region"),
        *("resources", "detail"),
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event.pop("time"))
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "Order Placed",
        "source": "shop",
        "account": ACCOUNT,
        "region": "us-east-1",
        "resources": ["arn:aws:s3:::orders"],
        "detail": {"id": "o-1", "total": 20},
    }


def test_a_function_that_fails_is_retried_and_disturbs_no_other_event(
    emulator: RunningEmulator,
) -> None:
    put(emulator, "fail")
    put(emulator, "o-2")
    emulator.settle()
    assert keys(emulator, "seen") == ["o-2"]
    failed = [one for one in emulator.invocations("orders") if one["status"] == "error"]
    assert len(failed) == 3


def test_a_rule_made_by_api_runs_on_the_moved_clock(emulator: RunningEmulator) -> None:
    events, s3 = emulator.client("events"), emulator.client("s3")
    s3.create_bucket(Bucket="unused")
    rule = events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")["RuleArn"]
    events.put_targets(Rule="hourly", Targets=[{"Id": "1", "Arn": function("ticks")}])
    emulator.client("lambda").add_permission(
        FunctionName="ticks",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    emulator.advance(3 * 3600)
    emulator.settle()
    ticks = [invocation["event"] for invocation in emulator.invocations("ticks")]
    assert len({event["time"] for event in ticks}) == 3
    # The other one's hour may be among these three, as the day has it.
    nightly = [invocation["event"] for invocation in emulator.invocations("nightly")]
    assert sorted(event["time"] for event in [*ticks, *nightly]) == keys(emulator, "ticks")
    for event in ticks:
        del event["id"], event["time"]
        assert event == {
            "version": "0",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "region": "us-east-1",
            "resources": [rule],
            "detail": {},
        }


def test_a_rule_that_the_function_s_policy_does_not_name_stays_outside(
    emulator: RunningEmulator,
) -> None:
    queue = emulator.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    events = emulator.client("events")
    events.put_rule(Name="r", EventPattern='{"source":["shop"]}', EventBusName="shop")
    target = {
        "Id": "1",
        "Arn": function("ticks"),
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"},
    }
    events.put_targets(Rule="r", EventBusName="shop", Targets=[target])
    emulator.client("lambda").add_permission(
        FunctionName="ticks",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:us-east-1:{ACCOUNT}:rule/another",
    )
    put(emulator, "o-3")
    emulator.settle()
    assert emulator.invocations("ticks") == []
    attributes = dead_letter(emulator, queue)["MessageAttributes"]
    assert attributes["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert keys(emulator, "seen") == ["o-3"]


def test_the_event_for_a_function_that_is_gone_goes_to_the_dead_letter_queue(
    emulator: RunningEmulator,
) -> None:
    queue = emulator.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    events = emulator.client("events")
    events.put_rule(Name="r", EventPattern='{"source":["shop"]}', EventBusName="shop")
    target = {
        "Id": "1",
        "Arn": function("ticks"),
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"},
    }
    events.put_targets(Rule="r", EventBusName="shop", Targets=[target])
    emulator.client("lambda").delete_function(FunctionName="ticks")
    event_id = put(emulator, "o-4")
    emulator.settle()
    message = dead_letter(emulator, queue)
    assert json.loads(message["Body"])["id"] == event_id
    found = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert found["ERROR_CODE"] == "NO_RESOURCE"
    assert found["TARGET_ARN"] == function("ticks")
    assert keys(emulator, "seen") == ["o-4"]


def test_a_schedule_of_the_project_runs_without_anybody_asking_for_it(
    emulator: RunningEmulator,
) -> None:
    emulator.advance(2 * 86_400)
    emulator.settle()
    times = sorted(one["event"]["time"] for one in emulator.invocations("nightly"))
    assert [time[10:] for time in times] == ["T18:00:00Z"] * 2  # 03:00 in Tokyo
    assert keys(emulator, "ticks") == times
    [schedule] = emulator.client("scheduler").list_schedules()["Schedules"]
    assert schedule["Target"]["Arn"] == function("nightly")


def test_an_object_reaches_a_function_by_a_rule_on_the_default_bus(
    emulator: RunningEmulator,
) -> None:
    s3, events = emulator.client("s3"), emulator.client("events")
    s3.create_bucket(Bucket="inbox")
    s3.put_bucket_notification_configuration(
        Bucket="inbox", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": [{"suffix": ".txt"}]}}}
    events.put_rule(Name="r", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": function("ticks")}])
    s3.put_object(Bucket="inbox", Key="a.txt")
    s3.put_object(Bucket="inbox", Key="a.png")
    emulator.settle()
    [invocation] = emulator.invocations("ticks")
    assert invocation["event"]["detail-type"] == "Object Created"
    assert invocation["event"]["detail"]["object"]["key"] == "a.txt"
