"""Deletes items of DynamoDB tables when their time to live is over."""

import threading
from functools import partial
from typing import Final

from typing_extensions import override

from emulator.aws import Fact, ItemExpiresFact
from emulator.event_sources.alarms import Alarm
from emulator.event_sources.source import EventSource, Surroundings
from emulator.invoke.runner_threads import RunnerThreads

_EXPIRY: Final = "expired items"  # the kind of activity
_PAUSE_S: Final = 1.0  # between two looks at all items of a table
_STOP_S: Final = 1.0


class TableExpiry(EventSource):
    """One alarm for the next item of each table.

    Differs from DynamoDB: items go within a second, and not within days. Any thread may call.
    `_lock` guards the alarms.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._lock = threading.Lock()
        self._alarms: dict[str, tuple[float, Alarm]] = {}  # by table ARN, with when they are due
        self._threads = RunnerThreads("table-expiry")
        around.moto.subscribe(self._on_fact, ItemExpiresFact)

    @override
    def reset(self) -> None:
        """Forget all tables."""
        with self._lock:
            for _, alarm in self._alarms.values():
                alarm.cancel()
            self._alarms.clear()

    def _on_fact(self, fact: Fact) -> None:
        assert isinstance(fact, ItemExpiresFact)
        self._look_at(fact.table_arn, fact.at_s)

    def _look_at(self, table_arn: str, at_s: float) -> None:
        clock = self.around.clock
        due_s = clock.monotonic() + max(at_s - clock.now(), 0.0)
        with self._lock:
            before = self._alarms.get(table_arn)
            if before is not None and before[0] <= due_s:
                return
            if before is not None:
                before[1].cancel()
            alarm = self.around.alarms.set(due_s, lambda: self._ring(table_arn))
            self._alarms[table_arn] = due_s, alarm

    @override
    def stop(self, grace_s: float) -> None:
        """Delete nothing more."""
        self.reset()
        self._threads.stop(max(grace_s, _STOP_S))

    def _ring(self, table_arn: str) -> None:
        with self._lock:
            self._alarms.pop(table_arn, None)
        self.around.activity.begin(_EXPIRY)
        self._threads.start(partial(self._delete_expired, table_arn))

    def _delete_expired(self, table_arn: str) -> None:
        clock = self.around.clock
        try:
            next_s = self.around.moto.tables.delete_expired(table_arn, clock.now())
            if next_s is not None:
                self._look_at(table_arn, max(next_s, clock.now() + _PAUSE_S))
        finally:
            self.around.activity.end(_EXPIRY)
