"""Buckets of S3: their objects, and what a project's triggers add to their notifications."""

from dataclasses import replace
from typing import Any

from emulator.aws.locks import ServiceLocks
from emulator.aws.notifications import BucketNotifications, Refused, Rule, check
from emulator.aws.own_requests import OwnRequests
from emulator.aws.patches.s3 import notifications_of, set_notifications
from emulator.aws.permissions import InvokePermissions
from emulator.aws.provisioning import make_bucket
from emulator.aws.regional import regional
from emulator.aws.services import Services
from emulator.model import AwsError
from emulator.observe import Reporter


class Buckets:
    """The buckets of S3. Any thread may call, except one that holds a lock of moto."""

    def __init__(
        self,
        services: Services,
        locks: ServiceLocks,
        own: OwnRequests,
        permissions: InvokePermissions,
        reporter: Reporter,
    ) -> None:
        self._services = services
        self._locks = locks
        self._own = own
        self._permissions = permissions
        self._reporter = reporter

    def fetch(
        self, account: str, region: str, bucket: str, key: str, version_id: str | None = None
    ) -> bytes:
        """Content of an object. Raises AwsError with S3's code and message."""
        self._services.load("s3")
        from moto.s3.exceptions import MissingKey, MissingVersion, S3ClientError
        from moto.s3.models import s3_backends
        from moto.utilities.utils import get_partition

        with self._locks.hold("s3"):
            try:
                backend = s3_backends[account][get_partition(region)]
                found = backend.get_object(bucket, key, version_id=version_id)
                if found is None:
                    raise MissingVersion() if version_id else MissingKey(key)
                return bytes(found.value)
            except S3ClientError as error:
                raise AwsError(error.code, error.message) from error

    def put(
        self,
        account: str,
        region: str,
        bucket: str,
        key: str,
        content: bytes,
        *,
        content_type: str,
        trace_header: str | None = None,
    ) -> None:
        """Put an object as `account` would. Raises AwsError with S3's code and message."""
        self._services.load("s3")
        from moto.s3.exceptions import S3ClientError
        from moto.s3.models import s3_backends
        from moto.utilities.utils import get_partition

        _, owner = s3_backends.bucket_accounts.get(bucket, ("aws", account))
        try:
            with self._own.make("s3", account, trace_header):
                backend = regional(s3_backends, owner, get_partition(region))
                made = backend.put_object(bucket, key, content)
                made.set_metadata({"Content-Type": content_type})
        except S3ClientError as error:
            raise AwsError(error.code, error.message) from error

    def bind(self, bucket: str, rule: Rule) -> None:
        """Add a project file's trigger to a bucket's notifications, and the bucket if need be.

        The function's own account and region are the bucket's.
        """
        self._permissions.trust(f"arn:aws:s3:::{bucket}", rule.arn)
        self._services.when_loaded("s3", lambda: self._add(bucket, rule))

    def unbind(self, bucket: str, rule: Rule) -> None:
        """Take away what `bind` added."""
        self._services.when_loaded("s3", lambda: self._remove(bucket, rule))

    def _add(self, bucket: str, rule: Rule) -> None:
        from moto.s3.models import s3_backends

        _, _, _, region, account, _ = rule.arn.split(":", 5)
        with self._locks.hold("s3"):
            make_bucket(bucket, account, region)
            found = s3_backends[account]["aws"].get_bucket(bucket)
            others = _without(found, rule)
            wanted = replace(others, rules=(*others.rules, rule))
            try:
                check(wanted, found.region_name)
            except Refused as refusal:
                self._reporter.event(
                    "s3.trigger_refused", bucket=bucket, function=rule.arn, reason=refusal.message
                )
                return
            set_notifications(found, wanted)

    def _remove(self, bucket: str, rule: Rule) -> None:
        from moto.s3.models import s3_backends

        with self._locks.hold("s3"):
            if bucket in s3_backends.bucket_accounts:  # else it was deleted, its rules with it
                found = s3_backends[rule.arn.split(":")[4]]["aws"].get_bucket(bucket)
                set_notifications(found, _without(found, rule))


def _without(bucket: Any, rule: Rule) -> BucketNotifications:
    now = notifications_of(bucket) or BucketNotifications()
    return replace(now, rules=tuple(other for other in now.rules if other.id != rule.id))
