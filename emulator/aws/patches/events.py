"""EventBridge: patterns as AWS has them; events are told, and delivered by others."""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from emulator.aws.event_facts import (
    EventFact,
    RuleSavedFact,
    RuleTarget,
    event_document,
)
from emulator.aws.patches import event_rules
from emulator.aws.patches.event_rules import find_bus, targets_of
from emulator.aws.patches.patching import NOBODY, SCRATCH_ACCOUNT, Patch, PatchContext
from emulator.model.event_pattern import InvalidPattern, matches, parse_pattern

_MAXIMUM_ENTRIES: Final = 10
_MAXIMUM_BYTES: Final = 1_048_576  # of all entries of a request
_REQUIRED: Final = ("Source", "DetailType", "Detail")
_EVENT_MEMBERS: Final = ("id", "account", "source", "time", "region", "resources", "detail-type")


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.events."""
    models = "moto.events.models"
    backend = f"{models}:EventsBackend"
    return [
        *event_rules.patches(context),
        Patch(f"{models}:EventPatternParser.parse", "self", _parse),
        Patch(f"{models}:EventPattern.matches_event", "self, event", _matches_event),
        Patch(f"{backend}.put_events", "self, events", _put_events(context)),
        Patch(f"{models}:Replay.replay_events", "self, archive", _replay_events(context)),
        Patch("moto.events.responses:EventsHandler.test_event_pattern", "self", _test_pattern),
    ]


def prove(context: PatchContext) -> dict[str, str]:
    """Put an event of an account nobody uses; return what did not come through."""
    from moto.events.models import events_backends

    backend = events_backends[SCRATCH_ACCOUNT]["us-east-1"]
    try:
        with context.buffer.request(NOBODY) as facts:
            backend.put_rule("emulator-self-test", event_pattern='{"source":["emulator"]}')
            arn = f"arn:aws:sqs:us-east-1:{SCRATCH_ACCOUNT}:q"
            backend.put_targets("emulator-self-test", None, [{"Id": "1", "Arn": arn}])
            backend.put_events([{"Source": "emulator", "DetailType": "test", "Detail": "{}"}])
    finally:
        dict.pop(events_backends, SCRATCH_ACCOUNT)
    told = [type(fact) for fact in facts]
    wanted = {RuleSavedFact: "put_rule", EventFact: "put_events"}
    return {
        f"moto.events.models:EventsBackend.{name}": f"no {kind.__name__}"
        for kind, name in wanted.items()
        if kind not in told
    }


def offer(
    context: PatchContext,
    bus: Any,
    event: Mapping[str, Any],
    *,
    only_rules: frozenset[str] = frozenset(),
    has_crossed: bool = False,
) -> None:
    """Give an event to the rules of a bus of moto's: archives take it, other targets are told."""
    targets: list[RuleTarget] = []
    for rule in list(bus.rules.values()):
        pattern = rule.event_pattern.get_pattern()  # a rule with a schedule only has none
        is_wanted = not only_rules or rule.arn in only_rules
        if is_wanted and rule.state != "DISABLED" and pattern and matches(pattern, event):
            if rule.managed_by:  # an archive's own
                _archive(rule, event)
            else:
                targets += targets_of(rule)
    if targets:
        context.buffer.tell(
            EventFact(
                event=event,
                at_s=context.clock.now(),
                targets=tuple(targets),
                has_crossed=has_crossed,
            )
        )


def _archive(rule: Any, event: Mapping[str, Any]) -> None:
    from moto.events.models import events_backends

    archives: Any = events_backends[rule.account_id][rule.region_name].archives
    for archive in archives.values():
        if archive.rule.arn == rule.arn:
            archive.events.append(dict(event))


# Patterns.


def _parse(original: Any) -> Any:
    def parse(self: Any) -> dict[str, Any]:
        from moto.events.exceptions import InvalidEventPatternException

        try:
            return parse_pattern(self.pattern) if self.pattern else {}
        except InvalidPattern as error:
            raise InvalidEventPatternException(reason=str(error)) from None

    return parse


def _matches_event(original: Any) -> Any:
    def matches_event(self: Any, event: Any) -> bool:
        return matches(self.get_pattern(), event)

    return matches_event


def _test_pattern(original: Any) -> Any:
    """moto answers nothing."""

    def test_event_pattern(self: Any) -> Any:
        from moto.events.exceptions import InvalidEventPatternException

        try:
            pattern = parse_pattern(self._get_param("EventPattern"))
        except InvalidPattern as error:
            raise InvalidEventPatternException(reason=str(error)) from None
        try:
            event = json.loads(self._get_param("Event"))
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            return self.error("ValidationException", "Parameter Event is not valid JSON.")
        missing = [name for name in _EVENT_MEMBERS if name not in event]
        if missing:
            text = f"Parameter Event is not valid. Reason: {missing[0]} is a required member."
            return self.error("ValidationException", text)
        return self._create_response({"Result": matches(pattern, event)})

    return test_event_pattern


# Events.


def _put_events(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def put_events(self: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
            _check_size(events)
            return [_put_entry(context, self, entry) for entry in events]

        return put_events

    return make


def _check_size(entries: list[dict[str, Any]]) -> None:
    from moto.events.exceptions import ValidationException

    if len(entries) > _MAXIMUM_ENTRIES:
        raise ValidationException(
            "1 validation error detected: Value '[PutEventsRequestEntry]' at 'entries' failed to "
            f"satisfy constraint: Member must have length less than or equal to {_MAXIMUM_ENTRIES}"
        )
    if sum(_entry_bytes(entry) for entry in entries) > _MAXIMUM_BYTES:
        raise ValidationException("Total size of the entries in the request is over the limit.")


def _entry_bytes(entry: Mapping[str, Any]) -> int:
    """Source: EventBridge User Guide, "Calculating Amazon EventBridge event entry size"."""
    texts = [entry.get(name) or "" for name in _REQUIRED] + list(entry.get("Resources") or [])
    return sum(len(text.encode()) for text in texts) + (14 if entry.get("Time") else 0)


def _put_entry(context: PatchContext, backend: Any, entry: Mapping[str, Any]) -> dict[str, Any]:
    detail = _detail(entry.get("Detail"))
    problem = _problem(entry, detail)
    if problem is not None:
        return dict(zip(("ErrorCode", "ErrorMessage"), problem, strict=True))
    event = event_document(
        event_id=str(uuid.uuid4()),
        account=backend.account_id,
        region=backend.region_name,
        source=entry["Source"],
        detail_type=entry["DetailType"],
        resources=list(entry.get("Resources") or []),
        detail=detail,
        at_s=float(entry["Time"]) if entry.get("Time") else context.clock.now(),
    )
    name = entry.get("EventBusName") or "default"
    bus = find_bus(name, backend.account_id, backend.region_name)
    if bus is None:  # EventBridge takes the event all the same
        context.reporter.event("events.no_bus", bus=name, hint="the event went nowhere, as in AWS")
    else:
        offer(context, bus, event)
    return {"EventId": event["id"]}


def _detail(text: str | None) -> dict[str, Any] | None:
    """The JSON object in a text; None: there is none."""
    try:
        detail = json.loads(text or "", parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return detail if isinstance(detail, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is Python's, not JSON")


def _problem(entry: Mapping[str, Any], detail: object) -> tuple[str, str] | None:
    for name in _REQUIRED:
        if not entry.get(name):
            text = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return "InvalidArgument", text
    if entry["Source"].startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    return ("MalformedDetail", "Detail is malformed.") if detail is None else None


def _replay_events(context: PatchContext) -> Callable[[Any], Any]:
    """moto replays everything to every rule of the bus."""

    def make(original: Any) -> Any:
        def replay_events(self: Any, archive: Any) -> None:
            from moto.events.models import ReplayState

            bus = find_bus(self.destination["Arn"], self.account_id, self.region)
            for event in archive.events:
                at_s = datetime.fromisoformat(event["time"]).timestamp()
                if float(self.event_start_time) <= at_s <= float(self.event_end_time):
                    offer(
                        context,
                        bus,
                        {**event, "id": str(uuid.uuid4()), "replay-name": self.name},
                        only_rules=frozenset(self.destination.get("FilterArns") or ()),
                    )
            self.state = ReplayState.COMPLETED
            self.end_time = context.clock.now()

        return replay_events

    return make
