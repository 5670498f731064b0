"""SQS: quick with many messages, safe against SNS, and a long poll that holds no lock."""

import base64
import copy
import os
import time
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from typing import Any, Final

from emulator.aws.patches.patching import SCRATCH_ACCOUNT, Patch, PatchContext
from emulator.aws.patches.sqs_queues import SOURCE_ARN, changes, messages_of, receive, wake
from emulator.aws.queue_facts import QueueFact
from emulator.aws.queue_messages import QueueMessages

_REMEMBERED_DELETIONS: Final = 10_000
_LONGEST_MS: Final = 43_200_000.0  # a message can be hidden for
_TRACE: Final = "AWSTraceHeader"
_FIRST_SEQUENCE_NUMBER: Final = 18_850_000_000_000_000_000
_SEQUENCE: Final = count(1)


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.sqs. The lock of a queue is `_messages_lock`; nothing else is taken in it."""
    module = "moto.sqs.models"
    queue, backend = f"{module}:Queue", f"{module}:SQSBackend"
    return [
        Patch(f"{module}:unix_time", "dt", lambda original: context.clock.now),
        Patch(f"{module}:unix_time_millis", "dt", lambda original: lambda: _now_ms(context)),
        Patch(f"{module}:camelcase_to_underscores", "argument", lru_cache(1024)),
        Patch(f"{module}:generate_receipt_handle", "", lambda original: _receipt_handle),
        Patch(f"{queue}.messages", "self", _reading(context, QueueMessages.ready)),
        Patch(f"{queue}.approximate_number_of_messages", "self", _counting(context, 0)),
        Patch(f"{queue}.approximate_number_of_messages_delayed", "self", _counting(context, 1)),
        Patch(f"{queue}.approximate_number_of_messages_not_visible", "self", _counting(context, 2)),
        Patch(f"{queue}.add_message", "self, message", _add_message(context)),
        Patch(f"{queue}.delete_message", "self, receipt_handle", _delete_message(context)),
        Patch(
            f"{backend}.change_message_visibility",
            "self, queue_name, receipt_handle, visibility_timeout",
            _change_visibility(context),
        ),
        Patch(
            f"{backend}._validate_message",
            "self, queue, message_body, delay_seconds, deduplication_id, group_id, "
            "validate_group_id",
            _validate_message,
        ),
        Patch(
            f"{backend}.send_message",
            "self, queue_name, message_body, message_attributes, delay_seconds, deduplication_id, "
            "group_id, system_attributes, validate_group_id",
            _send_message,
        ),
        Patch(f"{backend}.purge_queue", "self, queue_name", _purge_queue),
        Patch(f"{backend}.create_queue", "self, name, tags, kwargs", _create_queue(context)),
        Patch(f"{backend}.delete_queue", "self, queue_name", _delete_queue(context)),
        Patch(
            f"{backend}.receive_message",
            "self, queue_name, count, wait_seconds_timeout, visibility_timeout, "
            "message_attribute_names",
            _receive_message(context),
        ),
    ]


def prove(context: PatchContext) -> dict[str, str]:
    """Send and receive in an account nobody uses; return what did not come through."""
    from moto.sqs.models import sqs_backends

    backend = sqs_backends[SCRATCH_ACCOUNT]["us-east-1"]
    try:
        queue = backend.create_queue("self-test")
        backend.send_message("self-test", "hello")
        bodies = [message.body for message in backend.receive_message("self-test", 1, 0, 30)]
    finally:
        dict.pop(sqs_backends, SCRATCH_ACCOUNT)
    broken = {}
    if not changes(queue):
        broken["moto.sqs.models:Queue.add_message"] = "a message wakes no long poll"
    if bodies != ["hello"]:
        broken["moto.sqs.models:SQSBackend.receive_message"] = f"received {bodies}"
    return broken


def _now_ms(context: PatchContext) -> float:
    return context.clock.now() * 1000.0


def _receipt_handle() -> str:
    return base64.b64encode(os.urandom(138)).decode()


def _tell(context: PatchContext, queue: Any) -> None:
    """Say that there may be something to receive."""
    wake(queue)
    context.buffer.tell_once(QueueFact(queue_arn=queue.queue_arn))


def _reading(
    context: PatchContext, read: Callable[[QueueMessages, float], Any]
) -> Callable[[Any], Any]:
    def get(self: Any) -> Any:
        with self._messages_lock:
            return read(messages_of(self), _now_ms(context))

    return lambda original: property(get)


def _counting(context: PatchContext, which: int) -> Callable[[Any], Any]:
    return _reading(context, lambda messages, now_ms: messages.counts(now_ms)[which])


def _add_message(context: PatchContext) -> Callable[[Any], Any]:
    """Replaces moto's, which looks at every message of a FIFO queue for the like of the new one."""

    def add_message(self: Any, message: Any) -> None:
        with self._messages_lock:
            messages = messages_of(self)
            is_redriven = getattr(message, SOURCE_ARN, None) is not None
            if self.fifo_queue and not is_redriven:
                message.sequence_number = _sequence_number()
                per_group = self.deduplication_scope == "messageGroup"
                scope = message.group_id if per_group else ""
                if message.deduplication_id and messages.is_repeated(message, scope):
                    return
            _note_trace(context, message)
            messages.add(message, _now_ms(context))
        _tell(context, self)

    return lambda original: add_message


def _sequence_number() -> str:
    """20 digits that grow, as AWS has them."""
    return str(_FIRST_SEQUENCE_NUMBER + 256 * next(_SEQUENCE))


def _note_trace(context: PatchContext, message: Any) -> None:
    """SQS keeps the trace header of the request that sent a message."""
    requester = context.buffer.requester
    if requester and requester.trace_header and not (message.system_attributes or {}).get(_TRACE):
        attribute = {"DataType": "String", "StringValue": requester.trace_header}
        message.system_attributes = {**(message.system_attributes or {}), _TRACE: attribute}


def _delete_message(context: PatchContext) -> Callable[[Any], Any]:
    def delete_message(self: Any, receipt_handle: str) -> None:
        from moto.sqs.exceptions import ReceiptHandleIsInvalid

        with self._messages_lock:
            if receipt_handle in self.deleted_messages:
                return
            messages = messages_of(self)
            if not messages.is_known(receipt_handle):
                raise ReceiptHandleIsInvalid()
            if len(self.deleted_messages) > _REMEMBERED_DELETIONS:
                self.deleted_messages.clear()  # else it would grow for ever
            self.deleted_messages.update(messages.delete(receipt_handle).all_receipt_handles)
        if self.fifo_queue:
            _tell(context, self)  # its group may go on

    return lambda original: delete_message


def _change_visibility(context: PatchContext) -> Callable[[Any], Any]:
    def change_message_visibility(
        self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid

        queue, now_ms = self.get_queue(queue_name), _now_ms(context)
        with queue._messages_lock:
            messages = messages_of(queue)
            if not messages.is_known(receipt_handle):
                raise ReceiptHandleIsInvalid()
            message = messages.message_of(receipt_handle)
            due_ms = now_ms + int(visibility_timeout) * 1000.0
            if due_ms - message.sent_timestamp > _LONGEST_MS:
                raise InvalidParameterValue(
                    f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid."
                    " Reason: Total VisibilityTimeout for the message is beyond the limit"
                    " [43200 seconds]"
                )
            message.visible_at = due_ms
            messages.hide_until(receipt_handle, due_ms, now_ms)
        _tell(context, queue)

    return lambda original: change_message_visibility


def _validate_message(original: Any) -> Any:
    """Of a batch, moto validates all bodies before it keeps the first message."""

    def _validate_message(
        self: Any, queue: Any, message_body: str, *more: Any, **named: Any
    ) -> None:
        _check_text(message_body)
        original(self, queue, message_body, *more, **named)

    return _validate_message


def _send_message(original: Any) -> Any:
    def send_message(
        self: Any,
        queue_name: str,
        message_body: str,
        message_attributes: dict[str, Any] | None = None,
        *more: Any,
        **named: Any,
    ) -> Any:
        for attribute in (message_attributes or {}).values():
            _check_text(attribute.get("StringValue") or "")
        return original(self, queue_name, message_body, message_attributes, *more, **named)

    return send_message


def _check_text(text: str) -> None:
    """Refuse half a surrogate pair, which JSON can hold: moto keeps it and can never show it."""
    from moto.sqs.exceptions import SQSException

    try:
        text.encode()
    except UnicodeEncodeError:
        message = "The message contains characters outside the allowed set."
        raise SQSException("InvalidMessageContents", message) from None


def _purge_queue(original: Any) -> Any:
    def purge_queue(self: Any, queue_name: str) -> None:
        queue = self.get_queue(queue_name)
        with queue._messages_lock:
            original(self, queue_name)
            messages_of(queue).clear()

    return purge_queue


def _create_queue(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def create_queue(
            self: Any, name: str, tags: dict[str, str] | None = None, **kwargs: Any
        ) -> Any:
            queue = original(self, name, tags, **kwargs)
            _tell(context, queue)
            return queue

        return create_queue

    return make


def _delete_queue(context: PatchContext) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def delete_queue(self: Any, queue_name: str) -> None:
            queue = self.get_queue(queue_name)
            original(self, queue_name)
            _tell(context, queue)

        return delete_queue

    return make


def _receive_message(context: PatchContext) -> Callable[[Any], Any]:
    """Look, and while there is nothing, sleep until something may have changed.

    The service's lock is given up for the sleep, so that somebody can send the message.
    """

    def receive_message(
        self: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Any]:
        # Real time: the client waits on a socket, whatever the emulator's clock does.
        give_up_s = time.monotonic() + wait_seconds_timeout
        while True:
            queue = self.get_queue(queue_name)
            seen = changes(queue)
            messages = receive(queue, count, int(visibility_timeout), _now_ms(context))
            if messages:
                # Whoever else reads the queue must know when these come back.
                context.buffer.tell_once(QueueFact(queue_arn=queue.queue_arn))
                return [_shown(message, message_attribute_names or []) for message in messages]
            left_s = give_up_s - time.monotonic()
            if left_s <= 0 or context.stopping.is_set():
                return []
            _sleep(context, queue, seen, left_s)

    return lambda original: receive_message


def _shown(message: Any, attribute_names: list[str]) -> Any:
    """A copy with the attributes that were asked for; moto copies all that is below, too."""
    from moto.sqs.models import _filter_message_attributes

    shown = copy.copy(message)
    _filter_message_attributes(shown, attribute_names)
    return shown


def _sleep(context: PatchContext, queue: Any, seen: int, at_most_s: float) -> None:
    due_s = None if context.clock.is_frozen else _next_due_s(context, queue)
    if due_s is not None:
        at_most_s = min(at_most_s, due_s)
    with context.locks.released(), queue._messages_lock:
        queue._messages_lock.wait_for(lambda: changes(queue) != seen, at_most_s)


def _next_due_s(context: PatchContext, queue: Any) -> float | None:
    """Seconds until the first delayed or hidden message can be received."""
    now_ms = _now_ms(context)
    with queue._messages_lock:
        due_ms = messages_of(queue).next_due_ms(now_ms)
    return None if due_ms is None else (due_ms - now_ms) / 1000 + 0.001
