"""EventBridge: from events and due rules to functions and whatever else their targets are."""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from emulator.aws import (
    EventFact,
    Fact,
    ProjectRule,
    RetryPolicy,
    RuleSavedFact,
    RuleTarget,
    event_document,
)
from emulator.event_sources.deliveries import Deliveries, Failure
from emulator.event_sources.due_times import DueTimes, Plan
from emulator.event_sources.input_transformer import compact, target_input
from emulator.event_sources.json_path import MISSING, find
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.source import EventSource, Surroundings
from emulator.event_sources.targets import (
    NO_PERMISSIONS,
    Parcel,
    TargetError,
    Targets,
    with_errors,
)
from emulator.model import parse_function_name
from emulator.model.schedule_expression import rule_timetable
from emulator.model.triggers import Trigger
from emulator.model.triggers.events import EventsTrigger

_PRINCIPAL: Final = "events.amazonaws.com"
_TRIGGER_IDS: Final = uuid.UUID("4fb3c3d2-7a2d-4e58-9f0c-6f1f3c9d2a10")  # the same at each start


class BusEvents(EventSource):
    """Delivers events to the targets of the rules that matched, and fires scheduled rules.

    Any thread may call. Functions are queued on the thread of the request; other targets are
    served on threads of our own, so that a slow one delays nobody. `_lock` guards which schedules
    are followed. Nothing is kept over a restart: rules live in the service.
    """

    trigger = EventsTrigger

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._targets = Targets(around)
        self._lanes = Lanes("events", around.activity, around.reporter)
        self._deliveries = Deliveries(around, "events", self._lanes)
        self._due_times = DueTimes(around, "events", self._lanes)
        self._lock = threading.Lock()
        self._followed: dict[str, str] = {}  # rule: its schedule expression
        around.moto.subscribe(self._on_fact, EventFact, RuleSavedFact)

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Make a rule for the trigger, on a bus that is made if need be."""
        assert isinstance(trigger, EventsTrigger)
        rule = project_rule(trigger, function_arn)
        self.around.moto.permissions.trust(rule.arn, function_arn)
        self.around.moto.event_buses.bind(rule)

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take the rule away."""
        assert isinstance(trigger, EventsTrigger)
        self.around.moto.event_buses.unbind(project_rule(trigger, function_arn))

    @override
    def reset(self) -> None:
        """Forget everything."""
        self._due_times.reset()
        self._deliveries.reset()
        with self._lock:
            self._followed.clear()

    @override
    def stop(self, grace_s: float) -> None:
        """Deliver and fire nothing any more."""
        self._due_times.reset()
        self._deliveries.reset()
        self._lanes.stop(grace_s)

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, EventFact):
            for target in fact.targets:
                self._start(_RuleDelivery(source=self, target=target, fact=fact))
        elif isinstance(fact, RuleSavedFact):
            self._follow(fact)

    def _start(self, delivery: "_RuleDelivery") -> None:
        if delivery.is_quick:
            self._deliveries.run(delivery)
        else:
            self._deliveries.start(delivery)

    def _follow(self, fact: RuleSavedFact) -> None:
        with self._lock:
            if self._followed.get(fact.rule_arn) == fact.expression:
                return  # a rule that stays as it is goes on counting
            if fact.expression is None:
                del self._followed[fact.rule_arn]
                self._due_times.cancel(fact.rule_arn)
                return
            self._followed[fact.rule_arn] = fact.expression
        plan = Plan(
            timetable=rule_timetable(fact.expression, fact.at_s),
            fire=lambda due_s: self._fire(fact.rule_arn, due_s),
        )
        self._due_times.set(fact.rule_arn, plan, fact.at_s)

    def _fire(self, rule_arn: str, due_s: float) -> None:
        """One after the other, so that missed times come in their order."""
        targets = self.around.moto.event_buses.rule_targets(rule_arn)
        event = scheduled_event(rule_arn, due_s, str(uuid.uuid4()))
        fact = EventFact(event=event, at_s=due_s, targets=tuple(targets))
        for target in targets:
            self._deliveries.run(_RuleDelivery(source=self, target=target, fact=fact))

    # One attempt.

    def deliver(self, target: RuleTarget, fact: EventFact) -> None:
        """Hand an event to a target. Raises TargetError."""
        service, resource = _parts(target.arn)
        if service == "events" and resource.startswith("event-bus/"):
            self._forward(target, fact)
            return
        if service == "events" and resource.startswith("api-destination/"):
            text = "API destinations are not supported by the emulator"
            raise TargetError("INVALID_PARAMETER", text)
        if service == "lambda":
            self._check_permission(target)
        self._targets.send(
            Parcel(
                arn=target.arn,
                body=target_input(target, fact.event, fact.at_s),
                source="events",
                cause=fact.event["id"],
                message_group_id=target.message_group_id,
                partition_key=_partition_key(target, fact.event),
            )
        )

    def _forward(self, target: RuleTarget, fact: EventFact) -> None:
        if fact.has_crossed:
            text = "EventBridge routes no event from another bus to a third one"
            raise TargetError("THIRD_ACCOUNT_HOP_DETECTED", text)
        with_errors(lambda: self.around.moto.event_buses.forward(target.arn, fact.event))

    def _check_permission(self, target: RuleTarget) -> None:
        if parse_function_name(target.arn) is None:
            raise TargetError("INVALID_PARAMETER", f"{target.arn} is no function's ARN")
        account = target.rule_arn.split(":")[4]
        permissions = self.around.moto.permissions
        if not permissions.allows(target.arn, _PRINCIPAL, target.rule_arn, account):
            text = f"{target.rule_arn} is not authorized to perform lambda:InvokeFunction"
            raise TargetError(NO_PERMISSIONS, text)


@dataclass(frozen=True, slots=True)
class _RuleDelivery:
    """One event on its way to one target of a rule."""

    source: BusEvents
    target: RuleTarget
    fact: EventFact

    @property
    def retry(self) -> RetryPolicy:
        return self.target.retry

    @property
    def is_quick(self) -> bool:
        """A function is only queued."""
        return _parts(self.target.arn)[0] == "lambda"

    @property
    def label(self) -> Mapping[str, str]:
        return {"rule": self.target.rule_arn, "target": self.target.arn}

    def attempt(self, number: int) -> None:
        self.source.deliver(self.target, self.fact)

    def dead_letter(self, failure: Failure) -> tuple[str, Mapping[str, str]]:
        """Source: EventBridge User Guide, dead-letter queues."""
        attributes = {
            "RULE_ARN": self.target.rule_arn,
            "TARGET_ARN": self.target.arn,
            "ERROR_CODE": failure.error.code,
            "ERROR_MESSAGE": failure.error.message,
            "RETRY_ATTEMPTS": str(failure.retries),
        }
        if failure.exhausted is not None:
            attributes["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted
        return compact(self.fact.event), attributes


def scheduled_event(rule_arn: str, due_s: float, event_id: str) -> dict[str, Any]:
    """What the targets of a scheduled rule get. Source: spec/events.md section 6."""
    _, _, _, region, account, _ = rule_arn.split(":", 5)
    return event_document(
        event_id=event_id,
        account=account,
        region=region,
        source="aws.events",
        detail_type="Scheduled Event",
        resources=[rule_arn],
        detail={},
        at_s=due_s,
    )


def project_rule(trigger: EventsTrigger, function_arn: str) -> ProjectRule:
    """The rule of a project's trigger; the same trigger has the same name at each start."""
    _, _, _, region, account, resource = function_arn.split(":", 5)
    identity = uuid.uuid5(_TRIGGER_IDS, f"{function_arn} {trigger.bus} {trigger.pattern}")
    name = f"{resource.removeprefix('function:')[:55]}-{identity.hex[:8]}"
    path = name if trigger.bus == "default" else f"{trigger.bus}/{name}"
    return ProjectRule(
        arn=f"arn:aws:events:{region}:{account}:rule/{path}",
        function_arn=function_arn,
        pattern=trigger.pattern,
    )


def _partition_key(target: RuleTarget, event: Mapping[str, Any]) -> str:
    """Kinesis: what the path leads to, else the event's id."""
    if target.partition_key_path is not None:
        found = find(target.partition_key_path, event)
        if found is not MISSING:
            return found if isinstance(found, str) else compact(found)
    return str(event["id"])


def _parts(arn: str) -> tuple[str, str]:
    """Service and resource of an ARN; empty where it is none."""
    parts = arn.split(":", 5)
    return (parts[2], parts[5]) if len(parts) == 6 else ("", "")
