"""One order of records of a shard: which batch comes next, and when.

RESTING --records--> GATHERING --window over, or full--> INVOKING --success--> RESTING
INVOKING --failure--> BACKING OFF --due--> INVOKING
INVOKING --attempts used up--> GIVING UP --told--> RESTING
GATHERING, BACKING OFF --a record too old--> GIVING UP
RESTING --tumbling window over--> INVOKING (its last call)

A shard has as many lanes as its mapping's ParallelizationFactor; records of one key always take
the same lane.
"""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, Literal

from emulator.event_sources.stream_rules import (
    STATE_BYTES,
    Batch,
    Entry,
    Outcome,
    Window,
    age_limit_s,
    count_expired,
    count_fitting,
    follow_up,
    window_of,
)
from emulator.model.mapping import EventSourceMapping

_BEYOND_BATCH: Final = 1  # records that tell whether a batch is full
_ROUNDING_S: Final = 1e-5  # of sums of seconds: an alarm may ring that much too early
_NO_STATE_BYTES: Final = 2

Condition = Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A reading of the clock."""

    monotonic_s: float
    now_s: float  # since the epoch


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoke:
    """Hand a batch to the function, then call `Lane.finish`."""

    batch: Batch
    state: dict[str, Any] | None  # None: no tumbling windows


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveUp:
    """Tell the on-failure destination of a batch, then call `Lane.told`."""

    batch: Batch
    condition: Condition
    outcome: Outcome | None = None  # of the last attempt


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing before `due_s` on the monotonic clock; None: before there are records."""

    due_s: float | None


Action = Invoke | GiveUp | Wait


class Lane:
    """Decides; whoever owns it acts, and calls from one thread at a time."""

    def __init__(self, retention_s: float) -> None:
        self._retention_s = retention_s
        self._waiting: deque[tuple[Entry, float]] = deque()  # with when it was offered
        self._again: deque[Batch] = deque()  # come before what waits, in this order
        self._retry_at_s = 0.0
        self._busy_with: Batch | None = None
        self._given_up: GiveUp | None = None
        self._window: Window | None = None
        self._state: dict[str, Any] = {}
        self._state_bytes = _NO_STATE_BYTES

    def offer(self, entry: Entry, moment: Moment) -> None:
        """Add a record behind all others."""
        self._waiting.append((entry, moment.monotonic_s))

    def wants_more(self, mapping: EventSourceMapping) -> bool:
        """True while there are too few records to fill a batch."""
        return len(self._waiting) < mapping.batch_size + _BEYOND_BATCH

    @property
    def is_empty(self) -> bool:
        """True when every record that was offered is done for good."""
        return self.lowest is None and self._window is None

    @property
    def is_busy(self) -> bool:
        """True while a batch is with the function or its destination."""
        return self._busy_with is not None

    @property
    def lowest(self) -> int | None:
        """Number of the oldest record that is not done; None: there is none."""
        batches = [self._busy_with, self._given_up and self._given_up.batch, *self._again]
        for batch in batches:
            if batch and batch.entries:
                return batch.entries[0].record.number
        return self._waiting[0][0].record.number if self._waiting else None

    def decide(self, mapping: EventSourceMapping, moment: Moment) -> Action:
        """Say what to do now; not while the lane is busy."""
        limit_s = age_limit_s(mapping.maximum_record_age_s, self._retention_s)
        action = self._given_up or self._give_up_old(mapping, moment, limit_s)
        if action is not None:
            self._given_up = None
            self._busy_with = action.batch
            return action
        due_s, batch = self._next_batch(mapping, moment)
        if batch is None:
            return Wait(self._earliest(due_s, moment, limit_s))
        self._busy_with = batch
        return Invoke(batch=batch, state=self._state if batch.window else None)

    def finish(self, outcome: Outcome, mapping: EventSourceMapping, moment: Moment) -> None:
        """Take note of what became of the batch that was to be invoked."""
        batch = self._busy_with
        assert batch is not None
        self._busy_with = None
        following = follow_up(
            batch,
            outcome,
            maximum_retries=mapping.maximum_retries,
            bisects=mapping.bisects_batch,
        )
        if following.again:
            self._again.extendleft(reversed(following.again))
            self._retry_at_s = moment.monotonic_s + following.delay_s
        if following.given_up:
            if following.given_up.entries:
                self._given_up = GiveUp(
                    batch=following.given_up,
                    condition="RetryAttemptsExhausted",
                    outcome=outcome,
                )
            else:
                self._close_window()
        if batch.window is not None:
            self._keep_state(batch, outcome)

    def told(self) -> None:
        """The batch that was given up is done."""
        self._busy_with = None

    def _next_batch(
        self, mapping: EventSourceMapping, moment: Moment
    ) -> tuple[float | None, Batch | None]:
        """The batch to be invoked now, or when to look again."""
        if self._again:
            if moment.monotonic_s + _ROUNDING_S < self._retry_at_s:
                return self._retry_at_s, None
            batch = self._again.popleft()
            self._window = batch.window  # it may have ended early meanwhile
            return None, batch
        if self._window is not None and self._is_over(self._window, moment, mapping):
            return None, Batch(entries=(), window=self._window)
        return self._gathered(mapping, moment)

    def _gathered(
        self, mapping: EventSourceMapping, moment: Moment
    ) -> tuple[float | None, Batch | None]:
        ends_in_s = self._window.end - moment.now_s if self._window else None
        window_due_s = None if ends_in_s is None else moment.monotonic_s + ends_in_s
        if not self._waiting:
            return window_due_s, None
        entries = (entry for entry, _ in self._waiting)
        count, is_full = count_fitting(
            entries, mapping.batch_size, self._state_bytes, mapping.tumbling_window_s
        )
        first, offered_s = self._waiting[0]
        window = None
        due_s = offered_s + mapping.window_s
        if mapping.tumbling_window_s:
            window = window_of(first.record.arrived_at, mapping.tumbling_window_s)
            due_s = min(due_s, moment.monotonic_s + window.end - moment.now_s)
        if not is_full and moment.monotonic_s + _ROUNDING_S < due_s:
            return due_s, None
        taken = tuple(self._waiting.popleft()[0] for _ in range(count))
        if window is not None:
            self._window = window
        return None, Batch(entries=taken, window=window)

    def _is_over(self, window: Window, moment: Moment, mapping: EventSourceMapping) -> bool:
        if not mapping.tumbling_window_s:
            return True  # the option was taken away meanwhile
        if not self._waiting:
            return moment.now_s + _ROUNDING_S >= window.end
        arrived_at = self._waiting[0][0].record.arrived_at
        return window_of(arrived_at, mapping.tumbling_window_s) != window

    def _give_up_old(
        self, mapping: EventSourceMapping, moment: Moment, limit_s: float
    ) -> GiveUp | None:
        """Take records out that are too old, at most a batch of them."""
        if self._again:
            batch = self._again[0]
            if not batch.entries:
                if batch.window and moment.now_s > batch.window.end + limit_s:
                    self._again.popleft()
                    self._close_window()
                return None
            count = count_expired(batch.entries, moment.now_s, limit_s)
            if count == 0:
                return None
            self._again.popleft()
            if count < len(batch.entries):
                self._again.appendleft(replace(batch, entries=batch.entries[count:]))
            else:
                self._retry_at_s = 0.0  # the pause was this batch's
            old = replace(batch, entries=batch.entries[:count])
        else:
            head = (entry for entry, _ in islice(self._waiting, mapping.batch_size))
            count = count_expired(head, moment.now_s, limit_s)
            if count == 0:
                return None
            old = Batch(entries=tuple(self._waiting.popleft()[0] for _ in range(count)))
        return GiveUp(batch=old, condition="RecordAgeExceeded")

    def _earliest(self, due_s: float | None, moment: Moment, limit_s: float) -> float | None:
        """`due_s`, or when the oldest record becomes too old, whichever is first."""
        entries: Iterable[Entry] = self._again[0].entries if self._again else ()
        oldest = next(iter(entries), self._waiting[0][0] if self._waiting else None)
        if oldest is None:
            return due_s
        too_old_s = moment.monotonic_s + oldest.record.arrived_at + limit_s - moment.now_s
        too_old_s += 0.001  # past the limit, not at it
        return too_old_s if due_s is None else min(due_s, too_old_s)

    def _keep_state(self, batch: Batch, outcome: Outcome) -> None:
        if outcome.is_success and not batch.entries:
            self._close_window()
        elif outcome.state is not None:
            self._state = outcome.state
            self._state_bytes = len(json.dumps(outcome.state, separators=(",", ":")).encode())
            if self._state_bytes > STATE_BYTES:
                early = Batch(entries=(), window=batch.window, ends_early=True)
                self._again.appendleft(early)
                self._retry_at_s = 0.0

    def _close_window(self) -> None:
        self._window = None
        self._state = {}
        self._state_bytes = _NO_STATE_BYTES
