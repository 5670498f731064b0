"""IoT Core: from a published message to the actions of the topic rules that select from it."""

import base64
import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from typing_extensions import override

from emulator.aws import Fact, PublishFact, TopicRule
from emulator.event_sources.iot_actions import ActionFailed, Delivery, RuleActions
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.source import EventSource, Surroundings
from emulator.event_sources.targets import TargetError
from emulator.model import LambdaError
from emulator.model.iot_functions import UNDEFINED, Message, message
from emulator.model.iot_sql import parse

_NAME: Final = "iot"


class TopicRules(EventSource):
    """Applies rules to messages, each rule on a lane of its own, so that it keeps their order.

    Any thread may call. Nothing is kept: rules live in moto.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lanes = Lanes(_NAME, around.activity, around.reporter)
        self._actions = RuleActions(around)
        around.moto.subscribe(self._on_fact, PublishFact)

    @override
    def stop(self, grace_s: float) -> None:
        """Wait for the actions that are carried out."""
        self._lanes.stop(grace_s)

    def _on_fact(self, fact: Fact) -> None:
        assert isinstance(fact, PublishFact)
        for rule in fact.rules:
            self._lanes.put(rule.arn, partial(self._apply, fact, rule))

    def _apply(self, fact: PublishFact, rule: TopicRule) -> None:
        published = message(fact.topic, fact.payload, fact.account, int(fact.at_s * 1000))
        body = event(rule.sql, published)
        if body is None:
            return
        delivery = Delivery(fact=fact, rule=rule, message=published, body=body)
        failures = []
        for action in rule.actions:
            for name, settings in action.items():
                problem = self._carry_out(delivery, name, settings)
                if problem is not None:
                    failures.append(_failure(name, settings, problem))
        if failures and rule.error_action:
            document = error_document(delivery, failures)
            failed = Delivery(fact=fact, rule=rule, message=published, body=document)
            for name, settings in rule.error_action.items():
                self._carry_out(failed, name, settings)

    def _carry_out(self, delivery: Delivery, name: str, settings: Mapping[str, Any]) -> str | None:
        """Do it; what went wrong, if anything did."""
        try:
            self._actions.carry_out(delivery, name, settings)
        except (ActionFailed, TargetError, LambdaError) as error:
            self.around.reporter.event(
                "iot.action_failed", rule=delivery.rule.name, action=name, reason=error
            )
            return str(error)
        return None


def event(sql: str, published: Message) -> bytes | None:
    """What actions get of a message; None: the rule does not want it.

    Source: spec/events.md section 9: a function's event is what the statement selects.
    """
    statement = parse(sql)
    if published.document is UNDEFINED and statement.condition is None:
        selected = statement.selection(published)
        return published.payload if selected is UNDEFINED else _json(selected)
    selected = statement.select(published)
    return None if selected is UNDEFINED else _json(selected)


def error_document(delivery: Delivery, failures: list[dict[str, str]]) -> bytes:
    """What an error action gets. Source: IoT Core Developer Guide, error handling."""
    return _json(
        {
            "ruleName": delivery.rule.name,
            "topic": delivery.message.topic,
            "clientId": "N/A",
            "base64OriginalPayload": base64.b64encode(delivery.message.payload).decode(),
            "failures": failures,
        }
    )


def _failure(name: str, settings: Mapping[str, Any], problem: str) -> dict[str, str]:
    resources = ("functionArn", "topic", "queueUrl", "targetArn", "bucketName", "streamName")
    resource = next((str(settings[each]) for each in resources if each in settings), "")
    return {
        "failedAction": f"{name[0].upper()}{name[1:]}Action",
        "failedResource": resource,
        "errorMessage": problem,
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
