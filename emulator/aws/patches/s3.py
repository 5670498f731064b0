"""S3: what happened to which object, told once, and the notification configuration."""

import itertools
import json
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, cast
from xml.etree import ElementTree

from emulator.aws.facts import Fact, NotificationsSavedFact, ObjectFact, Requester
from emulator.aws.notifications import BucketNotifications, Refused, check, parse, render
from emulator.aws.patches.patching import NOBODY, SCRATCH_ACCOUNT, Patch, PatchContext

_CONFIGURATION: Final = "emulator_notifications"  # our attribute of moto's bucket

# Grows by one for each event, and from one start of the emulator to the next.
_sequence = itertools.count(time.time_ns())


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.s3."""
    models, responses = "moto.s3.models", "moto.s3.responses"
    return [
        Patch(
            "moto.s3.notifications:send_event",
            "account_id, event_name, bucket, key",
            _send_event(context),
        ),
        Patch(
            f"{models}:S3Backend.delete_object",
            "self, bucket_name, key_name, version_id, bypass",
            _delete_object(context),
        ),
        Patch(
            f"{models}:S3Backend.put_object_acl",
            "self, bucket_name, key_name, acl, disable_notification",
            _put_object_acl,
        ),
        # moto would tell EventBridge of a new bucket in its own way, and run functions itself.
        Patch(
            f"{models}:events_send_notification",
            "source, event_name, region, resources, detail",
            lambda original: lambda **_: None,
        ),
        Patch(f"{models}:FakeBucket.get_permission", "self, action, resource", _get_permission),
        Patch(f"{models}:FakeKey.restore", "self, days", _restore),
        Patch(f"{models}:FakeKey.__del__", "self", _close),
        Patch(
            f"{responses}:S3Response._bucket_response_put",
            "self, request, bucket_name, querystring",
            _bucket_response_put(context),
        ),
        Patch(f"{responses}:S3Response.get_bucket_notification", "self", _get_notification),
    ]


def _get_permission(original: Any) -> Any:
    def get_permission(self: Any, action: str, resource: str) -> Any:
        """Ask the bucket's policy of whom and when moto can tell: everybody, and always.

        For moto a statement on one principal speaks of all of them, and one with a condition
        denies; so a bucket that must be reached by TLS only could not be used at all.
        """
        policy = self.policy
        if policy is None:
            return original(self, action, resource)
        document = json.loads(policy)
        statements = document["Statement"]
        statements = [statements] if isinstance(statements, dict) else statements
        document["Statement"] = [each for each in statements if _is_for_everybody(each)]
        self.policy = json.dumps(document).encode()
        try:
            return original(self, action, resource)
        finally:
            self.policy = policy

    return get_permission


def _is_for_everybody(statement: Any) -> bool:
    principal = statement.get("Principal")
    everybody = ("*", {"AWS": "*"}, {"AWS": ["*"]})
    return principal in everybody and not statement.get("Condition")


def prove(context: PatchContext) -> dict[str, str]:
    """Put and delete an object of an account nobody uses; return what did not come through."""
    from moto.s3 import models

    s3_backends, fake_bucket = models.s3_backends, cast(Any, models.FakeBucket)
    backend, name = s3_backends[SCRATCH_ACCOUNT]["aws"], "emulator-self-test"
    backend.buckets[name] = fake_bucket(name, account_id=SCRATCH_ACCOUNT, region_name="us-east-1")
    try:
        with context.buffer.request(NOBODY) as facts:
            backend.put_object(name, "key", b"")
            backend.delete_object(name, "key")
    finally:
        s3_backends.bucket_accounts.pop(name, None)
        dict.pop(s3_backends, SCRATCH_ACCOUNT)
    told = [fact.name for fact in facts if isinstance(fact, ObjectFact)]
    wanted = {
        "ObjectCreated:Put": "moto.s3.notifications:send_event",
        "ObjectRemoved:Delete": "moto.s3.models:S3Backend.delete_object",
    }
    return {patch: f"no {event}" for event, patch in wanted.items() if told.count(event) != 1}


def without_noise(facts: Iterable[Fact]) -> list[Fact]:
    """Drop what moto tells besides: tags of a new object, and the put inside a multipart upload."""
    facts = list(facts)
    new = {(f.bucket, f.key): f.name for f in facts if _is_created(f) and isinstance(f, ObjectFact)}
    return [fact for fact in facts if not _is_noise(fact, new)]


def notifications_of(bucket: Any) -> BucketNotifications | None:
    """What a bucket of moto's was told to notify; None: it never was."""
    return getattr(bucket, _CONFIGURATION, None)


def set_notifications(bucket: Any, notifications: BucketNotifications) -> None:
    """Replace the notification configuration of a bucket of moto's."""
    setattr(bucket, _CONFIGURATION, notifications)


def _is_created(fact: Fact) -> bool:
    return isinstance(fact, ObjectFact) and fact.name.startswith("ObjectCreated:")


def _is_noise(fact: Fact, new: dict[tuple[str, str], str]) -> bool:
    if not isinstance(fact, ObjectFact):
        return False
    last_creation = new.get((fact.bucket, fact.key))
    if fact.name.startswith("ObjectTagging:"):
        return last_creation is not None
    return _is_created(fact) and fact.name != last_creation


def _send_event(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
            name = str(event_name.value).removeprefix("s3:")
            if not name.startswith("ObjectRemoved:"):  # _delete_object tells those, all of them
                context.buffer.tell(_fact_of_key(context, name, bucket, key))

        return send_event

    return make


def _fact_of_key(context: PatchContext, name: str, bucket: Any, key: Any) -> ObjectFact:
    has_ended = name == "ObjectRestore:Completed"
    return _fact(
        context,
        name,
        bucket,
        key.name,
        version_id=None if key.version_id == "null" else key.version_id,
        size=key.size,
        etag=key.etag.strip('"'),
        restored_until=f"{key._expiry:%Y-%m-%dT%H:%M:%S.000Z}" if has_ended else None,
        storage_class=key.storage_class if has_ended else None,
    )


def _fact(context: PatchContext, name: str, bucket: Any, key: str, **more: Any) -> ObjectFact:
    return ObjectFact(
        name=name,
        account=bucket.account_id,
        region=bucket.region_name,
        bucket=bucket.name,
        key=key,
        at_s=context.clock.now(),
        sequencer=f"00{next(_sequence):016X}",
        requester=context.buffer.requester or NOBODY,
        notifications=notifications_of(bucket),
        **more,
    )


def _delete_object(context: PatchContext) -> Callable[[Any], Any]:
    """moto tells of a removal only when the last version of a key goes."""

    def make(original: Any) -> Any:
        def delete_object(
            self: Any,
            bucket_name: str,
            key_name: str,
            version_id: str | None = None,
            bypass: bool = False,
        ) -> tuple[bool, dict[str, Any]]:
            bucket = self.get_bucket(bucket_name)
            is_versioned = bucket.is_versioned
            existed = version_id is None or any(
                str(version.version_id) == version_id
                for version in bucket.keys.getlist(key_name, [])
            )
            done, meta = original(self, bucket_name, key_name, version_id, bypass)
            if done and existed:
                is_marker = is_versioned and version_id is None
                name = "DeleteMarkerCreated" if is_marker else "Delete"
                version = meta.get("version-id") if is_versioned else None
                context.buffer.tell(
                    _fact(context, f"ObjectRemoved:{name}", bucket, key_name, version_id=version)
                )
            return done, meta

        return delete_object

    return make


def _put_object_acl(original: Any) -> Any:
    """A request that changes nothing in an object's ACL makes no event."""

    def put_object_acl(
        self: Any, bucket_name: str, key_name: str, acl: Any, disable_notification: bool = False
    ) -> None:
        key = self.get_object(bucket_name, key_name)
        is_same = key is not None and repr(key.acl) == repr(acl)
        original(self, bucket_name, key_name, acl, disable_notification or is_same)

    return put_object_acl


def _restore(original: Any) -> Any:
    """moto restores at once but says so only when somebody looks at the object."""

    def restore(self: Any, days: int) -> None:
        original(self, days)
        _ = self.status

    return restore


def _close(original: Any) -> Any:
    """A key that nobody needs any more just closes its file; moto would warn about it."""

    def close(self: Any) -> None:
        self.dispose()

    return close


def _bucket_response_put(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def bucket_response_put(
            self: Any, request: Any, bucket_name: str, querystring: dict[str, Any]
        ) -> Any:
            if "notification" not in querystring:
                return original(self, request, bucket_name, querystring)
            self._set_action("BUCKET", "PUT", querystring)
            self._authenticate_and_authorize_s3_action(bucket_name=bucket_name)
            return _put_notification(context, self, bucket_name)

        return bucket_response_put

    return make


def _put_notification(
    context: PatchContext, response: Any, bucket_name: str
) -> tuple[int, dict[str, str], str]:
    bucket = response.backend.get_bucket(bucket_name)
    skips = response.headers.get("x-amz-skip-destination-validation", "").lower() == "true"
    try:
        wanted = parse(response.body)
        check(wanted, bucket.region_name)
        if not skips:
            with context.locks.released():  # they ask the store of functions
                context.destinations.check(wanted, bucket_name, bucket.account_id)
    except Refused as refusal:
        return 400, {}, _error(refusal, context.buffer.requester or NOBODY)
    set_notifications(response.backend.get_bucket(bucket_name), wanted)
    context.buffer.tell(
        NotificationsSavedFact(
            account=bucket.account_id,
            region=bucket.region_name,
            bucket=bucket_name,
            at_s=context.clock.now(),
            requester=context.buffer.requester or NOBODY,
            notifications=wanted,
        )
    )
    return 200, {}, ""


def _get_notification(original: Any) -> Any:
    def get_bucket_notification(self: Any) -> tuple[int, dict[str, str], str]:
        bucket = self.backend.get_bucket(self.bucket_name)
        return 200, {}, render(notifications_of(bucket) or BucketNotifications())

    return get_bucket_notification


def _error(refusal: Refused, requester: Requester) -> str:
    root = ElementTree.Element("Error")
    members = {
        "Code": refusal.code,
        "Message": refusal.message,
        **refusal.details,
        "RequestId": requester.request_id,
        "HostId": requester.host_id,
    }
    for name, text in members.items():
        ElementTree.SubElement(root, name).text = text
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)
