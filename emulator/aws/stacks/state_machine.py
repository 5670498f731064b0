"""AWS::StepFunctions::StateMachine: its definition, wherever and however it is written."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    ResourceProblem,
    Wish,
    require,
    tags_of,
    unless_gone,
)

_SERVICE: Final = "stepfunctions"
_REPLACED_BY: Final = frozenset({"StateMachineName", "StateMachineType"})
_SETTINGS: Final = ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration")


@dataclass(frozen=True, slots=True)
class StateMachineType(Kind):
    """Implements ResourceType."""

    name_property: str = "StateMachineName"
    name_length: int = 80
    attributes: frozenset[str] = frozenset({"Arn", "Name"})
    replaced_by: frozenset[str] = _REPLACED_BY

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the state machine."""
        members = {**_members(wish.properties), "Name": wish.name}
        if "StateMachineType" in wish.properties:
            members["Type"] = wish.properties["StateMachineType"]
        if tags := tags_of(wish):
            members["Tags"] = [{"key": key, "value": value} for key, value in tags.items()]
        arn = call(_SERVICE, "CreateStateMachine", members)["stateMachineArn"]
        attributes = {"Arn": arn, "Name": wish.name}
        return Made(physical_id=arn, attributes=attributes, address={"stateMachineArn": arn})

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Give it another definition, role or settings; tags stay those of its creation."""
        call(_SERVICE, "UpdateStateMachine", {**_members(wish.properties), **made.address})
        return made

    def delete(self, made: Made, call: Call) -> None:
        """Delete the state machine; one that is gone is no problem."""
        with unless_gone():
            call(_SERVICE, "DeleteStateMachine", made.address)


def _members(properties: Mapping[str, Any]) -> dict[str, Any]:
    require(properties, "RoleArn")
    members = {"RoleArn": properties["RoleArn"], "Definition": _definition(properties)}
    return members | {name: properties[name] for name in _SETTINGS if name in properties}


def _definition(properties: Mapping[str, Any]) -> str:
    """The definition as a text, with `${name}` replaced by what the template gives for it."""
    if "DefinitionS3Location" in properties:
        raise ResourceProblem("The emulator's stacks do not take DefinitionS3Location.")
    found = properties.get("DefinitionString") or properties.get("Definition")
    if not found:
        raise ResourceProblem("Properties validation failed: required key [Definition] not found")
    text = found if isinstance(found, str) else json.dumps(found)
    given = properties.get("DefinitionSubstitutions") or {}
    return re.sub(r"\$\{(\w+)\}", lambda name: str(given.get(name[1], name[0])), text)
