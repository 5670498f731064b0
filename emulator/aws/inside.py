"""What the emulator itself does inside moto: objects, messages, log lines."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from emulator.aws.locks import ServiceLocks
from emulator.aws.notifications import BucketNotifications, Rule, check
from emulator.aws.own_requests import OwnRequests
from emulator.aws.patches.s3 import notifications_of, set_notifications
from emulator.aws.patches.sqs import all_queues, wake
from emulator.aws.provisioning import make_bucket
from emulator.aws.services import Services
from emulator.model.code_signature import CodeSignature
from emulator.observe import MetricStatistics, Reporter

Attributes = Mapping[str, tuple[str, str]]
"""Attributes of a message: name -> (type, value), the type "String" or "Number"."""


class AwsError(Exception):
    """A service said no: its code, its message, the status of its answer."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Inside:
    """Our own way into moto's backends, past HTTP but not past the locks.

    Any thread may call, except one that holds a lock of a service of moto.
    """

    def __init__(
        self, services: Services, locks: ServiceLocks, own: OwnRequests, reporter: Reporter
    ) -> None:
        self._services = services
        self._locks = locks
        self._own = own
        self._reporter = reporter

    def fetch_object(
        self, account: str, region: str, bucket: str, key: str, version_id: str | None
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

    def change_rules(
        self, bucket: str, account: str, region: str, *, add: Rule | None, remove: Rule | None
    ) -> None:
        """Add or remove one rule of a bucket's notifications. Raises `notifications.Refused`."""
        from moto.s3.models import s3_backends

        with self._locks.hold("s3"):
            if add:
                make_bucket(bucket, account, region)
            if bucket not in s3_backends.bucket_accounts:
                return  # it was deleted, and its rules with it
            found = s3_backends[account]["aws"].get_bucket(bucket)
            now = notifications_of(found) or BucketNotifications()
            gone = {rule.id for rule in (add, remove) if rule}
            rules = [rule for rule in now.rules if rule.id not in gone]
            if add:
                rules.append(add)
            wanted = BucketNotifications(rules=tuple(rules), event_bridge=now.event_bridge)
            if add:
                check(wanted, found.region_name)
            set_notifications(found, wanted)

    def put_object(
        self,
        account: str,
        region: str,
        bucket: str,
        key: str,
        content: bytes,
        content_type: str,
        trace_header: str | None,
    ) -> None:
        """Put an object into a bucket. Raises AwsError with S3's code and message."""
        self._services.load("s3")
        from moto.s3.exceptions import S3ClientError
        from moto.s3.models import s3_backends
        from moto.utilities.utils import get_partition

        _, owner = s3_backends.bucket_accounts.get(bucket, ("aws", account))
        try:
            with self._own.make("s3", account, trace_header):
                backend = _found(s3_backends, owner, get_partition(region))
                made = backend.put_object(bucket, key, content)
                made.set_metadata({"Content-Type": content_type})
        except S3ClientError as error:
            raise AwsError(error.code, error.message) from error

    def is_revoked(self, signature: CodeSignature) -> bool:
        """Whether a signature's job or profile version is revoked; a Signer unused knows none."""
        if not self._services.is_loaded("signer"):
            return False
        from emulator.aws.patches.signer import is_revoked

        with self._locks.hold("signer"):
            return is_revoked(signature)

    def takes_messages(self, arn: str) -> bool:
        """Whether this is the ARN of a queue or topic that exists and is not FIFO."""
        _, _, service, region, account, name = arn.split(":", 5)
        self._services.load(service)
        from moto.sns.models import sns_backends
        from moto.sqs.models import sqs_backends

        with self._locks.hold(service):
            try:
                if service == "sqs":
                    is_there = name in _found(sqs_backends, account, region).queues
                else:
                    is_there = arn in _found(sns_backends, account, region).topics
            except AwsError:
                return False
        return is_there and not name.endswith(".fifo")

    def send_message(
        self, queue_arn: str, body: str, attributes: Attributes | None, trace_header: str | None
    ) -> None:
        """Put a message into a queue. Raises AwsError."""
        self._services.load("sqs")
        from moto.sqs.exceptions import SQSException
        from moto.sqs.models import sqs_backends

        _, _, _, region, account, name = queue_arn.split(":", 5)
        system = {"AWSTraceHeader": ("String", trace_header)} if trace_header else {}
        try:
            with self._own.make("sqs", account, trace_header):
                _found(sqs_backends, account, region).send_message(
                    name,
                    _text(body),
                    message_attributes=_sqs_attributes(attributes or {}),
                    system_attributes=_sqs_attributes(system),
                )
        except SQSException as error:
            raise AwsError(error.code, error.message) from error

    def publish(
        self,
        topic_arn: str,
        message: str,
        subject: str | None,
        attributes: Attributes | None,
        trace_header: str | None,
    ) -> None:
        """Publish to a topic. Raises AwsError."""
        self._services.load("sns")
        from moto.core.exceptions import ServiceException
        from moto.sns.models import sns_backends

        _, _, _, region, account, _ = topic_arn.split(":", 5)
        sns_attributes = {
            name: {"Type": kind, "Value": value}
            for name, (kind, value) in (attributes or {}).items()
        }
        try:
            with self._own.make("sns", account, trace_header):
                _found(sns_backends, account, region).publish(
                    message, arn=topic_arn, subject=subject, message_attributes=sns_attributes
                )
        except ServiceException as error:
            raise AwsError(error.code, error.message) from error

    def write_metrics(self, metrics: Iterable[MetricStatistics]) -> None:
        """Add values to CloudWatch's metrics of Lambda. The lock of CloudWatch must be held."""
        from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends

        for metric in metrics:
            regions = cloudwatch_backends[metric.account]
            if metric.region not in regions:
                continue  # Lambda takes any region's name here, CloudWatch does not
            regions[metric.region].metric_data.append(
                MetricAggregatedDatum(
                    namespace="AWS/Lambda",
                    name=metric.name,
                    min_stat=metric.minimum,
                    max_stat=metric.maximum,
                    sample_count=metric.samples,
                    sum_stat=metric.total,
                    dimensions=[
                        {"Name": name, "Value": value} for name, value in metric.dimensions
                    ],
                    timestamp=_utc(metric.minute_s * 1000),
                    unit=metric.unit,
                )
            )

    def reset(self) -> None:
        """Empty every service of every account and region."""
        if "moto.core.base_backend" not in sys.modules:
            return
        from moto.core.base_backend import BackendDict

        queues = all_queues()
        with self._locks.hold("cloudformation"):  # that is, all
            BackendDict.reset()
        for queue in queues:
            wake(queue)  # who polls it learns that it is gone


def _found(backends: Any, account: str, region: str) -> Any:
    try:
        return backends[account][region]
    except KeyError:
        raise AwsError("InvalidRegion", f'There is no region "{region}"') from None


def _sqs_attributes(attributes: Attributes) -> dict[str, dict[str, str]]:
    return {
        name: {"DataType": kind, "StringValue": _text(value)}
        for name, (kind, value) in attributes.items()
    }


def _text(value: str) -> str:
    """What SQS takes: half a surrogate pair, which JSON can hold, must not cost the message."""
    return value.encode(errors="replace").decode()


def _utc(at_ms: int) -> Any:
    from moto.core.utils import utcfromtimestamp

    return utcfromtimestamp(at_ms // 1000)
