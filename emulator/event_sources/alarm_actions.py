"""CloudWatch alarms: from a change of state to the functions among the alarm's actions."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from emulator.aws import AlarmMetric, AlarmState, AlarmStateFact, Fact
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model import Call, LambdaError

_PRINCIPAL: Final = "lambda.alarms.cloudwatch.amazonaws.com"


class AlarmActions(EventSource):
    """Queues an invocation for each action that is a function. Any thread may call."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        around.moto.subscribe(self._on_fact, AlarmStateFact)

    def _on_fact(self, fact: Fact) -> None:
        assert isinstance(fact, AlarmStateFact)
        for action in fact.actions:
            if action.split(":")[2:3] == ["lambda"]:
                self._invoke(fact, action)
            else:
                self.around.reporter.event(
                    "cloudwatch.action_skipped",
                    alarm=fact.name,
                    action=action,
                    hint="only functions are invoked by alarms here",
                )

    def _invoke(self, fact: AlarmStateFact, function_arn: str) -> None:
        owner = fact.alarm_arn.split(":")[4]
        try:
            if not self.around.moto.permissions.allows(
                function_arn, _PRINCIPAL, fact.alarm_arn, owner
            ):
                raise LambdaError("AccessDeniedException", "its policy does not allow it")
            call = Call.to(
                function_arn,
                json.dumps(event(fact), separators=(",", ":")).encode(),
                source="cloudwatch",
                cause=fact.alarm_arn,
            )
            self.around.invoker.accept(call)
        except LambdaError as error:
            self.around.reporter.event(
                "cloudwatch.not_delivered", alarm=fact.name, target=function_arn, reason=error
            )


def event(fact: AlarmStateFact) -> dict[str, Any]:
    """What a function gets. Source: spec/events.md section 6."""
    _, _, _, region, account, _ = fact.alarm_arn.split(":", 5)
    if fact.rule is None:
        configuration: dict[str, Any] = {"metrics": [_metric(each) for each in fact.metrics]}
    else:
        configuration = {"alarmRule": fact.rule}
    if fact.description:
        configuration = {"description": fact.description, **configuration}
    return {
        "source": "aws.cloudwatch",
        "alarmArn": fact.alarm_arn,
        "accountId": account,
        "time": _time(fact.state.at_s),
        "region": region,
        "alarmData": {
            "alarmName": fact.name,
            "state": _state(fact.state),
            "previousState": _state(fact.previous),
            "configuration": configuration,
        },
    }


def _state(state: AlarmState) -> dict[str, Any]:
    members = {
        "value": state.value,
        "reason": state.reason,
        "reasonData": state.reason_data,
        "timestamp": _time(state.at_s),
    }
    return _present(members)


def _metric(metric: AlarmMetric) -> dict[str, Any]:
    stat = None
    if metric.expression is None:
        named = {
            "namespace": metric.namespace,
            "name": metric.name,
            "dimensions": dict(metric.dimensions),
        }
        stat = _present(
            {
                "metric": named,
                "period": metric.period_s,
                "stat": metric.statistic,
                "unit": metric.unit,
            }
        )
    members = {
        "id": metric.id,
        "expression": metric.expression,
        "label": metric.label,
        "metricStat": stat,
        "returnData": metric.returns_data,
    }
    return _present(members)


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _time(at_s: float) -> str:
    moment = datetime.fromtimestamp(at_s, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
