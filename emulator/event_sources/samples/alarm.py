"""Samples of CloudWatch alarm actions."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import AlarmMetric, AlarmState, AlarmStateFact
from emulator.event_sources.alarm_actions import event
from emulator.event_sources.samples import constants


def state(
    *,
    alarm: str = "errors",
    value: str = "ALARM",
    previous: str = "OK",
    reason: str = "Threshold Crossed",
    function: str = "hello",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """An alarm on a function's errors that changed its state."""
    fact = AlarmStateFact(
        alarm_arn=f"arn:aws:cloudwatch:{region}:{account}:alarm:{alarm}",
        name=alarm,
        description="Errors of a function",
        state=AlarmState(value=value, reason=reason, at_s=constants.AT_S),
        previous=AlarmState(value=previous, reason=reason, at_s=constants.AT_S - 300),
        actions=(f"arn:aws:lambda:{region}:{account}:function:{function}",),
        metrics=(
            AlarmMetric(
                id="30b6c6b2-a864-43a2-4877-c09a1afc3b87",
                namespace="AWS/Lambda",
                name="Errors",
                dimensions={"FunctionName": function},
                period_s=60,
                statistic="Sum",
            ),
        ),
    )
    return event(fact)


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"state": state}
