"""Makes the resources that a project lists."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from emulator.aws.own_requests import OwnRequests
from emulator.aws.services import Services
from emulator.model import DEFAULT_ACCOUNT, DEFAULT_REGION
from emulator.model.resources import QueueResource, Resource, StreamResource, TableResource

_LOOKED_UP_BY: Final[Mapping[str, Sequence[str]]] = {  # in moto, without a request
    "sqs": ("sns", "s3"),
    "sns": ("s3",),
}


class Provisioning:
    """Makes what is missing, in the default account and region. Any thread may call."""

    def __init__(self, services: Services, own: OwnRequests) -> None:
        self._services = services
        self._own = own

    def ensure(self, resources: Iterable[Resource]) -> None:
        """Have them exist before their service answers its first, or next, request."""
        for resource in resources:
            service, make = _MAKERS[resource.kind]
            self._services.when_loaded(service, partial(self._make, service, make, resource))
            for other in _LOOKED_UP_BY.get(service, ()):
                self._services.when_loaded(other, partial(self._services.load, service))

    def _make(self, service: str, make: Callable[[Resource], None], resource: Resource) -> None:
        with self._own.make(service, DEFAULT_ACCOUNT):
            make(resource)


def make_bucket(name: str, account: str, region: str) -> None:
    """Make a bucket unless anybody has one of that name; the lock of S3 must be held."""
    from moto.s3.models import s3_backends

    if name not in s3_backends.bucket_accounts:
        s3_backends[account]["aws"].create_bucket(name, region)


def _bucket(resource: Resource) -> None:
    make_bucket(resource.name, DEFAULT_ACCOUNT, DEFAULT_REGION)


def _queue(resource: Resource) -> None:
    from moto.sqs.models import sqs_backends

    assert isinstance(resource, QueueResource)
    backend = sqs_backends[DEFAULT_ACCOUNT][DEFAULT_REGION]
    queue: Any = backend.queues.get(resource.name)
    if queue is None:
        fifo: dict[str, Any] = {}
        if resource.name.endswith(".fifo"):
            fifo["FifoQueue"] = "true"
        queue = backend.create_queue(resource.name, **fifo)
    elif not resource.is_declared:
        return
    queue.visibility_timeout = resource.visibility_timeout_s
    policy: dict[str, Any] = {}
    if resource.dead_letter_queue is not None:
        _queue(QueueResource(name=resource.dead_letter_queue))
        policy["deadLetterTargetArn"] = backend.queues[resource.dead_letter_queue].queue_arn
        policy["maxReceiveCount"] = resource.max_receives
    queue._setup_dlq(json.dumps(policy) if policy else "")


def _topic(resource: Resource) -> None:
    from moto.sns.models import sns_backends

    fifo = {"FifoTopic": "true"} if resource.name.endswith(".fifo") else {}
    sns_backends[DEFAULT_ACCOUNT][DEFAULT_REGION].create_topic(resource.name, attributes=fifo)


def _event_bus(resource: Resource) -> None:
    from moto.events.models import events_backends

    backend = events_backends[DEFAULT_ACCOUNT][DEFAULT_REGION]
    if resource.name not in backend.event_buses:
        backend.create_event_bus(resource.name)


def _stream(resource: Resource) -> None:
    from moto.kinesis.models import kinesis_backends

    assert isinstance(resource, StreamResource)
    backend = kinesis_backends[DEFAULT_ACCOUNT][DEFAULT_REGION]
    if resource.name not in backend.streams:
        backend.create_stream(resource.name, resource.shards)


def _table(resource: Resource) -> None:
    from moto.dynamodb.models import dynamodb_backends

    assert isinstance(resource, TableResource)
    backend = dynamodb_backends[DEFAULT_ACCOUNT][DEFAULT_REGION]
    if resource.name in backend.tables:
        return
    keys = [("HASH", *resource.partition_key)]
    if resource.sort_key:
        keys.append(("RANGE", *resource.sort_key))
    view = resource.stream_view
    backend.create_table(
        resource.name,
        schema=[{"AttributeName": name, "KeyType": role} for role, name, _ in keys],
        throughput=None,
        attr=[{"AttributeName": name, "AttributeType": kind} for _, name, kind in keys],
        global_indexes=None,
        indexes=None,
        streams={"StreamEnabled": True, "StreamViewType": view} if view else None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )


_MAKERS: Final[Mapping[str, tuple[str, Callable[[Resource], None]]]] = {  # moto's service, maker
    "bucket": ("s3", _bucket),
    "event bus": ("events", _event_bus),
    "queue": ("sqs", _queue),
    "stream": ("kinesis", _stream),
    "table": ("dynamodb", _table),
    "topic": ("sns", _topic),
}
