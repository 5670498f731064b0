"""Events of a bucket that start a function."""

from dataclasses import dataclass
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
