"""S3 notifications: from what happened to an object to the functions and queues that want it."""

import hashlib
import json
import string
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote_plus

from typing_extensions import override

from emulator.aws import (
    BusEvent,
    Fact,
    NotificationsSavedFact,
    ObjectFact,
    Rule,
)
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model import AwsError, Call, LambdaError
from emulator.model.triggers import Trigger
from emulator.model.triggers.s3 import S3Trigger

_SUBJECT: Final = "Amazon S3 Notification"
_OWNER_CHARS: Final = string.ascii_uppercase + string.digits
_TRIGGER_IDS: Final = uuid.UUID("6e0d64d5-8f6c-4f0a-8b0e-3c5c6a1f2b7d")  # the same at each start

# Event versions other than 2.1. Source: spec/events.md section 1.
_VERSIONS: Final = {
    "Replication": "2.2",
    "LifecycleExpiration": "2.3",
    "LifecycleTransition": "2.3",
    "IntelligentTiering": "2.3",
    "ObjectAcl": "2.3",
    "ObjectTagging": "2.3",
}
# Families that say nothing about content, or not even when it came.
_NO_CONTENT: Final = frozenset({"ObjectRemoved"})
_NO_SIZE: Final = frozenset({"ObjectTagging", "ObjectAcl"})

# EventBridge: detail-type and `reason`, which names the operation behind it.
_BUS_FORMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "ObjectCreated:Put": ("Object Created", "PutObject"),
    "ObjectCreated:Post": ("Object Created", "POST Object"),
    "ObjectCreated:Copy": ("Object Created", "CopyObject"),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", "CompleteMultipartUpload"),
    "ObjectRemoved:Delete": ("Object Deleted", "DeleteObject"),
    "ObjectRemoved:DeleteMarkerCreated": ("Object Deleted", "DeleteObject"),
    "ObjectRestore:Post": ("Object Restore Initiated", None),
    "ObjectRestore:Completed": ("Object Restore Completed", None),
    "ObjectAcl:Put": ("Object ACL Updated", None),
    "ObjectTagging:Put": ("Object Tags Added", None),
    "ObjectTagging:Delete": ("Object Tags Deleted", None),
}
_DELETION_TYPES: Final = {
    "ObjectRemoved:Delete": "Permanently Deleted",
    "ObjectRemoved:DeleteMarkerCreated": "Delete Marker Created",
}


class S3Events(EventSource):
    """Delivers what S3 tells. It keeps nothing: a bucket's rules live in the bucket.

    Any thread may call; deliveries run on the thread of the request that caused them. Functions
    are only queued there, so a slow one delays nobody.
    """

    trigger = S3Trigger

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._moto = around.moto
        self._moto.subscribe(self._on_fact, ObjectFact, NotificationsSavedFact)

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Put the trigger into the bucket's notifications; makes the bucket if need be."""
        assert isinstance(trigger, S3Trigger)
        self._moto.buckets.bind(trigger.bucket, _rule(trigger, function_arn))

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take it out."""
        assert isinstance(trigger, S3Trigger)
        self._moto.buckets.unbind(trigger.bucket, _rule(trigger, function_arn))

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, NotificationsSavedFact):
            self._send_test_events(fact)
        elif isinstance(fact, ObjectFact):
            self._notify(fact)

    def _notify(self, fact: ObjectFact) -> None:
        notifications = fact.notifications
        if notifications is None:
            return
        for rule in notifications.rules:
            if rule.matches(fact.name, fact.key):
                document = json.dumps({"Records": [record(fact, rule.id)]}, separators=(",", ":"))
                self._attempt(rule.arn, self._deliver, fact, rule, document)
        if notifications.event_bridge and fact.name in _BUS_FORMS:
            self._attempt("the default event bus", self._moto.event_buses.put, bus_event(fact))

    def _deliver(self, fact: ObjectFact, rule: Rule, document: str) -> None:
        if rule.kind == "queue":
            self._moto.queues.send(rule.arn, document)
        elif rule.kind == "topic":
            self._moto.topics.publish(rule.arn, document, _SUBJECT)
        else:
            call = Call.to(
                rule.arn,
                document.encode(),
                source="s3",
                cause=fact.requester.request_id,
                trace_header=fact.requester.trace_header,
            )
            self.around.invoker.accept(call)

    def _send_test_events(self, fact: NotificationsSavedFact) -> None:
        body = json.dumps(
            {
                "Service": "Amazon S3",
                "Event": "s3:TestEvent",
                "Time": _iso(fact.at_s),
                "Bucket": fact.bucket,
                "RequestId": fact.requester.request_id,
                "HostId": fact.requester.host_id,
            }
        )
        for kind, arn in {(rule.kind, rule.arn): None for rule in fact.notifications.rules}:
            if kind == "queue":
                self._attempt(arn, self._moto.queues.send, arn, body)
            elif kind == "topic":
                self._attempt(arn, self._moto.topics.publish, arn, body, _SUBJECT)

    def _attempt(self, target: str, delivery: Callable[..., None], *arguments: object) -> None:
        """One target that is gone must not keep the event from the others."""
        try:
            delivery(*arguments)
        except (AwsError, LambdaError) as error:
            self.around.reporter.event("s3.not_delivered", target=target, reason=error)


def record(fact: ObjectFact, configuration_id: str) -> dict[str, Any]:
    """One element of `Records`. Source: spec/events.md section 1."""
    family = fact.name.partition(":")[0]
    document: dict[str, Any] = {
        "eventVersion": _VERSIONS.get(family, "2.1"),
        "eventSource": "aws:s3",
        "awsRegion": fact.region,
        "eventTime": _iso(fact.at_s),
        "eventName": fact.name,
        "userIdentity": {"principalId": fact.requester.principal},
        "requestParameters": {"sourceIPAddress": fact.requester.source_ip},
        "responseElements": {
            "x-amz-request-id": fact.requester.request_id,
            "x-amz-id-2": fact.requester.host_id,
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {
                "name": fact.bucket,
                "ownerIdentity": {"principalId": _owner_id(fact.account)},
                "arn": f"arn:aws:s3:::{fact.bucket}",
            },
            "object": _object(fact, family),
        },
    }
    if fact.restored_until is not None:
        document["glacierEventData"] = {
            "restoreEventData": {
                "lifecycleRestorationExpiryTime": fact.restored_until,
                "lifecycleRestoreStorageClass": fact.storage_class,
            }
        }
    return document


def bus_event(fact: ObjectFact) -> BusEvent:
    """The same for EventBridge, which wants the key as it is."""
    detail_type, reason = _BUS_FORMS[fact.name]
    family = fact.name.partition(":")[0]
    described = {
        "key": fact.key,
        "size": None if family in _NO_SIZE else fact.size,
        "etag": fact.etag,
        "version-id": fact.version_id,
        "sequencer": None if family in _NO_SIZE else fact.sequencer,
    }
    detail = {
        "version": "0",
        "bucket": {"name": fact.bucket},
        "object": _present(described),
        "request-id": fact.requester.request_id,
        "requester": fact.requester.account,
        "source-ip-address": fact.requester.source_ip,
        "reason": reason,
        "deletion-type": _DELETION_TYPES.get(fact.name),
        "restore-expiry-time": fact.restored_until,
        "source-storage-class": fact.storage_class,
    }
    return BusEvent(
        account=fact.account,
        region=fact.region,
        source="aws.s3",
        detail_type=detail_type,
        resources=(f"arn:aws:s3:::{fact.bucket}",),
        detail=_present(detail),
        at_s=fact.at_s,
    )


def _object(fact: ObjectFact, family: str) -> dict[str, Any]:
    has_content = family not in _NO_CONTENT
    has_size = has_content and family not in _NO_SIZE
    described = {
        "key": quote_plus(fact.key, safe="/"),
        "size": fact.size if has_size else None,
        "eTag": fact.etag if has_content else None,
        "versionId": fact.version_id,
        "sequencer": None if family in _NO_SIZE else fact.sequencer,
    }
    return _present(described)


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _rule(trigger: S3Trigger, function_arn: str) -> Rule:
    prefix, suffix = trigger.prefix or None, trigger.suffix or None
    identity = json.dumps([trigger.bucket, function_arn, sorted(trigger.events), prefix, suffix])
    return Rule(
        id=str(uuid.uuid5(_TRIGGER_IDS, identity)),
        kind="function",
        arn=function_arn,
        events=trigger.events,
        prefix=prefix,
        suffix=suffix,
    )


def _owner_id(account: str) -> str:
    """A canonical-looking id that is always the same for an account."""
    digest = hashlib.sha256(account.encode()).digest()
    return "A" + "".join(_OWNER_CHARS[byte % len(_OWNER_CHARS)] for byte in digest[:13])


def _iso(at_s: float) -> str:
    moment = datetime.fromtimestamp(at_s, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
