"""What becomes of a batch of stream records after an attempt: rules as values.

Source: spec/event-source-mappings.md sections 3 and 5.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.aws import StreamRecord
from emulator.model import limits
from emulator.model.mapping import UNLIMITED

STATE_BYTES: Final = 1_048_576  # a larger state ends its tumbling window early
_ENVELOPE_BYTES: Final = 1_024  # of an event, around its records and its state
# Eight attempts in the first minute were measured; the exact steps of AWS are not known.
_FIRST_DELAY_S: Final = 0.25
_LONGEST_DELAY_S: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A record that passed the filters, and how the event shows it."""

    record: StreamRecord
    body: bytes  # JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A tumbling window, in seconds since the epoch; a record at `end` belongs to the next."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Records that are handed to the function together, oldest first.

    Without records it is the last call of a tumbling window.
    """

    entries: tuple[Entry, ...]
    window: Window | None = None
    attempts: int = 0  # that failed, and count against MaximumRetryAttempts
    throttles: int = 0  # attempts in which nothing ran
    ends_early: bool = False  # the window's state became too large


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one attempt came to.

    `done` records at the head of the batch will not be read again. `names_failure`: the function
    said where to begin again.
    """

    done: int
    is_success: bool
    has_run: bool = True  # False: throttled, or Lambda's own fault
    names_failure: bool = False
    state: dict[str, Any] | None = None  # of the tumbling window, for the next attempt
    request_id: str = ""
    executed_version: str = ""
    function_error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """What follows from an outcome: batches to be tried again, in order, or one given up."""

    again: tuple[Batch, ...] = ()
    delay_s: float = 0.0  # before the first of them; what was made smaller is sent at once
    given_up: Batch | None = None


def judge(
    batch: Batch, payload: bytes, function_error: str | None, *, reports_item_failures: bool
) -> Outcome:
    """Read what a function returned for `batch`."""
    failure = Outcome(done=0, is_success=False, function_error=function_error)
    if function_error is not None:
        return failure
    state = None
    if batch.window is not None:
        state = _state(payload)
        if state is None:
            return failure
    size = len(batch.entries)
    if not reports_item_failures:
        return Outcome(done=size, is_success=True, state=state)
    done = count_done(payload, [entry.record.number for entry in batch.entries])
    if done is None:
        return failure
    is_success = done == size
    return Outcome(done=done, is_success=is_success, names_failure=not is_success, state=state)


def count_done(payload: bytes, numbers: Sequence[int]) -> int | None:
    """Count the records before the lowest one that a response reports as failed.

    None: the response cannot be understood, so the whole batch failed. A string, a list or a
    number says nothing about items, and so is a success.
    """
    try:
        response = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(response, dict):
        return len(numbers)
    items = response.get("batchItemFailures")
    if items is None:
        return len(numbers)
    if not isinstance(items, list):
        return None
    places = [_place(item, numbers) for item in items]
    known = [place for place in places if place is not None]
    return min(known, default=len(numbers)) if len(known) == len(places) else None


def follow_up(batch: Batch, outcome: Outcome, *, maximum_retries: int, bisects: bool) -> FollowUp:
    """Say how a batch goes on.

    Splitting is no retry: each half goes on with the attempts the batch had. A batch that became
    smaller because the function named the failed record counts from 1 again.
    """
    if outcome.is_success:
        return FollowUp()
    if not outcome.has_run:
        return _later(replace(batch, throttles=batch.throttles + 1))
    if outcome.done:
        return FollowUp(again=(Batch(entries=batch.entries[outcome.done :], window=batch.window),))
    if bisects and len(batch.entries) > 1 and not outcome.names_failure:
        middle = len(batch.entries) // 2
        halves = batch.entries[:middle], batch.entries[middle:]
        return FollowUp(again=tuple(replace(batch, entries=half, throttles=0) for half in halves))
    tried = replace(batch, attempts=batch.attempts + 1)
    if maximum_retries != UNLIMITED and tried.attempts > maximum_retries:
        return FollowUp(given_up=tried)
    return _later(tried)


def count_expired(entries: Iterable[Entry], now_s: float, age_limit_s: float) -> int:
    """Count the records at the head that are older than the limit."""
    count = 0
    for entry in entries:
        if entry.record.arrived_at + age_limit_s >= now_s:
            break
        count += 1
    return count


def age_limit_s(maximum_record_age_s: int, retention_s: float) -> float:
    """How old a record may get: as the mapping says, and never older than its stream keeps it."""
    if maximum_record_age_s == UNLIMITED:
        return retention_s
    return min(float(maximum_record_age_s), retention_s)


def window_of(arrived_at: float, width_s: int) -> Window:
    """The tumbling window that a moment falls into; windows are aligned to the epoch."""
    start = arrived_at // width_s * width_s
    return Window(start=start, end=start + width_s)


def count_fitting(
    entries: Iterable[Entry], batch_size: int, state_bytes: int, tumbling_window_s: int
) -> tuple[int, bool]:
    """Count how many records from the first on make one batch, and whether no more would fit.

    A batch has at most `batch_size` records of one tumbling window, and 6 MB; one record fits
    always.
    """
    room = limits.SYNC_REQUEST_BYTES - _ENVELOPE_BYTES - state_bytes
    window = None
    count = 0
    for entry in entries:
        room -= len(entry.body) + 1
        if tumbling_window_s:
            own = window_of(entry.record.arrived_at, tumbling_window_s)
            window = window or own
            if own != window:
                return count, True
        if count == batch_size or (room < 0 and count):
            return count, True
        count += 1
    return count, count == batch_size


def _later(batch: Batch) -> FollowUp:
    failures = batch.attempts + batch.throttles
    delay_s = min(_FIRST_DELAY_S * 2.0 ** min(failures - 1, 16), _LONGEST_DELAY_S)
    return FollowUp(again=(batch,), delay_s=delay_s)


def _state(payload: bytes) -> dict[str, Any] | None:
    try:
        response = json.loads(payload)
    except ValueError:
        return None
    state = response.get("state") if isinstance(response, dict) else None
    return state if isinstance(state, dict) else None


def _place(item: object, numbers: Sequence[int]) -> int | None:
    """Where the record that an item names stands; None: it names none of these."""
    identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
    if not isinstance(identifier, str) or not identifier.isdecimal():
        return None
    try:
        return numbers.index(int(identifier))
    except ValueError:
        return None
