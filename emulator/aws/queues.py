"""Queues of SQS: messages are sent, received and deleted."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.own_requests import OwnRequests
from emulator.aws.patches.sqs_queues import SOURCE_ARN, messages_of, receive
from emulator.aws.regional import regional
from emulator.aws.services import Services
from emulator.model import AwsError, Clock
from emulator.model.mapping import SourceDescription

_TRACE: Final = "AWSTraceHeader"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueMessage:
    """One message as it was received."""

    id: str
    receipt_handle: str
    body: str
    body_md5: str
    attributes: Mapping[str, str]  # SenderId, SentTimestamp, …
    message_attributes: Mapping[str, Mapping[str, str]]  # the sender's; binary ones in base64
    attributes_md5: str | None  # None: it has none

    @property
    def trace_header(self) -> str | None:
        """X-Amzn-Trace-Id of the request that sent it."""
        return self.attributes.get(_TRACE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What a queue handed out."""

    messages: Sequence[QueueMessage]
    hidden_s: float  # for so long nobody else gets them
    next_due_s: float | None = None  # when the next one can be received, if this was all for now


class Queues:
    """The queues of SQS. Any thread may call, except one that holds a lock of moto."""

    def __init__(self, services: Services, own: OwnRequests, clock: Clock) -> None:
        self._services = services
        self._own = own
        self._clock = clock

    def when_loaded(self, action: Callable[[], None]) -> None:
        """Run `action` when SQS is loaded; now if it is. Until then every queue is empty."""
        self._services.when_loaded("sqs", action)

    def describe(self, queue_arn: str) -> SourceDescription | None:
        """The queue; None: there is none of this ARN."""
        self._services.load("sqs")
        with self._own.make("sqs", _account(queue_arn)):
            queue = _find(queue_arn)
            if queue is None:
                return None
            return SourceDescription(visibility_timeout_s=int(queue.visibility_timeout))

    def send(
        self,
        queue_arn: str,
        body: str,
        attributes: Mapping[str, tuple[str, str]] | None = None,
        trace_header: str | None = None,
    ) -> None:
        """Put a message into a queue. attributes: name to (type, value). Raises AwsError."""
        self._services.load("sqs")
        from moto.sqs.exceptions import SQSException
        from moto.sqs.models import sqs_backends

        _, _, _, region, account, name = queue_arn.split(":", 5)
        system = {_TRACE: ("String", trace_header)} if trace_header else {}
        try:
            with self._own.make("sqs", account, trace_header):
                regional(sqs_backends, account, region).send_message(
                    name,
                    _text(body),
                    message_attributes=_to_moto(attributes or {}),
                    system_attributes=_to_moto(system),
                )
        except SQSException as error:
            raise AwsError(error.code, error.message) from error

    def receive(self, queue_arn: str, most: int) -> Receipt | None:
        """Take up to `most` messages for a function; None: there is no such queue.

        They are hidden for the queue's visibility timeout, and held for as long on the machine's
        clock, so that moving the emulator's gives nobody what a function has: its time does not
        move. Who takes them deletes them or lets them go. Times due are on `Clock.monotonic`.
        """
        self._services.load("sqs")
        with self._own.make("sqs", _account(queue_arn)):
            queue = _find(queue_arn)
            if queue is None:
                return None
            now_s, hidden_s = self._clock.monotonic(), int(queue.visibility_timeout)
            now_ms = self._clock.now() * 1000.0
            found = receive(queue, most, hidden_s, now_ms, held_s=hidden_s)
            due_ms = messages_of(queue).next_due_ms(now_ms) if len(found) < most else None
            return Receipt(
                messages=[_message(each) for each in found],
                hidden_s=hidden_s,
                next_due_s=None if due_ms is None else now_s + (due_ms - now_ms) / 1000.0,
            )

    def delete(self, queue_arn: str, receipt_handles: Iterable[str]) -> None:
        """Delete messages; those that are gone, and a queue that is gone, are no error."""
        self._services.load("sqs")
        with self._own.make("sqs", _account(queue_arn)):
            queue = _find(queue_arn)
            if queue is not None:
                for handle in receipt_handles:
                    if messages_of(queue).is_known(handle):
                        queue.delete_message(handle)

    def let_go(self, queue_arn: str, receipt_handles: Iterable[str]) -> None:
        """No function has these messages any more: they are visible again when they are due."""
        self._services.load("sqs")
        with self._own.make("sqs", _account(queue_arn)):
            queue, now_ms = _find(queue_arn), self._clock.now() * 1000.0
            if queue is None:
                return
            for handle in receipt_handles:
                with queue._messages_lock:
                    messages = messages_of(queue)
                    is_due = messages.is_known(handle) and messages.let_go(handle, now_ms)
                if is_due:  # so that those who wait are told
                    _backend(queue_arn).change_message_visibility(queue.name, handle, 0)

    def give_back(self, queue_arn: str, receipt_handles: Iterable[str]) -> None:
        """Let others have messages at once; those that are gone are no error."""
        self._services.load("sqs")
        with self._own.make("sqs", _account(queue_arn)):
            queue = _find(queue_arn)
            if queue is not None:
                for handle in receipt_handles:
                    if messages_of(queue).is_known(handle):
                        _backend(queue_arn).change_message_visibility(queue.name, handle, 0)


def _to_moto(attributes: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, str]]:
    return {
        name: {"DataType": kind, "StringValue": _text(value)}
        for name, (kind, value) in attributes.items()
    }


def _text(value: str) -> str:
    """What SQS takes: half a surrogate pair, which JSON can hold, must not cost the message."""
    return value.encode(errors="replace").decode()


def _message(received: Any) -> QueueMessage:
    """Taken over at once: moto's object changes with the next receive."""
    has_attributes = bool(received.message_attributes)
    return QueueMessage(
        id=received.id,
        receipt_handle=received.receipt_handle,
        body=received.body,
        body_md5=received.body_md5,
        attributes=_attributes(received),
        message_attributes={
            name: _attribute(value) for name, value in received.message_attributes.items()
        },
        attributes_md5=received.attribute_md5 if has_attributes else None,
    )


def _attributes(received: Any) -> dict[str, str]:
    trace = (received.system_attributes or {}).get(_TRACE, {})
    found = {
        "ApproximateReceiveCount": received.approximate_receive_count,
        "AWSTraceHeader": trace.get("StringValue"),
        "SentTimestamp": received.sent_timestamp,
        "SequenceNumber": received.sequence_number,
        "MessageGroupId": received.group_id,
        "SenderId": received.sender_id,
        "MessageDeduplicationId": received.deduplication_id,
        "ApproximateFirstReceiveTimestamp": received.approximate_first_receive_timestamp,
        "DeadLetterQueueSourceArn": getattr(received, SOURCE_ARN, None),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _attribute(value: Mapping[str, Any]) -> dict[str, str]:
    """moto keeps binary values as bytes, or as the base64 that came over the wire."""
    binary = value.get("BinaryValue")
    found = {"DataType": value["DataType"], "StringValue": value.get("StringValue")}
    if binary is not None:
        found["BinaryValue"] = (
            base64.b64encode(binary).decode() if isinstance(binary, bytes) else binary
        )
    return {name: text for name, text in found.items() if text is not None}


def _account(queue_arn: str) -> str:
    return queue_arn.split(":")[4]


def _backend(queue_arn: str) -> Any:
    from moto.sqs.models import sqs_backends

    _, _, _, region, account, _ = queue_arn.split(":", 5)
    regions = sqs_backends[account]
    return regions[region] if region in regions else None  # noqa: SIM401  # `get` makes none


def _find(queue_arn: str) -> Any:
    backend = _backend(queue_arn)
    return backend and backend.queues.get(queue_arn.split(":")[5])
