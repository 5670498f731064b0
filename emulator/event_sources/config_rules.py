"""AWS Config: rules that are functions, evaluated when saved, by their period, and when asked."""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from typing_extensions import override

from emulator.aws import (
    ConfigEvaluationFact,
    ConfigRule,
    ConfigRuleEndedFact,
    ConfigRuleSavedFact,
    Fact,
    make_config_token,
)
from emulator.event_sources.due_times import DueTimes, Plan
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model import Call, LambdaError
from emulator.model.schedule_expression import Rate

_NAME: Final = "config"
_PRINCIPAL: Final = "config.amazonaws.com"


class ConfigRules(EventSource):
    """Queues an invocation for each evaluation.

    Any thread may call. Rules and results live in moto; what is due later are alarms.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lanes = Lanes(_NAME, around.activity, around.reporter)
        self._due_times = DueTimes(around, _NAME, self._lanes)
        kinds = (ConfigRuleSavedFact, ConfigRuleEndedFact, ConfigEvaluationFact)
        around.moto.subscribe(self._on_fact, *kinds)

    @override
    def reset(self) -> None:
        """Evaluate nothing that is due later."""
        self._due_times.reset()

    @override
    def stop(self, grace_s: float) -> None:
        """Begin no further evaluation."""
        self._due_times.reset()
        self._lanes.stop(grace_s)

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, ConfigRuleEndedFact):
            self._due_times.cancel(fact.rule_arn)
        elif isinstance(fact, ConfigEvaluationFact):
            self._evaluate(fact.rule, fact.at_s)
        elif isinstance(fact, ConfigRuleSavedFact):
            self._evaluate(fact.rule, fact.at_s)
            timetable = Rate(period_s=fact.rule.period_s, start_s=fact.at_s)
            plan = Plan(timetable=timetable, fire=partial(self._evaluate, fact.rule))
            self._due_times.set(fact.rule.arn, plan, fact.at_s)

    def _evaluate(self, rule: ConfigRule, at_s: float) -> None:
        document = event(rule, make_config_token(rule.arn, at_s), at_s)
        call = Call.to(
            rule.function_arn,
            json.dumps(document, separators=(",", ":")).encode(),
            source=_NAME,
            cause=rule.arn,
        )
        allows = self.around.moto.permissions.allows
        try:
            if not allows(rule.function_arn, _PRINCIPAL, rule.arn, rule.account):
                raise LambdaError("AccessDeniedException", "its policy does not allow it")
            self.around.invoker.accept(call)
        except LambdaError as error:
            self.around.reporter.event("config.not_evaluated", rule=rule.name, reason=error)


def event(rule: ConfigRule, token: str, at_s: float) -> dict[str, Any]:
    """What a function gets. Source: spec/events.md section 9; Config Developer Guide, events."""
    created = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
    invoking = {
        "awsAccountId": rule.account,
        "notificationCreationTime": created.replace("+00:00", "Z"),
        "messageType": "ScheduledNotification",
        "recordVersion": "1.0",
    }
    return {
        "version": "1.0",
        "invokingEvent": json.dumps(invoking, separators=(",", ":")),
        "ruleParameters": rule.parameters,
        "resultToken": token,
        "eventLeftScope": False,
        "executionRoleArn": rule.role_arn,
        "configRuleArn": rule.arn,
        "configRuleName": rule.name,
        "configRuleId": rule.id,
        "accountId": rule.account,
    }
