"""Types of EventBridge: buses and rules with their targets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from emulator.aws.stacks.api_type import Answer, ApiType, Members
from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    ResourceProblem,
    ResourceType,
    Wish,
    tag_list,
    tags_of,
    unless_gone,
)

_SERVICE: Final = "events"
_AT_ONCE: Final = 10  # targets that one request may name


def _bus(wish: Wish) -> Members:
    members = {**wish.properties, "Name": wish.name}
    members["Tags"] = tag_list(tags_of(wish))
    return members


def _made_bus(wish: Wish, _: Members, answer: Answer) -> Made:
    attributes = {"Arn": answer["EventBusArn"], "Name": wish.name}
    return Made(physical_id=wish.name, attributes=attributes, address={"Name": wish.name})


@dataclass(frozen=True, slots=True)
class RuleType(Kind):
    """Implements ResourceType."""

    name_property: str = "Name"
    name_length: int = 64
    attributes: frozenset[str] = frozenset({"Arn"})
    replaced_by: frozenset[str] = frozenset({"Name", "EventBusName"})

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the rule, then its targets."""
        made = self._put(wish, call)
        note(made)
        self._put_targets(made, wish.properties.get("Targets") or [], call)
        return made

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Change the rule; its targets become those of the template."""
        made = self._put(wish, call)
        wanted = wish.properties.get("Targets") or []
        kept = {target.get("Id") for target in wanted}
        gone = [each for each in _target_ids(made, call) if each not in kept]
        self._remove_targets(made, gone, call)
        self._put_targets(made, wanted, call)
        return made

    @override
    def delete(self, made: Made, call: Call) -> None:
        """Delete the rule with its targets; one that is gone is no problem."""
        with unless_gone():
            self._remove_targets(made, _target_ids(made, call), call)
            call(_SERVICE, "DeleteRule", made.address)

    def _put(self, wish: Wish, call: Call) -> Made:
        members = {**wish.properties, "Name": wish.name, "Tags": tag_list(tags_of(wish))}
        members.pop("Targets", None)
        if isinstance(pattern := members.get("EventPattern"), Mapping):
            members["EventPattern"] = json.dumps(pattern)
        arn = call(_SERVICE, "PutRule", members)["RuleArn"]
        address = {"Name": wish.name, **_bus_of(wish.properties)}
        is_default = "EventBusName" not in address
        physical_id = wish.name if is_default else f"{address['EventBusName']}|{wish.name}"
        return Made(physical_id=physical_id, attributes={"Arn": arn}, address=address)

    def _put_targets(self, made: Made, targets: list[Any], call: Call) -> None:
        for start in range(0, len(targets), _AT_ONCE):
            members = {**_of_rule(made), "Targets": targets[start : start + _AT_ONCE]}
            answer = call(_SERVICE, "PutTargets", members)
            if failed := answer.get("FailedEntries"):
                raise ResourceProblem(str(failed[0].get("ErrorMessage", failed[0])))

    def _remove_targets(self, made: Made, ids: list[str], call: Call) -> None:
        if ids:
            call(_SERVICE, "RemoveTargets", {**_of_rule(made), "Ids": ids})


def _target_ids(made: Made, call: Call) -> list[str]:
    found = call(_SERVICE, "ListTargetsByRule", _of_rule(made))["Targets"]
    return [target["Id"] for target in found]


def _of_rule(made: Made) -> Members:
    members = dict(made.address)
    return {"Rule": members.pop("Name"), **members}


def _bus_of(properties: Mapping[str, Any]) -> Members:
    name = properties.get("EventBusName")
    return {"EventBusName": name} if name and name != "default" else {}


TYPES: Final[Mapping[str, ResourceType]] = {
    "AWS::Events::EventBus": ApiType(
        service=_SERVICE,
        create_with="CreateEventBus",
        delete_with="DeleteEventBus",
        required=("Name",),
        replaced_by=frozenset({"Name"}),
        name_property="Name",
        members=_bus,
        made=_made_bus,
        attributes=frozenset({"Arn", "Name"}),
    ),
    "AWS::Events::Rule": RuleType(),
}
