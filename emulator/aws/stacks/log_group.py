"""AWS::Logs::LogGroup: with how long it keeps what is logged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    Wish,
    tags_of,
)

_RETENTION = "RetentionInDays"


@dataclass(frozen=True, slots=True)
class LogGroupType(Kind):
    """Implements ResourceType."""

    service: str = "logs"
    delete_with: str = "DeleteLogGroup"
    name_property: str = "LogGroupName"
    name_length: int = 512
    attributes: frozenset[str] = frozenset({"Arn"})
    replaced_by: frozenset[str] = frozenset({"LogGroupName"})

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the group, then say how long it keeps its events."""
        members = {"logGroupName": wish.name}
        given = {k: v for k, v in wish.properties.items() if k in ("KmsKeyId", "LogGroupClass")}
        tags = tags_of(wish)
        call("logs", "CreateLogGroup", members | given | ({"tags": tags} if tags else {}))
        arn = f"arn:aws:logs:{wish.region}:{wish.account}:log-group:{wish.name}:*"
        made = Made(physical_id=wish.name, attributes={"Arn": arn}, address=members)
        note(made)
        return self.update(made, {}, wish, call)

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Keep events for another time, or for ever."""
        if _RETENTION in wish.properties:
            days = {"retentionInDays": wish.properties[_RETENTION]}
            call("logs", "PutRetentionPolicy", {**made.address, **days})
        elif _RETENTION in old:
            call("logs", "DeleteRetentionPolicy", made.address)
        return made
