"""Calls what is due by a timetable, also what became due while the clock jumped ahead."""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emulator.event_sources.alarms import Alarm
from emulator.event_sources.lanes import Lanes
from emulator.event_sources.source import Surroundings
from emulator.model.schedule_expression import Timetable

MAXIMUM_MISSED: Final = 1440  # times of one timetable that are made up for: a day, by the minute
_ROUNDING_S: Final = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A timetable, and what to do when it is due.

    fire: gets the due time, in seconds since the epoch. delay: seconds from a due time to when it
    fires. end: called once when nothing is due any more.
    """

    timetable: Timetable
    fire: Callable[[float], None]
    delay: Callable[[float], float] = lambda due_s: 0.0
    end: Callable[[], None] = lambda: None


class DueTimes:
    """An alarm for the next due time of each plan; never a poll.

    Any thread may call. `_lock` guards the table. A plan fires on a lane of its own, one due time
    after the other, and sets its next alarm afterwards, so that it never overtakes itself.
    """

    def __init__(self, around: Surroundings, name: str, lanes: Lanes) -> None:
        self._around = around
        self._name = name
        self._lanes = lanes
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def set(self, key: str, plan: Plan, since_s: float) -> None:
        """Follow a plan for all due times after `since_s`, instead of what `key` had."""
        entry = _Entry(plan, plan.timetable.next_after(since_s))
        with self._lock:
            before = self._entries.get(key)
            self._entries[key] = entry
        if before is not None:
            before.cancel()
        self._lanes.put(key, lambda: self._follow(key, entry))

    def cancel(self, key: str) -> None:
        """Follow the plan of `key` no more."""
        with self._lock:
            entry = self._entries.pop(key, None)
        if entry is not None:
            entry.cancel()

    def reset(self) -> None:
        """Follow no plan."""
        for key in list(self._entries):
            self.cancel(key)

    def _follow(self, key: str, entry: "_Entry") -> None:
        """Fire what is due, then wait for the next time."""
        self._fire_due(key, entry)
        while self._wait(key, entry):
            self._fire_due(key, entry)

    def _wait(self, key: str, entry: "_Entry") -> bool:
        """Set the alarm; True when the time came before it was set."""
        if entry.is_cancelled:
            return False
        if entry.due_s is None:
            entry.plan.end()
            return False
        clock = self._around.clock
        due_s = clock.due_at(entry.due_s + entry.plan.delay(entry.due_s))
        turn = entry.begin_wait()
        entry.alarm = self._around.alarms.set(due_s, lambda: self._ring(key, entry, turn))
        # Whoever moves the clock from here on rings it himself, before he returns.
        return entry.is_due(clock.now()) and entry.end_wait(turn)

    def _ring(self, key: str, entry: "_Entry", turn: object) -> None:
        if entry.end_wait(turn):
            self._lanes.put(key, lambda: self._follow(key, entry))

    def _fire_due(self, key: str, entry: "_Entry") -> None:
        fired = 0
        while not entry.is_cancelled and entry.is_due(self._around.clock.now()):
            assert entry.due_s is not None
            if fired == MAXIMUM_MISSED:
                self._skip(key, entry)
                return
            due_s = entry.due_s
            entry.due_s = entry.plan.timetable.next_after(due_s)
            self._fire(entry, due_s)
            fired += 1

    def _fire(self, entry: "_Entry", due_s: float) -> None:
        try:
            entry.plan.fire(due_s)
        except Exception:  # noqa: BLE001  # a bug of ours: the next time comes all the same
            self._around.reporter.event(f"{self._name}.failed", traceback=traceback.format_exc())

    def _skip(self, key: str, entry: "_Entry") -> None:
        now_s = self._around.clock.now()
        entry.due_s = entry.plan.timetable.next_after(now_s)
        self._around.reporter.event(
            f"{self._name}.skipped",
            schedule=key,
            hint=f"the clock jumped over more than {MAXIMUM_MISSED} times at which it was due",
        )


class _Entry:
    """Where one plan stands; used by one thread at a time, but `cancel` by any."""

    def __init__(self, plan: Plan, due_s: float | None) -> None:
        self.plan = plan
        self.due_s = due_s
        self.is_cancelled = False
        self.alarm: Alarm | None = None
        self._lock = threading.Lock()
        self._turn: object | None = None

    def is_due(self, now_s: float) -> bool:
        """Whether its next time has come."""
        if self.due_s is None:
            return False
        return self.due_s + self.plan.delay(self.due_s) <= now_s + _ROUNDING_S

    def begin_wait(self) -> object:
        """Wait for an alarm; returns what `end_wait` wants to have back."""
        turn = self._turn = object()
        return turn

    def end_wait(self, turn: object) -> bool:
        """Go on: True for the one caller that comes first."""
        with self._lock:
            if self._turn is not turn or self.is_cancelled:
                return False  # an alarm of before: somebody else went on in its place
            self._turn = None
            return True

    def cancel(self) -> None:
        """Fire no more."""
        self.is_cancelled = True
        if self.alarm is not None:
            self.alarm.cancel()
