"""Which events of a bucket start a function, as `emulator.toml` declares it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

S3_EVENTS: Final = tuple(  # the `Event` enum of the S3 model
    f"s3:{name}"
    for name in (
        "ReducedRedundancyLostObject",
        *("ObjectCreated:*", "ObjectCreated:Put", "ObjectCreated:Post"),
        *("ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload"),
        *("ObjectRemoved:*", "ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"),
        *("ObjectRestore:*", "ObjectRestore:Post", "ObjectRestore:Completed"),
        *("ObjectRestore:Delete", "Replication:*", "Replication:OperationFailedReplication"),
        *("Replication:OperationNotTracked", "Replication:OperationMissedThreshold"),
        *("Replication:OperationReplicatedAfterThreshold", "LifecycleTransition"),
        *("IntelligentTiering", "ObjectAcl:Put", "LifecycleExpiration:*"),
        *("LifecycleExpiration:Delete", "LifecycleExpiration:DeleteMarkerCreated"),
        *("ObjectTagging:*", "ObjectTagging:Put", "ObjectTagging:Delete"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Trigger:
    """One `[[functions.NAME.triggers]]` with `source = "s3"`."""

    bucket: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""

    @property
    def summary(self) -> str:
        """`s3://photos/in/*.jpg ObjectCreated:*`, for tables and log lines."""
        events = ",".join(event.removeprefix("s3:") for event in self.events)
        return f"s3://{self.bucket}/{self.prefix}*{self.suffix} {events}"


def overlapping(triggers: Sequence[S3Trigger]) -> list[tuple[int, int]]:
    """Positions of the pairs that S3 would refuse together on one bucket.

    Two configurations clash when they share an event type and both their prefixes and their
    suffixes overlap. Source: spec/events.md section 1.
    """
    return [
        (first, second)
        for first, second in combinations(range(len(triggers)), 2)
        if _overlap(triggers[first], triggers[second])
    ]


def _overlap(one: S3Trigger, other: S3Trigger) -> bool:
    return (
        one.bucket == other.bucket
        and (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
        and any(_covers(a, b) or _covers(b, a) for a in one.events for b in other.events)
    )


def _covers(pattern: str, event: str) -> bool:
    return pattern == event or (pattern.endswith("*") and event.startswith(pattern[:-1]))
