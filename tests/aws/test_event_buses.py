"""Events of our own, and what is told of those that rules want."""

import json

import pytest

from emulator.aws import BusEvent, EventFact
from emulator.model import AwsError
from tests.aws.conftest import Aws, Client

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def bus_event(detail_type: str, bus: str = "default") -> BusEvent:
    return BusEvent(
        account="000000000000",
        region="us-east-1",
        source="aws.s3",
        detail_type=detail_type,
        resources=(),
        detail={"n": 1},
        at_s=1_732_183_200.5,
        bus=bus,
    )


def test_the_targets_of_enabled_rules_that_match_are_told_in_one_go(
    aws: Aws, client: Client
) -> None:
    events = client("events")
    for name, kind, state in (
        ("wanted", "Object Created", "ENABLED"),
        ("too", "Object Created", "ENABLED"),
        ("other", "Object Deleted", "ENABLED"),
        ("off", "Object Created", "DISABLED"),
    ):
        pattern = json.dumps({"source": ["aws.s3"], "detail-type": [kind]})
        events.put_rule(Name=name, EventPattern=pattern, State=state)
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": QUEUE}])
    events.put_rule(Name="schedule", ScheduleExpression="rate(1 day)")
    events.put_targets(Rule="schedule", Targets=[{"Id": "1", "Arn": QUEUE}])
    aws.facts.clear()
    aws.moto.event_buses.put(bus_event("Object Created"))
    [fact] = aws.facts
    assert isinstance(fact, EventFact)
    assert [target.rule_name for target in fact.targets] == ["wanted", "too"]
    assert fact.event["detail"] == {"n": 1}
    assert fact.event["time"] == "2024-11-21T10:00:00Z"
    assert fact.event["account"] == "000000000000"


def test_a_bus_that_is_not_there_takes_no_event(aws: Aws) -> None:
    with pytest.raises(AwsError, match="Event bus gone does not exist"):
        aws.moto.event_buses.put(bus_event("Object Created", bus="gone"))


def test_a_rule_that_is_gone_or_disabled_has_no_targets(aws: Aws, client: Client) -> None:
    events = client("events")
    arn = events.put_rule(Name="r", ScheduleExpression="rate(1 day)")["RuleArn"]
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": QUEUE}])
    targets = aws.moto.event_buses.rule_targets
    assert [target.arn for target in targets(arn)] == [QUEUE]
    events.disable_rule(Name="r")
    assert targets(arn) == targets(f"{arn}-gone") == []
