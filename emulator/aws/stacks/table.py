"""AWS::DynamoDB::Table: with its indexes, stream, time to live and recovery, also changed later."""

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
    changed,
    require,
    tag_list,
    tags_of,
)

_SERVICE: Final = "dynamodb"
_REPLACED_BY: Final = frozenset({"KeySchema", "LocalSecondaryIndexes", "TableName"})
_CHANGED_AT_ONCE: Final = {  # what they are again when a template drops them
    "BillingMode": "PROVISIONED",
    "DeletionProtectionEnabled": False,
    "ProvisionedThroughput": None,
}
_INDEXES: Final = "GlobalSecondaryIndexes"
_RECOVERY: Final = "PointInTimeRecoverySpecification"
_STREAM: Final = "StreamSpecification"
_TIME_TO_LIVE: Final = "TimeToLiveSpecification"
_AT_CREATION: Final = frozenset({"SSESpecification", "TableClass"})
_KNOWN: Final = frozenset(
    {"AttributeDefinitions", "Tags", _INDEXES, _RECOVERY, _STREAM, _TIME_TO_LIVE}
    | _REPLACED_BY
    | _AT_CREATION
    | _CHANGED_AT_ONCE.keys()
)


@dataclass(frozen=True, slots=True)
class TableType(Kind):
    """Implements ResourceType."""

    service: str = _SERVICE
    delete_with: str = "DeleteTable"
    name_property: str = "TableName"
    name_length: int = 255
    attributes: frozenset[str] = frozenset({"Arn", "StreamArn"})
    replaced_by: frozenset[str] = _REPLACED_BY

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the table, then set what CreateTable does not take."""
        require(wish.properties, "KeySchema")
        _check(wish.properties)
        members = dict(wish.properties)
        for name in (_RECOVERY, _TIME_TO_LIVE):
            members.pop(name, None)
        if _STREAM in members:
            members[_STREAM] = {**members[_STREAM], "StreamEnabled": True}
        if "SSESpecification" in members:
            encryption = dict(members["SSESpecification"])
            encryption["Enabled"] = encryption.pop("SSEEnabled", False)
            members["SSESpecification"] = encryption
        members = {**members, "TableName": wish.name, "Tags": tag_list(tags_of(wish))}
        made = _made(call(_SERVICE, "CreateTable", members)["TableDescription"])
        note(made)
        _set_beside(made, {}, wish.properties, call)
        return made

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Change what differs."""
        new = wish.properties
        _check(new)
        if fixed := sorted(changed(old, new) & _AT_CREATION):
            text = f"The emulator cannot change {', '.join(fixed)} of a table that exists."
            raise ResourceProblem(text)
        # What there is, and not what was asked for: a change that failed half-way is taken back.
        table = call(_SERVICE, "DescribeTable", made.address)["Table"]
        for change in _changes(old, new, table):
            call(_SERVICE, "UpdateTable", {**change, **made.address})
        _set_beside(made, old, new, call)
        _set_tags(made, tags_of(wish), call)
        return _made(call(_SERVICE, "DescribeTable", made.address)["Table"])


def _check(properties: Mapping[str, Any]) -> None:
    for name in properties:
        if name not in _KNOWN:
            raise ResourceProblem(f"The emulator's stacks do not take {name} of a table.")


def _made(table: Mapping[str, Any]) -> Made:
    attributes = {"Arn": table["TableArn"]}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    name = table["TableName"]
    return Made(physical_id=name, attributes=attributes, address={"TableName": name})


def _changes(
    old: Mapping[str, Any], new: Mapping[str, Any], table: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Members of the UpdateTable requests that a change takes, in their order."""
    at_once = _at_once(old, new)
    made = [at_once] if at_once else []
    if _STREAM in changed(old, new):
        if (table.get(_STREAM) or {}).get("StreamEnabled"):
            made.append({_STREAM: {"StreamEnabled": False}})
        if _STREAM in new:
            made.append({_STREAM: {**new[_STREAM], "StreamEnabled": True}})
    attributes = {"AttributeDefinitions": new.get("AttributeDefinitions", [])}
    before, after = _indexes(old), _indexes(new)
    names = sorted(changed(before, after))
    gone = [{"Delete": {"IndexName": name}} for name in names if name in _indexes(table)]
    for action in [*gone, *({"Create": after[name]} for name in names if name in after)]:
        made.append({"GlobalSecondaryIndexUpdates": [action], **attributes})
    return made


def _at_once(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {name: new.get(name, other) for name, other in _CHANGED_AT_ONCE.items()}
    differing = changed(old, new)
    if "BillingMode" in differing:  # PROVISIONED is nothing without its throughput
        differing.add("ProvisionedThroughput")
    return {name: each for name, each in wanted.items() if name in differing and each is not None}


def _indexes(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {each["IndexName"]: each for each in properties.get(_INDEXES) or []}


def _set_beside(made: Made, old: Mapping[str, Any], new: Mapping[str, Any], call: Call) -> None:
    """Set what has operations of its own."""
    differing = changed(old, new)
    if _TIME_TO_LIVE in differing:
        rule = new.get(_TIME_TO_LIVE) or {**old[_TIME_TO_LIVE], "Enabled": False}
        if str(rule.get("Enabled")).lower() == "true" or _TIME_TO_LIVE in old:
            call(_SERVICE, "UpdateTimeToLive", {_TIME_TO_LIVE: rule, **made.address})
    if _RECOVERY in differing:
        rule = new.get(_RECOVERY) or {"PointInTimeRecoveryEnabled": False}
        call(_SERVICE, "UpdateContinuousBackups", {_RECOVERY: rule, **made.address})


def _set_tags(made: Made, wanted: Mapping[str, str], call: Call) -> None:
    resource = {"ResourceArn": made.attributes["Arn"]}
    found = call(_SERVICE, "ListTagsOfResource", resource)["Tags"]
    known = {each["Key"]: each["Value"] for each in found}
    if gone := sorted(known.keys() - wanted.keys()):
        call(_SERVICE, "UntagResource", {**resource, "TagKeys": gone})
    if known != wanted and wanted:
        call(_SERVICE, "TagResource", {**resource, "Tags": tag_list(wanted)})
