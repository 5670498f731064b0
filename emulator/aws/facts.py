"""What happened inside a service, told once the request that caused it has been answered."""

from dataclasses import dataclass
from typing import ClassVar

from emulator.aws.notifications import BucketNotifications


@dataclass(frozen=True, kw_only=True, slots=True)
class Requester:
    """Who asked for it, and under which ids the answer went out."""

    account: str
    principal: str  # as `userIdentity.principalId`: "AWS:AIDA…", "AWS:AROA…:session"
    source_ip: str
    request_id: str
    host_id: str  # the answer's x-amz-id-2
    trace_header: str | None = None  # X-Amzn-Trace-Id: a function's SDK passes on its own


class Fact:
    """Something that happened in a service; each kind is a frozen dataclass."""

    __slots__ = ()
    survives_failure: ClassVar[bool] = False  # it is told although the request was refused


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectFact(Fact):
    """An object of a bucket was created, removed or changed.

    `name` is an S3 event name without its `s3:`. What the event does not carry is None:
    `version_id` in a bucket without versioning, `size` and `etag` of a removed object.
    """

    name: str
    account: str  # the bucket's owner
    region: str
    bucket: str
    key: str  # as stored, not URL-encoded
    at_s: float
    sequencer: str
    requester: Requester
    version_id: str | None = None
    size: int | None = None
    etag: str | None = None  # without quotes
    restored_until: str | None = None  # ISO 8601; ObjectRestore:Completed only
    storage_class: str | None = None  # ObjectRestore:Completed only
    notifications: BucketNotifications | None = None  # as configured when it happened


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationsSavedFact(Fact):
    """A bucket's notification configuration was saved; its queues and topics get a test event."""

    account: str
    region: str
    bucket: str
    at_s: float
    requester: Requester
    notifications: BucketNotifications
