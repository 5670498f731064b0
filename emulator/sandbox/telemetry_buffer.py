"""What one subscriber has not got yet: gathered, cut into batches, dropped when it is too much."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from emulator.runtime_api import Subscription

# What is kept for a subscriber that does not keep up, in batches of the size it asked for.
_BACKLOG_BATCHES: Final = 8
AT_ONCE: Final = 0.0


class TelemetryBuffer:
    """Records that wait, oldest first. Times are seconds on any clock that does not go back."""

    def __init__(self, subscription: Subscription) -> None:
        self._max_items = subscription.max_items
        self._max_bytes = subscription.max_bytes
        self._timeout_s = subscription.timeout_ms / 1000
        self._waiting: deque[tuple[float, bytes]] = deque()  # when it came, and the record
        self._bytes = 0
        self._flushed = 0  # so many of the oldest are due whatever the time
        self.dropped_records = 0
        self.dropped_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, record: bytes, now_s: float) -> None:
        """Take a record, or count it as dropped."""
        if self._bytes + len(record) > _BACKLOG_BATCHES * self._max_bytes:
            self.dropped_records += 1
            self.dropped_bytes += len(record)
            return
        self._waiting.append((now_s, record))
        self._bytes += len(record)

    def flush(self) -> None:
        """Make what waits now due."""
        self._flushed = len(self._waiting)

    def due_s(self) -> float | None:
        """When the next batch is due; None when nothing waits."""
        if not self._waiting:
            return None
        if self._flushed or self._is_full():
            return AT_ONCE
        return self._waiting[0][0] + self._timeout_s

    def take(self) -> list[bytes]:
        """Take out a batch: what was flushed, else what there is, within the limits."""
        count = self._flushed or len(self._waiting)
        batch: list[bytes] = []
        size = 0
        while count and len(batch) < self._max_items:
            record = self._waiting[0][1]
            if batch and size + len(record) > self._max_bytes:
                break
            self._waiting.popleft()
            batch.append(record)
            size += len(record)
            count -= 1
        self._bytes -= size
        self._flushed = max(self._flushed - len(batch), 0)
        return batch

    def put_back(self, batch: Sequence[bytes], now_s: float) -> None:
        """Take back a batch that could not be delivered; it is due at once."""
        self._waiting.extendleft((now_s, record) for record in reversed(batch))
        self._bytes += sum(map(len, batch))
        self._flushed += len(batch)

    def take_dropped(self) -> tuple[int, int] | None:
        """Return how many records and bytes were dropped, once; None when none were."""
        if not self.dropped_records:
            return None
        dropped = self.dropped_records, self.dropped_bytes
        self.dropped_records = self.dropped_bytes = 0
        return dropped

    def _is_full(self) -> bool:
        return len(self._waiting) >= self._max_items or self._bytes >= self._max_bytes
