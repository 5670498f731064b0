"""Reads one shard for one event source mapping."""

import threading
import zlib
from collections.abc import Callable
from functools import partial
from typing import Final

from emulator.event_sources.alarms import Alarm
from emulator.event_sources.stream_delivery import StreamDelivery, StreamWork
from emulator.event_sources.stream_lane import Action, GiveUp, Invoke, Lane, Moment, Wait
from emulator.event_sources.stream_positions import Position
from emulator.event_sources.stream_rules import Entry, Outcome
from emulator.model.mapping import EventSourceMapping

_SAME_S: Final = 5e-6  # a due time is a sum of seconds, each time a little different
_PAGE: Final = 1_000  # records read with the service's lock held

_Job = tuple[Lane, Invoke | GiveUp]


class ShardReader:
    """Fills lanes with records, and does what they decide.

    Any thread may call. `_lock` guards the lanes and the flags; it is never held while the shard
    is read, a function runs or a destination is told. One thread at a time pumps: it reads, and
    decides for all lanes that are not running. A lane that runs belongs to the thread that acts
    for it. There is no thread while there is nothing to do.
    """

    def __init__(
        self,
        work: StreamWork,
        mapping: EventSourceMapping,
        delivery: StreamDelivery,
        *,
        retention_s: float,
        position: Position,
        save: Callable[[Position], None],
        on_rest: Callable[[], None],
    ) -> None:
        """Start with `wake`. save: keeps how far all is done. on_rest: nothing runs any more."""
        self._work = work
        self._retention_s = retention_s
        self._save = save
        self._on_rest = on_rest
        self._delivery = delivery
        self._lock = threading.Lock()
        self._rests = threading.Condition(self._lock)
        self._mapping = mapping
        self._matches = work.matcher(mapping)
        self._lanes = self._make_lanes(mapping)
        self._running: set[Lane] = set()
        self._alarms: dict[Lane, tuple[float, Alarm]] = {}
        self._read_to = position.after  # everything up to here was offered, or filtered out
        self._saved = position
        self._is_closed = False  # nothing is appended any more
        self._is_at_end = False  # and everything was read
        self._is_called = False  # a thread is on its way to pump
        self._is_pumping = False
        self._has_news = False
        self._is_stopped = False

    @property
    def is_done(self) -> bool:
        """True when the shard is closed and nothing of it is left."""
        return self._saved.is_done

    @property
    def is_running(self) -> bool:
        """True while a batch is with the function or its destination."""
        return bool(self._running)

    def wake(self) -> None:
        """There may be something to do."""
        with self._lock:
            self._has_news = True
            if self._is_called or self._is_pumping or self._is_stopped:
                return
            self._is_called = True
        self._start(self._work_on)

    def update(self, mapping: EventSourceMapping) -> None:
        """Go on with other options; filters hold for what is read from now on."""
        matches = self._work.matcher(mapping)
        with self._lock:
            self._mapping, self._matches = mapping, matches
        self.wake()

    def close(self) -> None:
        """Nothing is appended to the shard any more."""
        if not self._is_closed:
            self._is_closed = True
            self.wake()

    def stop(self, grace_s: float = 0.0) -> None:
        """Begin no further batch; wait up to `grace_s` for those that run."""
        with self._lock:
            self._is_stopped = True
            for _, alarm in self._alarms.values():
                alarm.cancel()
            self._alarms.clear()
            self._rests.wait_for(lambda: not self._running, grace_s)

    # What a thread does, within an activity.

    def _start(self, job: Callable[[], None]) -> None:
        self._work.start(job, self._wake_after_trouble)

    def _wake_after_trouble(self) -> None:
        with self._lock:
            self._is_called = False
        self.wake()

    def _work_on(self) -> None:
        """Pump and act until there is nothing to do, or somebody else pumps."""
        while True:
            with self._lock:
                self._is_called = False
                if self._is_pumping or self._is_stopped:
                    self._has_news = True
                    return
                self._is_pumping, self._has_news = True, False
            jobs, has_news = self._pump()
            self._note_progress()
            # Who acts pumps again afterwards; news must not wait for that.
            for job in jobs if has_news else jobs[1:]:
                self._start(partial(self._act_and_go_on, job))
            if not has_news:
                if not jobs:
                    return
                self._act(jobs[0])

    def _pump(self) -> tuple[list[_Job], bool]:
        """Read, and ask the lanes; returns what to do, and whether there was news meanwhile."""
        try:
            self._take_in()
        except BaseException:
            with self._lock:
                self._is_pumping = False
            raise
        with self._lock:  # in one go: who brings news afterwards finds nobody pumping
            self._is_pumping = False
            return self._decide(), self._has_news and not self._is_stopped

    def _act_and_go_on(self, job: _Job) -> None:
        self._act(job)
        self._work_on()

    def _take_in(self) -> None:
        """Read until no lane wants more, or there is no more; only who pumps may call."""
        while True:
            with self._lock:
                self._renew_lanes()
                mapping, matches, after = self._mapping, self._matches, self._read_to
                is_closed = self._is_closed  # before the read: what came until then is in it
                if not any(lane.wants_more(mapping) for lane in self._lanes):
                    return
            records = self._delivery.read(after, _PAGE)
            entries = self._delivery.entries(records, mapping, matches)
            with self._lock:
                self._offer(entries)
                self._read_to = records[-1].number if records else after
                if len(records) < _PAGE:
                    self._is_at_end = is_closed
                    return

    def _decide(self) -> list[_Job]:
        """Ask each lane that does not run what it wants; under the lock."""
        if self._is_stopped:
            return []
        jobs: list[_Job] = []
        for lane in self._lanes:
            if lane not in self._running:
                action = lane.decide(self._mapping, self._moment())
                if isinstance(action, Wait):
                    self._set_alarm(lane, action.due_s)
                else:
                    self._running.add(lane)
                    jobs.append((lane, action))
        return jobs

    def _act(self, job: _Job) -> None:
        """Do what a lane decided."""
        lane, action = job
        mapping = self._mapping
        outcome: Outcome | None = None
        try:
            outcome = self._do(action, mapping)
        finally:
            with self._lock:
                if isinstance(action, Invoke):
                    failed = Outcome(done=0, is_success=False, has_run=False)  # a bug of ours
                    lane.finish(outcome or failed, mapping, self._moment())
                else:
                    lane.told()
                self._running.discard(lane)
                self._rests.notify_all()
            self._note_progress()

    def _do(self, action: Action, mapping: EventSourceMapping) -> Outcome | None:
        if isinstance(action, Invoke):
            return self._delivery.invoke(action, mapping)
        if isinstance(action, GiveUp):
            self._delivery.give_up(action, mapping)
        return None

    def _note_progress(self) -> None:
        """Save how far all records are done, if that is further than before."""
        with self._lock:
            lowest = [lane.lowest for lane in self._lanes]
            open_numbers = [number for number in lowest if number is not None]
            after = min(open_numbers) - 1 if open_numbers else self._read_to
            is_done = self._is_at_end and all(lane.is_empty for lane in self._lanes)
            position = Position(after=max(after, self._saved.after), is_done=is_done)
            is_resting = is_done or (self._is_stopped and not self._running)
            has_moved = position != self._saved
            self._saved = position
        if has_moved:
            self._save(position)
        if is_resting and (has_moved or self._is_stopped):
            self._on_rest()

    # Lanes; under the lock.

    def _make_lanes(self, mapping: EventSourceMapping) -> list[Lane]:
        return [Lane(self._retention_s) for _ in range(mapping.parallelization_factor)]

    def _renew_lanes(self) -> None:
        """Another ParallelizationFactor: begin again behind what is done, once nothing runs.

        Differs from Lambda: attempts so far, and the state of a tumbling window, are forgotten.
        """
        if len(self._lanes) == self._mapping.parallelization_factor or self._running:
            return
        for _, alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()
        self._lanes = self._make_lanes(self._mapping)
        self._read_to = self._saved.after
        self._is_at_end = False

    def _offer(self, entries: list[Entry]) -> None:
        moment = self._moment()
        count = len(self._lanes)
        for entry in entries:
            key = zlib.crc32(entry.record.key.encode()) if count > 1 else 0
            self._lanes[key % count].offer(entry, moment)

    def _set_alarm(self, lane: Lane, due_s: float | None) -> None:
        before = self._alarms.get(lane)
        if before is not None:
            if due_s is not None and abs(before[0] - due_s) < _SAME_S:
                return
            before[1].cancel()
            del self._alarms[lane]
        if due_s is not None:
            self._alarms[lane] = (
                due_s,
                self._work.around.alarms.set(due_s, partial(self._ring, lane)),
            )

    def _ring(self, lane: Lane) -> None:
        with self._lock:
            self._alarms.pop(lane, None)
        self.wake()

    def _moment(self) -> Moment:
        clock = self._work.around.clock
        return Moment(monotonic_s=clock.monotonic(), now_s=clock.now())
