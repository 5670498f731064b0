"""SQS: quick with many messages, safe against SNS, and a long poll that holds no lock."""

import base64
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from emulator.aws.patches.patching import SCRATCH_ACCOUNT, Patch, PatchContext

_CHANGES: Final = "emulator_changes"  # our attribute of moto's queue: grows when it may wake a poll
_REMEMBERED_DELETIONS: Final = 10_000


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.sqs. The lock of a queue is `_messages_lock`; nothing else is taken in it."""
    module = "moto.sqs.models"
    return [
        Patch(f"{module}:unix_time", "dt", lambda original: context.clock.now),
        Patch(f"{module}:unix_time_millis", "dt", lambda original: lambda: _now_ms(context)),
        Patch(f"{module}:generate_receipt_handle", "", lambda original: _receipt_handle),
        Patch(f"{module}:Queue.messages", "self", _counting(context, _is_ready, list)),
        Patch(
            f"{module}:Queue.approximate_number_of_messages_delayed",
            "self",
            _counting(context, _is_delayed, len),
        ),
        Patch(
            f"{module}:Queue.approximate_number_of_messages_not_visible",
            "self",
            _counting(context, _is_in_flight, len),
        ),
        Patch(
            f"{module}:SQSBackend.is_message_valid_based_on_retention_period",
            "self, queue_name, message",
            _is_retained(context),
        ),
        Patch(f"{module}:Queue.add_message", "self, message", _changing),
        Patch(f"{module}:Queue.delete_message", "self, receipt_handle", _delete_message),
        Patch(
            f"{module}:SQSBackend.change_message_visibility",
            "self, queue_name, receipt_handle, visibility_timeout",
            _change_visibility,
        ),
        Patch(f"{module}:SQSBackend.purge_queue", "self, queue_name", _locking),
        Patch(
            f"{module}:SQSBackend.receive_message",
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
    if not _changes(queue):
        broken["moto.sqs.models:Queue.add_message"] = "a message wakes no long poll"
    if bodies != ["hello"]:
        broken["moto.sqs.models:SQSBackend.receive_message"] = f"received {bodies}"
    return broken


def wake_long_polls() -> None:
    """Make every long poll look again: time has moved, or its queue may be gone."""
    for queue in all_queues():
        wake(queue)


def all_queues() -> list[Any]:
    """Every queue of every account and region."""
    module = sys.modules.get("moto.sqs.models")
    backends = getattr(module, "sqs_backends", None) or {}
    return [
        queue
        for regions in list(backends.values())
        for backend in list(regions.values())
        for queue in list(backend.queues.values())
    ]


def wake(queue: Any) -> None:
    """Make the long polls of a queue look again."""
    with queue._messages_lock:
        setattr(queue, _CHANGES, _changes(queue) + 1)
        queue._messages_lock.notify_all()


def _changes(queue: Any) -> int:
    return getattr(queue, _CHANGES, 0)


def _now_ms(context: PatchContext) -> float:
    return context.clock.now() * 1000.0


def _receipt_handle() -> str:
    return base64.b64encode(os.urandom(138)).decode()


def _is_ready(message: Any, now_ms: float) -> bool:
    return bool(now_ms > message.visible_at and now_ms >= message.delayed_until)


def _is_delayed(message: Any, now_ms: float) -> bool:
    return bool(now_ms < message.delayed_until)


def _is_in_flight(message: Any, now_ms: float) -> bool:
    return bool(now_ms <= message.visible_at)


def _counting(
    context: PatchContext,
    wanted: Callable[[Any, float], bool],
    result: Callable[[list[Any]], Any],
) -> Callable[[Any], Any]:
    """A property that reads the clock once, where moto reads it for each message."""

    def make(original: Any) -> Any:
        def read(self: Any) -> Any:
            now_ms = _now_ms(context)
            return result([message for message in self._messages if wanted(message, now_ms)])

        return property(read)

    return make


def _is_retained(context: PatchContext) -> Callable[[Any], Any]:
    """moto works out every attribute of the queue to read its retention period."""

    def make(original: Any) -> Any:
        def is_retained(self: Any, queue_name: str, message: Any) -> bool:
            retention_s = int(self.get_queue(queue_name).message_retention_period)
            return bool(message.sent_timestamp / 1000 + retention_s > context.clock.now())

        return is_retained

    return make


def _changing(original: Any) -> Any:
    def add_message(self: Any, message: Any) -> None:
        with self._messages_lock:
            original(self, message)
            wake(self)

    return add_message


def _delete_message(original: Any) -> Any:
    def delete_message(self: Any, receipt_handle: str) -> None:
        with self._messages_lock:
            if len(self.deleted_messages) > _REMEMBERED_DELETIONS:
                self.deleted_messages.clear()  # else it would grow for ever
            original(self, receipt_handle)
            wake(self)  # a FIFO group may go on

    return delete_message


def _change_visibility(original: Any) -> Any:
    def change_message_visibility(
        self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int
    ) -> None:
        queue = self.get_queue(queue_name)
        with queue._messages_lock:
            original(self, queue_name, receipt_handle, visibility_timeout)
            wake(queue)

    return change_message_visibility


def _locking(original: Any) -> Any:
    def locked(self: Any, queue_name: str) -> None:
        with self.get_queue(queue_name)._messages_lock:
            original(self, queue_name)

    return locked


def _receive_message(context: PatchContext) -> Callable[[Any], Any]:
    """Look, and while there is nothing, sleep until something may have changed.

    The service's lock is given up for the sleep, so that somebody can send the message.
    """

    def make(original: Any) -> Any:
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
                seen = _changes(queue)
                with queue._messages_lock:
                    messages: list[Any] = original(
                        self, queue_name, count, 0, visibility_timeout, message_attribute_names
                    )
                left_s = give_up_s - time.monotonic()
                if messages or left_s <= 0 or context.stopping.is_set():
                    return messages
                _sleep(context, queue, seen, left_s)

        return receive_message

    return make


def _sleep(context: PatchContext, queue: Any, seen: int, at_most_s: float) -> None:
    due_s = _next_due_s(context, queue)
    if due_s is not None:
        at_most_s = min(at_most_s, due_s)
    with context.locks.released(), queue._messages_lock:
        queue._messages_lock.wait_for(lambda: _changes(queue) != seen, at_most_s)


def _next_due_s(context: PatchContext, queue: Any) -> float | None:
    """Seconds until the first delayed or hidden message can be received."""
    if context.clock.is_frozen:
        return None
    now_ms = _now_ms(context)
    with queue._messages_lock:
        due = [max(message.visible_at, message.delayed_until) for message in queue._messages]
    ahead = [at_ms for at_ms in due if at_ms >= now_ms]
    return (min(ahead) - now_ms) / 1000 + 0.001 if ahead else None
