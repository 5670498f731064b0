"""What the emulator itself does inside EventBridge: events for a bus, rules of a project."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.aws.event_facts import RuleTarget, event_document
from emulator.aws.own_requests import OwnRequests
from emulator.aws.patches import PatchContext
from emulator.aws.patches.event_rules import find_bus, targets_of
from emulator.aws.patches.events import offer
from emulator.aws.services import Services
from emulator.model import AwsError


@dataclass(frozen=True, kw_only=True, slots=True)
class BusEvent:
    """An event for a bus of an account and region."""

    account: str
    region: str
    source: str
    detail_type: str
    resources: Sequence[str]
    detail: Mapping[str, Any]
    at_s: float
    bus: str = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectRule:
    """A rule that a project's trigger makes, with one function as its target.

    It has a pattern (JSON) or a schedule expression.
    """

    arn: str
    function_arn: str
    pattern: str | None = None
    expression: str | None = None

    @property
    def bus(self) -> str:
        """Name of its bus."""
        _, *bus, _ = self.arn.split(":", 5)[5].split("/")
        return "/".join(bus) or "default"

    @property
    def name(self) -> str:
        """Its name on that bus."""
        return self.arn.rpartition("/")[2]


class EventBuses:
    """Our own way into EventBridge, past HTTP but not past the locks.

    Any thread may call, except one that holds a lock of a service of moto.
    """

    def __init__(self, services: Services, own: OwnRequests, context: PatchContext) -> None:
        self._services = services
        self._own = own
        self._context = context

    def put(self, event: BusEvent) -> None:
        """Give an event to the rules of its bus. Raises AwsError when there is no such bus."""
        document = event_document(
            event_id=str(uuid.uuid4()),
            account=event.account,
            region=event.region,
            source=event.source,
            detail_type=event.detail_type,
            resources=list(event.resources),
            detail=json.loads(json.dumps(event.detail)),
            at_s=event.at_s,
        )
        self._offer(event.bus, event.account, event.region, document, has_crossed=False)

    def forward(self, bus_arn: str, event: Mapping[str, Any]) -> None:
        """Hand an event, unchanged, to another bus. Raises AwsError when there is no such bus."""
        _, _, _, region, account, _ = bus_arn.split(":", 5)
        self._offer(bus_arn, account, region, event, has_crossed=True)

    def rule_targets(self, rule_arn: str) -> list[RuleTarget]:
        """The targets of a rule as it is now; none when it is gone or disabled."""
        self._services.load("events")
        _, _, _, region, account, resource = rule_arn.split(":", 5)
        _, *bus_name, name = resource.split("/")
        with self._own.make("events", account):
            bus = find_bus("/".join(bus_name) or "default", account, region)
            rule = bus.rules.get(name) if bus is not None else None
            return targets_of(rule) if rule is not None and rule.state != "DISABLED" else []

    def bind(self, rule: ProjectRule) -> None:
        """Make a rule, and its bus if need be, before EventBridge answers its next request."""
        self._services.when_loaded("events", lambda: self._make_rule(rule))

    def unbind(self, rule: ProjectRule) -> None:
        """Take the rule away again."""
        self._services.when_loaded("events", lambda: self._remove_rule(rule))

    def _offer(
        self, bus_name: str, account: str, region: str, event: Mapping[str, Any], has_crossed: bool
    ) -> None:
        self._services.load("events")
        with self._own.make("events", account):
            bus = find_bus(bus_name, account, region)
            if bus is None:
                text = f"Event bus {bus_name} does not exist."
                raise AwsError("ResourceNotFoundException", text)
            offer(self._context, bus, event, has_crossed=has_crossed)

    def _make_rule(self, rule: ProjectRule) -> None:
        from moto.events.models import events_backends

        _, _, _, region, account, _ = rule.arn.split(":", 5)
        with self._own.make("events", account):
            backend = events_backends[account][region]
            if rule.bus not in backend.event_buses:
                backend.create_event_bus(rule.bus)
            backend.put_rule(
                rule.name,
                event_bus_arn=rule.bus,
                event_pattern=rule.pattern,
                scheduled_expression=rule.expression,
            )
            target = {"Id": "function", "Arn": rule.function_arn}
            backend.put_targets(rule.name, rule.bus, [target])

    def _remove_rule(self, rule: ProjectRule) -> None:
        from moto.events.models import events_backends

        _, _, _, region, account, _ = rule.arn.split(":", 5)
        with self._own.make("events", account):
            backend = events_backends[account][region]
            found = backend.event_buses.get(rule.bus)
            if found is not None and rule.name in found.rules:
                found.rules[rule.name].targets.clear()
                backend.delete_rule(rule.name, rule.bus)
