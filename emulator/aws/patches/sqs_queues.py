"""What is ours on the queues of moto: their messages, and the signal that wakes long polls."""

import sys
from collections.abc import Callable
from typing import Any, Final

from emulator.aws.queue_messages import QueueMessages

SOURCE_ARN: Final = "emulator_source_arn"  # our attribute of moto's message: DLQ'd from where
_CHANGES: Final = "emulator_changes"  # our attribute of moto's queue: grows when it may wake a poll
_MESSAGES: Final = "emulator_messages"  # our attribute of moto's queue


def messages_of(queue: Any) -> QueueMessages:
    """The messages of a queue of moto; its own list of them stays empty."""
    found: QueueMessages | None = getattr(queue, _MESSAGES, None)
    if found is None:
        found = QueueMessages(queue.fifo_queue, lambda: int(queue.message_retention_period) * 1000)
        setattr(queue, _MESSAGES, found)
    return found


def receive(
    queue: Any, most: int, visibility_timeout: int, now_ms: float, held_s: float = 0.0
) -> list[Any]:
    """Take up to `most` of moto's messages; what was received too often goes where it must."""

    def hide(message: Any) -> float:
        message.mark_received(visibility_timeout=visibility_timeout)
        return now_ms + visibility_timeout * 1000.0

    with queue._messages_lock:
        received, spent = messages_of(queue).receive(most, now_ms, hide, _is_spent(queue), held_s)
    for message in spent:
        setattr(message, SOURCE_ARN, queue.queue_arn)
        message.delayed_until = 0.0
        queue.dead_letter_queue.add_message(message)
    return received


def _is_spent(queue: Any) -> Callable[[Any], bool]:
    if queue.dead_letter_queue is None or not queue.redrive_policy:
        return lambda message: False
    most: int = queue.redrive_policy["maxReceiveCount"]
    return lambda message: bool(message.approximate_receive_count >= most)


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
        setattr(queue, _CHANGES, changes(queue) + 1)
        queue._messages_lock.notify_all()


def changes(queue: Any) -> int:
    """A number that grows when there may be something to receive."""
    return getattr(queue, _CHANGES, 0)
