"""Accepted events on disk: written before the caller is told, removed when they are over."""

from collections import deque
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from emulator.invoke.event_queue import QueuedEvent
from emulator.model import Call, Clock, LambdaError, limits
from emulator.observe import Reporter
from emulator.storage import EventJournal, KeptEvent, StorageError

# `payload` has a column of its own; the others mean something in this process only.
_CALL: Final = tuple(each.name for each in fields(Call) if each.name != "payload")
_EVENT: Final = tuple(
    each.name
    for each in fields(QueuedEvent)
    if each.name not in ("call", "accepted_s", "journal_number")
)
_LONGEST_WAIT_S: Final = max(*limits.ASYNC_RETRY_DELAYS_S, *limits.ASYNC_THROTTLE_DELAY_S)


class KeptEvents:
    """What the engine tells the journal. Any thread may call; free when nothing is kept.

    A journal that cannot be written stops nothing: a caller who can try again is refused, what
    others accepted runs from memory, and what could not be removed is removed with the next event.
    """

    def __init__(self, journal: EventJournal, reporter: Reporter, clock: Clock) -> None:
        self._journal = journal
        self._reporter = reporter
        self._clock = clock
        self._left_over: deque[int] = deque()  # numbers still to be removed

    def add(self, event: QueuedEvent) -> None:
        """Write an event that is about to be accepted; raises LambdaError when it cannot be."""
        if not self._journal.is_kept:
            return
        try:
            event.journal_number = self._journal.add(
                state_of(event, event.accepted_at), event.call.payload
            )
        except StorageError as error:
            if event.call.source == "api":
                message = f"The emulator's machine refuses: {error}"
                raise LambdaError("ServiceException", message) from error
            self._report(event, error)  # no other source can be told to come again

    def postponed(self, event: QueuedEvent, delay_s: float) -> None:
        """Write what an attempt made of an event, and when the next one is due."""
        if event.journal_number is None:
            return
        try:
            state = state_of(event, self._clock.now() + delay_s)
            self._journal.update(event.journal_number, state)
        except StorageError as error:
            self._report(event, error)

    def over(self, event: QueuedEvent) -> None:
        """Forget an event that ran, was given up or dropped."""
        if event.journal_number is None:
            return
        numbers = [event.journal_number]
        while self._left_over:
            numbers.append(self._left_over.popleft())
        try:
            self._journal.remove(*numbers)
        except StorageError as error:
            self._left_over.extend(numbers)
            self._report(event, error)

    def load(self) -> list[tuple[QueuedEvent, float]]:
        """What an earlier process accepted and did not finish, and in how many seconds it is due.

        Raises StorageError.
        """
        return [
            (event_of(kept, self._clock), _wait_s(kept.state, self._clock.now()))
            for kept in self._journal.found()
        ]

    def forget(self) -> None:
        """Forget every event; raises StorageError."""
        self._journal.clear()

    def _report(self, event: QueuedEvent, error: StorageError) -> None:
        function = event.function_arn.rpartition(":")[2]
        self._reporter.event(
            "event.not_written", function=function, request=event.request_id, error=error
        )


def state_of(event: QueuedEvent, due_at: float) -> dict[str, Any]:
    """An event without its payload as a JSON document; due_at: seconds since the epoch."""
    state: dict[str, Any] = {name: getattr(event, name) for name in _EVENT}
    state["call"] = {name: getattr(event.call, name) for name in _CALL}
    state["due_at"] = due_at
    return state


def event_of(kept: KeptEvent, clock: Clock) -> QueuedEvent:
    """The event again, as old as it is by now; never younger than new.

    The clock of the process that wrote it may have been moved ahead, and this one is not.
    """
    state = kept.state
    age_s = max(0.0, clock.now() - state["accepted_at"])
    call = {name: state["call"][name] for name in _CALL if name in state["call"]}
    return QueuedEvent(
        call=Call(payload=kept.payload, **call),
        accepted_s=clock.monotonic() - age_s,
        journal_number=kept.number,
        **{name: state[name] for name in _EVENT if name in state},
    )


def _wait_s(state: Mapping[str, Any], now: float) -> float:
    wait_s: float = state["due_at"] - now
    return min(max(0.0, wait_s), _LONGEST_WAIT_S)
