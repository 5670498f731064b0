"""One subscription while its environment lives: what it gets, and when."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.runtime_api import Subscription, deliverables
from emulator.sandbox.telemetry_buffer import AT_ONCE, TelemetryBuffer

_RETRY_S: Final = (0.05, 1.0)  # after a first failure, and at most
_DROP_REASON: Final = (
    "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."
)


class Subscriber:
    """Gathers records for one extension, and hands them out in batches.

    Any thread may call; `_changed` guards the fields below it and is held for a few instructions.
    The sender alone calls `begin` and `end`.
    """

    def __init__(
        self,
        name: str,
        subscription: Subscription,
        look_at: Callable[["Subscriber"], None],
        time_text: Callable[[], str],
    ) -> None:
        """Deliveries are `look_at`'s business; `time_text` tells the emulator's time."""
        self.name = name
        self.subscription = subscription
        self._look_at = look_at
        self._time_text = time_text
        self._changed = threading.Condition()
        self._buffer = TelemetryBuffer(subscription)
        self._on_its_way: list[bytes] = []
        self._is_held = False
        self._is_closed = False
        self._failed_at_s = 0.0
        self._retry_s = 0.0  # 0: the last delivery worked

    def add(self, event: Mapping[str, Any]) -> None:
        """Take `{"time", "type", "record"}`, if it is of a kind that was asked for."""
        for record in deliverables(self.subscription, event):
            with self._changed:
                before = self._due_s()
                self._buffer.add(record, time.monotonic())
                is_sooner = self._due_s() != before
            if is_sooner:
                self._look_at(self)

    def flush(self) -> None:
        """Deliver what is there now, whatever the limits say."""
        with self._changed:
            self._buffer.flush()
        self._look_at(self)

    def hold(self) -> None:
        """Let nothing become due by itself: the environment is idle, and may be frozen."""
        with self._changed:
            self._is_held = True

    def release(self) -> None:
        """Go on as usual."""
        with self._changed:
            self._is_held = False
        self._look_at(self)

    def wait_until_delivered(self, timeout_s: float) -> bool:
        """Wait until nothing is left; False: it took too long."""
        with self._changed:
            return self._changed.wait_for(self._has_nothing, timeout_s)

    @property
    def is_delivering(self) -> bool:
        """True while something is on its way, or about to be."""
        with self._changed:
            return bool(self._on_its_way) or self._due_s() == AT_ONCE

    def close(self) -> None:
        """Deliver no more: the processes of the environment are gone."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._look_at(self)

    @property
    def is_closed(self) -> bool:
        """True once there is nobody left to deliver to."""
        return self._is_closed

    def begin(self, now_s: float) -> list[bytes] | float | None:
        """Hand out a batch that is due; else say when one will be, or None while nothing waits."""
        with self._changed:
            due_s = None if self._on_its_way else self._due_s()
            if due_s is None or due_s > now_s:
                return due_s
            self._on_its_way = self._buffer.take()
            return self._on_its_way

    def end(self, now_s: float, *, ok: bool) -> None:
        """Hear what came of the batch; one that was not taken is delivered again."""
        with self._changed:
            batch, self._on_its_way = self._on_its_way, []
            if ok:
                self._retry_s = 0.0
                dropped = self._buffer.take_dropped()
            else:
                self._failed_at_s = now_s
                self._retry_s = min(max(2 * self._retry_s, _RETRY_S[0]), _RETRY_S[1])
                self._buffer.put_back(batch, now_s)
                dropped = None
            self._changed.notify_all()
        if dropped is not None:
            self.add(self._dropped_event(*dropped))

    def _due_s(self) -> float | None:
        due_s = self._buffer.due_s()
        if due_s is None or (self._is_held and (self._retry_s or due_s != AT_ONCE)):
            return None
        return max(due_s, self._failed_at_s + self._retry_s) if self._retry_s else due_s

    def _has_nothing(self) -> bool:
        return self._is_closed or not (len(self._buffer) or self._on_its_way)

    def _dropped_event(self, records: int, size: int) -> dict[str, Any]:
        record = {"reason": _DROP_REASON, "droppedRecords": records, "droppedBytes": size}
        return {"time": self._time_text(), "type": "platform.logsDropped", "record": record}
