"""AWS::Lambda::Version and AWS::Lambda::Alias: both may have environments kept ready."""

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
)

_ALIAS_MEMBERS: Final = ("FunctionVersion", "Description", "RoutingConfig")
_PUBLICATION: Final = ("FunctionName", "CodeSha256", "Description")
_PROVISIONED: Final = "ProvisionedConcurrencyConfig"


def _provision(address: Mapping[str, Any], config: Mapping[str, Any] | None, call: Call) -> None:
    where = {"FunctionName": address["FunctionName"], "Qualifier": _qualifier(address)}
    if config is None:
        call("lambda", "DeleteProvisionedConcurrencyConfig", where)
    else:
        call("lambda", "PutProvisionedConcurrencyConfig", {**where, **config})


def _qualifier(address: Mapping[str, Any]) -> str:
    return str(address.get("Qualifier") or address["Name"])


@dataclass(frozen=True, slots=True)
class VersionType(Kind):
    """Implements ResourceType; a version never changes."""

    service: str = "lambda"
    delete_with: str = "DeleteFunction"
    attributes: frozenset[str] = frozenset({"FunctionArn", "Version"})

    @override
    def is_replaced(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Every change publishes another version."""
        return True

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Publish a version; raises ResourceProblem where nothing changed since the last one."""
        require(wish.properties, "FunctionName")
        before = _numbers(call, wish.properties["FunctionName"])
        members = {name: wish.properties[name] for name in _PUBLICATION if name in wish.properties}
        answer = call("lambda", "PublishVersion", members)
        number = answer["Version"]
        if number in before:
            raise ResourceProblem(
                f"A version for this Lambda function exists ( {number} ). Modify the function to"
                " create a new version."
            )
        made = Made(
            physical_id=answer["FunctionArn"],
            attributes={"FunctionArn": answer["FunctionArn"], "Version": number},
            address={"FunctionName": wish.properties["FunctionName"], "Qualifier": number},
        )
        note(made)
        self._set_others(wish.properties, made, call)
        return made

    def _set_others(self, properties: Mapping[str, Any], made: Made, call: Call) -> None:
        if _PROVISIONED in properties:
            _provision(made.address, properties[_PROVISIONED], call)
        if "RuntimePolicy" in properties:
            policy = properties["RuntimePolicy"]
            call("lambda", "PutRuntimeManagementConfig", {**policy, **made.address})
        if "FunctionScalingConfig" in properties:
            config = {"FunctionScalingConfig": properties["FunctionScalingConfig"]}
            call("lambda", "PutFunctionScalingConfig", {**config, **made.address})

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Never called: every change replaces a version."""
        raise ResourceProblem("A version cannot be changed.")


def _numbers(call: Call, function: str) -> set[str]:
    found: set[str] = set()
    members = {"FunctionName": function}
    while True:
        answer = call("lambda", "ListVersionsByFunction", members)
        found |= {each["Version"] for each in answer["Versions"]}
        if not answer.get("NextMarker"):
            return found
        members["Marker"] = answer["NextMarker"]


@dataclass(frozen=True, slots=True)
class AliasType(Kind):
    """Implements ResourceType."""

    service: str = "lambda"
    delete_with: str = "DeleteAlias"
    name_property: str = "Name"
    name_length: int = 128
    attributes: frozenset[str] = frozenset({"AliasArn"})
    replaced_by: frozenset[str] = frozenset({"FunctionName", "Name"})

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the alias and keep environments ready for it, if it is to have any."""
        require(wish.properties, "FunctionName", "FunctionVersion", "Name")
        address = {name: wish.properties[name] for name in ("FunctionName", "Name")}
        answer = call("lambda", "CreateAlias", {**_alias(wish.properties), **address})
        arn = answer["AliasArn"]
        made = Made(physical_id=arn, attributes={"AliasArn": arn}, address=address)
        note(made)
        if _PROVISIONED in wish.properties:
            _provision(address, wish.properties[_PROVISIONED], call)
        return made

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Point it elsewhere."""
        gone = {"Description": "", "RoutingConfig": {"AdditionalVersionWeights": {}}}
        dropped = {name: value for name, value in gone.items() if name in old}
        members = {**dropped, **_alias(wish.properties), **made.address}
        call("lambda", "UpdateAlias", members)
        if _PROVISIONED in changed(old, wish.properties):
            _provision(made.address, wish.properties.get(_PROVISIONED), call)
        return made


def _alias(properties: Mapping[str, Any]) -> dict[str, Any]:
    members = {name: properties[name] for name in _ALIAS_MEMBERS if name in properties}
    if "RoutingConfig" in members:
        weights = members["RoutingConfig"].get("AdditionalVersionWeights", [])
        members["RoutingConfig"] = {
            "AdditionalVersionWeights": {
                str(each["FunctionVersion"]): each["FunctionWeight"] for each in weights
            }
        }
    return members
