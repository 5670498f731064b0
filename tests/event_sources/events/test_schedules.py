"""Rules that are due, and those of a project's file."""

from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.due_times import MAXIMUM_MISSED
from emulator.event_sources.events import BusEvents, project_rule
from emulator.model.triggers.events import EventsTrigger
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker, settle
from tests.event_sources.events.events_lab import ACCOUNT, FUNCTION, payloads, put


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
