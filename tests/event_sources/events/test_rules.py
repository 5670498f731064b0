"""From an event on a bus to the rules that it matches."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.aws import BusEvent
from emulator.event_sources import Surroundings
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
    aws.moto.event_buses.put(
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
