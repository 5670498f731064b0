"""Deliveries that are tried again until they succeed or their dead-letter queue gets them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from emulator.aws import RetryPolicy
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.source import Surroundings
from emulator.event_sources.targets import TargetError
from emulator.model import AwsError

_LONGEST_PAUSE_S: Final = 480.0  # 185 of these are a day


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """How a delivery ended."""

    error: TargetError
    retries: int
    exhausted: str | None  # which limit ended it; None: it was not tried again at all


class Delivery(Protocol):
    """One document on its way to one target."""

    @property
    def retry(self) -> RetryPolicy:
        """How often it is tried again."""

    @property
    def label(self) -> Mapping[str, str]:
        """What it is, for the terminal: the rule or schedule, and the target."""

    def attempt(self, number: int) -> None:
        """Hand the document over; `number` counts from 1. Raises TargetError."""

    def dead_letter(self, failure: Failure) -> tuple[str, Mapping[str, str]]:
        """Body and attributes of the message for the dead-letter queue."""


class Deliveries:
    """Tries, waits on the clock, and tries again.

    Any thread may call. Nothing is locked: a delivery belongs to the thread that tries it, and to
    its alarm while it waits. What is under way or due is an activity; what waits is none.
    """

    def __init__(self, around: Surroundings, name: str, lanes: Lanes) -> None:
        self._around = around
        self._name = name
        self._lanes = lanes
        self._life = 0  # what waits from before a reset is forgotten

    def start(self, delivery: Delivery) -> None:
        """Try on the target's own lane: it may take its time."""
        began_s = self._around.clock.monotonic()
        self._lanes.put(delivery.label["target"], lambda: self._try(delivery, 1, began_s))

    def run(self, delivery: Delivery) -> None:
        """Try on this thread for the first time."""
        began_s = self._around.clock.monotonic()
        self._lanes.run(lambda: self._try(delivery, 1, began_s))

    def reset(self) -> None:
        """Try nothing again that failed before."""
        self._life += 1

    def _try(self, delivery: Delivery, number: int, began_s: float) -> None:
        try:
            delivery.attempt(number)
        except TargetError as error:
            pause_s = min(2.0 ** (number - 1), _LONGEST_PAUSE_S)
            due_s = self._around.clock.monotonic() + pause_s
            exhausted = None
            if error.is_retryable:
                exhausted = _exhausted(delivery, number, due_s - began_s)
                if exhausted is None:
                    self._try_again(delivery, number + 1, began_s, due_s)
                    return
            self._give_up(delivery, Failure(error=error, retries=number - 1, exhausted=exhausted))

    def _try_again(self, delivery: Delivery, number: int, began_s: float, due_s: float) -> None:
        life = self._life

        def ring() -> None:
            if life == self._life:
                lane = delivery.label["target"]
                self._lanes.put(lane, lambda: self._try(delivery, number, began_s))

        self._around.alarms.set(due_s, ring)

    def _give_up(self, delivery: Delivery, failure: Failure) -> None:
        queue = delivery.retry.dead_letter_arn
        self._around.reporter.event(
            f"{self._name}.not_delivered",
            **delivery.label,
            reason=failure.error,
            dead_letter_queue=queue or "none",
        )
        if queue is None:
            return
        body, attributes = delivery.dead_letter(failure)
        typed = {name: ("String", value) for name, value in attributes.items()}
        try:
            self._around.moto.queues.send(queue, body, typed)
        except AwsError as error:
            self._around.reporter.event(
                f"{self._name}.lost", **delivery.label, dead_letter_queue=queue, reason=error
            )


def _exhausted(delivery: Delivery, number: int, next_age_s: float) -> str | None:
    if number > delivery.retry.maximum_retries:
        return "MaximumRetryAttempts"
    if next_age_s > delivery.retry.maximum_age_s:
        return "MaximumEventAgeInSeconds"
    return None
