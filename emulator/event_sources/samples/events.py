"""Samples of EventBridge and its Scheduler."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import event_document
from emulator.event_sources.events import scheduled_event
from emulator.event_sources.samples import constants
from emulator.event_sources.samples.json_option import json_object
from emulator.event_sources.scheduler import default_event

_EVENT_ID: Final = "17793124-05d4-b198-2fde-7ededc63b103"


def event(
    *,
    source: str = "shop",
    detail_type: str = "Order Placed",
    detail: str = '{"id":"o-1","total":20}',
    resource: str = "",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """An event that a rule matched; the detail is given as JSON."""
    return event_document(
        event_id=_EVENT_ID,
        account=account,
        region=region,
        source=source,
        detail_type=detail_type,
        resources=[resource] if resource else [],
        detail=json_object("--detail", detail),
        at_s=constants.AT_S,
    )


def scheduled(
    *,
    rule: str = "nightly",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """A scheduled rule that is due."""
    return scheduled_event(
        f"arn:aws:events:{region}:{account}:rule/{rule}", constants.AT_S, _EVENT_ID
    )


def schedule(
    *,
    name: str = "nightly",
    group: str = "default",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """A schedule of EventBridge Scheduler that is due, without an input of its own."""
    arn = f"arn:aws:scheduler:{region}:{account}:schedule/{group}/{name}"
    return default_event(arn, constants.AT_S, _EVENT_ID)


EVENTS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "event": event,
    "scheduled": scheduled,
}
SCHEDULER: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"schedule": schedule}
