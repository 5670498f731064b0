"""CloudWatch alarms that invoke functions."""

import json
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.alarm_actions import AlarmActions
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
ALARM_ARN = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:errors"


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> AlarmActions:
    return AlarmActions(surroundings)


@pytest.fixture
def cloudwatch(source: AlarmActions, aws: Aws, client: Client) -> Any:
    aws.functions.policies[ARN] = True
    return client("cloudwatch")


def put_alarm(cloudwatch: Any, **more: Any) -> None:
    settings = {
        "AlarmName": "errors",
        "AlarmDescription": "too many",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "orders"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [ARN],
    }
    cloudwatch.put_metric_alarm(**settings | more)


def set_state(cloudwatch: Any, value: str, reason: str = "test", **more: Any) -> None:
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue=value, StateReason=reason, **more)


def events(invoker: FakeInvoker) -> list[dict[str, Any]]:
    return [json.loads(call.payload) for call in invoker.calls]


def changes(invoker: FakeInvoker) -> list[tuple[str, str]]:
    found = [event["alarmData"] for event in events(invoker)]
    return [(data["previousState"]["value"], data["state"]["value"]) for data in found]


def test_an_alarm_invokes_its_function_with_the_event_of_aws(
    cloudwatch: Any, invoker: FakeInvoker
) -> None:
    put_alarm(cloudwatch)
    set_state(cloudwatch, "ALARM", StateReasonData='{"version":"1.0"}')
    [call] = invoker.calls
    assert (call.function, call.source, call.cause) == (ARN, "cloudwatch", ALARM_ARN)
    [event] = events(invoker)
    data = event.pop("alarmData")
    time = data["state"]["timestamp"]
    assert event == {
        "source": "aws.cloudwatch",
        "alarmArn": ALARM_ARN,
        "accountId": "000000000000",
        "time": time,
        "region": "us-east-1",
    }
    assert data["alarmName"] == "errors"
    assert data["state"] == {
        "value": "ALARM",
        "reason": "test",
        "reasonData": '{"version":"1.0"}',
        "timestamp": time,
    }
    assert data["previousState"]["value"] == "INSUFFICIENT_DATA"
    configuration = data["configuration"]
    metric_id = configuration["metrics"][0].pop("id")
    assert len(metric_id) == 36
    assert configuration == {
        "description": "too many",
        "metrics": [
            {
                "metricStat": {
                    "metric": {
                        "namespace": "AWS/Lambda",
                        "name": "Errors",
                        "dimensions": {"FunctionName": "orders"},
                    },
                    "period": 60,
                    "stat": "Sum",
                },
                "returnData": True,
            }
        ],
    }


def test_only_a_change_into_a_state_with_the_function_as_action_invokes_it(
    cloudwatch: Any, invoker: FakeInvoker
) -> None:
    put_alarm(cloudwatch, OKActions=[ARN])
    for value in ("OK", "OK", "ALARM", "INSUFFICIENT_DATA", "ALARM"):
        set_state(cloudwatch, value)
    assert changes(invoker) == [
        ("INSUFFICIENT_DATA", "OK"),
        ("OK", "ALARM"),
        ("INSUFFICIENT_DATA", "ALARM"),
    ]


def test_an_alarm_that_is_changed_keeps_its_state(cloudwatch: Any, invoker: FakeInvoker) -> None:
    put_alarm(cloudwatch)
    set_state(cloudwatch, "ALARM")
    put_alarm(cloudwatch, Threshold=2.0)
    set_state(cloudwatch, "ALARM")
    assert len(invoker.calls) == 1
    [alarm] = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["StateValue"], alarm["Threshold"]) == ("ALARM", 2.0)


def test_an_alarm_without_enabled_actions_invokes_nothing(
    cloudwatch: Any, invoker: FakeInvoker
) -> None:
    put_alarm(cloudwatch, ActionsEnabled=False)
    set_state(cloudwatch, "ALARM")
    assert invoker.calls == []


def test_metric_maths_are_in_the_event(cloudwatch: Any, invoker: FakeInvoker) -> None:
    metric = {"Namespace": "N", "MetricName": "M", "Dimensions": []}
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[ARN],
        Metrics=[
            {"Id": "e", "Expression": "m * 2", "Label": "twice", "ReturnData": True},
            {
                "Id": "m",
                "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
                "ReturnData": False,
            },
        ],
    )
    set_state(cloudwatch, "ALARM")
    [event] = events(invoker)
    assert event["alarmData"]["configuration"]["metrics"] == [
        {"id": "e", "expression": "m * 2", "label": "twice", "returnData": True},
        {
            "id": "m",
            "metricStat": {
                "metric": {"namespace": "N", "name": "M", "dimensions": {}},
                "period": 60,
                "stat": "Sum",
            },
            "returnData": False,
        },
    ]


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_function_that_cannot_be_invoked_fails_nobody(
    cloudwatch: Any, aws: Aws, invoker: FakeInvoker, is_gone: bool
) -> None:
    other = "arn:aws:lambda:us-east-1:000000000000:function:other"
    if is_gone:
        invoker.gone.add(ARN)
    else:
        aws.functions.policies[ARN] = False
    put_alarm(cloudwatch, AlarmActions=[ARN, other])
    set_state(cloudwatch, "ALARM")
    assert [call.function for call in invoker.calls] == [other]
