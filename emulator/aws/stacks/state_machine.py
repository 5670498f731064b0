"""AWS::StepFunctions::StateMachine: its definition, wherever and however it is written."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from emulator.aws.stacks.api_type import Answer, ApiType, Members
from emulator.aws.stacks.resource_type import Made, ResourceProblem, Wish, tags_of

_SETTINGS: Final = ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration")


def _members(wish: Wish) -> Members:
    properties = wish.properties
    members = {name: properties[name] for name in ("RoleArn", *_SETTINGS) if name in properties}
    members |= {"Name": wish.name, "Definition": _definition(properties)}
    if "StateMachineType" in properties:
        members["Type"] = properties["StateMachineType"]
    if tags := tags_of(wish):
        members["Tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    return members


def _made(wish: Wish, members: Members, answer: Answer) -> Made:
    arn = answer.get("stateMachineArn") or members["stateMachineArn"]
    attributes = {"Arn": arn, "Name": wish.name}
    return Made(physical_id=arn, attributes=attributes, address={"stateMachineArn": arn})


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


STATE_MACHINE: Final = ApiType(
    service="stepfunctions",
    create_with="CreateStateMachine",
    update_with="UpdateStateMachine",
    delete_with="DeleteStateMachine",
    required=("RoleArn",),
    replaced_by=frozenset({"StateMachineName", "StateMachineType"}),
    name_property="StateMachineName",
    name_length=80,
    members=_members,
    only_at_creation=frozenset({"Name", "Tags", "Type"}),  # so tags stay those of its creation
    made=_made,
    attributes=frozenset({"Arn", "Name"}),
)
