"""AWS::SecretsManager::Secret: its value given, or made up as the template wants it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    ResourceProblem,
    Wish,
    changed,
    require,
    tag_list,
    tags_of,
    unless_gone,
)

_SERVICE: Final = "secretsmanager"
_SETTINGS: Final = ("Description", "KmsKeyId", "SecretString")
_GENERATED: Final = "GenerateSecretString"
_TEMPLATE: Final = ("SecretStringTemplate", "GenerateStringKey")


@dataclass(frozen=True, slots=True)
class SecretType(Kind):
    """Implements ResourceType."""

    name_property: str = "Name"
    name_length: int = 512
    attributes: frozenset[str] = frozenset({"Id"})
    replaced_by: frozenset[str] = frozenset({"Name"})

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the secret."""
        members = {
            **_members(wish.properties, call),
            "Name": wish.name,
            "Tags": tag_list(tags_of(wish)),
        }
        arn = call(_SERVICE, "CreateSecret", members)["ARN"]
        return Made(physical_id=arn, attributes={"Id": arn}, address={"SecretId": arn})

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Change it; a value that was made up stays as long as it is wanted in the same way."""
        properties = dict(wish.properties)
        if _GENERATED not in changed(old, properties):
            properties.pop(_GENERATED, None)
        members = {"Description": "", **_members(properties, call), **made.address}
        call(_SERVICE, "UpdateSecret", members)
        return made

    @override
    def delete(self, made: Made, call: Call) -> None:
        """Delete it at once; one that is gone is no problem."""
        with unless_gone():
            call(_SERVICE, "DeleteSecret", {**made.address, "ForceDeleteWithoutRecovery": True})


def _members(properties: Mapping[str, Any], call: Call) -> dict[str, Any]:
    if refused := sorted(set(properties) - {*_SETTINGS, _GENERATED, "Name", "Tags"}):
        raise ResourceProblem(f"The emulator's stacks do not take {refused[0]} of a secret.")
    members = {name: properties[name] for name in _SETTINGS if name in properties}
    if (wanted := properties.get(_GENERATED)) is not None:
        members["SecretString"] = _generated(wanted, call)
    return members


def _generated(wanted: Mapping[str, Any], call: Call) -> str:
    """A password; with a template, the JSON object that has it as one of its members."""
    options = {name: value for name, value in wanted.items() if name not in _TEMPLATE}
    password = str(call(_SERVICE, "GetRandomPassword", options)["RandomPassword"])
    if not any(name in wanted for name in _TEMPLATE):
        return password
    require(wanted, *_TEMPLATE)
    try:
        whole = dict(json.loads(wanted["SecretStringTemplate"]))
    except (TypeError, ValueError) as error:
        raise ResourceProblem("SecretStringTemplate is not a JSON object.") from error
    return json.dumps({**whole, wanted["GenerateStringKey"]: password})
