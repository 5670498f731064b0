"""The messages of one SQS queue, kept so that nothing costs more when the queue is long."""

import heapq
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import count, islice
from typing import Any, Final

_DEDUPLICATED_MS: Final = 300_000.0  # a FIFO queue knows a message again for five minutes
_SPARE: Final = 64  # entries of a heap that mean nothing any more, before it is made anew

Stay = Enum("Stay", "READY DELAYED HIDDEN GONE")


@dataclass(slots=True)
class _Hold:
    """A function has the message. Its time is the machine's, however far the clock is moved."""

    until_s: float  # on the machine's clock; until then nobody else gets the message
    due_ms: float  # when it would be ready but for the hold


@dataclass(slots=True, eq=False)
class _Place:
    """Where a message stands: what receives look at, instead of the message."""

    message: Any  # moto's
    number: int  # in the order of arrival
    stay: Stay = Stay.READY
    due_ms: float = 0.0  # when a delayed or hidden one becomes ready
    hold: _Hold | None = None

    def __lt__(self, other: "_Place") -> bool:
        return self.number < other.number


@dataclass(slots=True, eq=False)
class _Group:
    """Messages of one MessageGroupId, in order; while one is hidden, none can be received."""

    places: "OrderedDict[int, _Place]" = field(default_factory=OrderedDict)
    hidden: int = 0

    @property
    def head(self) -> _Place | None:
        """The next one to be received; None while the group is blocked."""
        first = next(iter(self.places.values()), None)
        is_open = first is not None and first.stay is Stay.READY and self.hidden == 0
        return first if is_open else None


class QueueMessages:
    """The messages of one queue. Who calls holds the queue's lock; times are ms since the epoch.

    Every call costs the logarithm of the queue's length, at most.
    """

    def __init__(
        self,
        is_fifo: bool,
        retention_ms: Callable[[], float],
        machine_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_fifo = is_fifo
        self._retention_ms = retention_ms
        self._machine_s = machine_s
        self._numbers = count(1)
        self._places: OrderedDict[int, _Place] = OrderedDict()  # oldest first
        self._by_handle: dict[str, _Place] = {}
        self._groups: dict[str, _Group] = {}
        self._counts = dict.fromkeys(Stay, 0)
        # Heaps, with entries that have become wrong meanwhile.
        self._ready: list[_Place] = []  # of a FIFO queue: heads of groups
        self._waiting: list[tuple[float, _Place]] = []  # by when they are due
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()  # when it was sent

    # What the queue's counts tell.

    def counts(self, now_ms: float) -> tuple[int, int, int]:
        """How many are ready, delayed and hidden."""
        self._settle(now_ms)
        return self._counts[Stay.READY], self._counts[Stay.DELAYED], self._counts[Stay.HIDDEN]

    def ready(self, now_ms: float) -> list[Any]:
        """All that are ready, oldest first; this alone takes longer in a longer queue."""
        self._settle(now_ms)
        return [place.message for place in self._places.values() if place.stay is Stay.READY]

    def next_due_ms(self, now_ms: float) -> float | None:
        """When the first delayed or hidden one becomes ready; None: there is none."""
        self._settle(now_ms)
        while self._waiting and not _is_waiting(self._waiting[0]):
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    # Sending.

    def is_repeated(self, message: Any, scope: str) -> bool:
        """Whether a FIFO queue has seen its like within five minutes; from now on it has.

        scope: the group, when the queue tells messages apart within each group only.
        """
        sent_ms: float = message.sent_timestamp
        while self._seen and next(iter(self._seen.values())) + _DEDUPLICATED_MS <= sent_ms:
            self._seen.popitem(last=False)
        key = (scope, message.deduplication_id)
        if key in self._seen:
            return True
        self._seen[key] = sent_ms
        return False

    def add(self, message: Any, now_ms: float) -> None:
        """Put a message at the end."""
        place = _Place(message, next(self._numbers))
        self._places[place.number] = place
        if self._is_fifo:
            self._groups.setdefault(message.group_id, _Group()).places[place.number] = place
        self._counts[Stay.READY] += 1
        if message.delayed_until > now_ms:
            self._wait(place, Stay.DELAYED, message.delayed_until)
        else:
            self._offer(place)

    # Receiving.

    def receive(
        self,
        most: int,
        now_ms: float,
        hide: Callable[[Any], float],
        is_spent: Callable[[Any], bool],
        held_s: float = 0.0,
    ) -> tuple[list[Any], list[Any]]:
        """Take up to `most` messages, oldest first; those that are spent leave the queue.

        hide: marks one as received, and returns until when nobody else gets it. held_s: for so
        long of the machine's time nobody does, either, unless it is let go. Returns those received,
        and those spent.
        """
        self._settle(now_ms)
        received: list[Any] = []
        spent: list[Any] = []
        while len(received) < most and (places := self._next(most - len(received))):
            for place in places:
                if is_spent(place.message):
                    self._remove(place)
                    spent.append(place.message)
                else:
                    self._wait(place, Stay.HIDDEN, hide(place.message))
                    place.hold = _Hold(self._machine_s() + held_s, place.due_ms) if held_s else None
                    self._by_handle[place.message.receipt_handle] = place
                    received.append(place.message)
        return received, spent

    def is_known(self, handle: str) -> bool:
        """Whether a receipt handle, an earlier one too, is that of a message in the queue."""
        return handle in self._by_handle

    def message_of(self, handle: str) -> Any:
        """The message of a known receipt handle."""
        return self._by_handle[handle].message

    def hide_until(self, handle: str, due_ms: float, now_ms: float) -> None:
        """Change how long nobody else gets the message of a known receipt handle."""
        place = self._by_handle[handle]
        self._wait(place, Stay.HIDDEN, due_ms)
        if place.hold is not None:
            place.hold = _Hold(self._machine_s() + (due_ms - now_ms) / 1000.0, due_ms)

    def let_go(self, handle: str, now_ms: float) -> bool:
        """Hold the message of a known receipt handle no longer; tell whether it is due already."""
        place = self._by_handle[handle]
        hold = place.hold
        if hold is None or place.message.receipt_handle != handle:
            return False  # it is in other hands meanwhile
        place.hold = None
        return place.stay is Stay.HIDDEN and hold.due_ms <= now_ms

    def delete(self, handle: str) -> Any:
        """Remove the message of a known receipt handle."""
        place = self._by_handle[handle]
        self._remove(place)
        return place.message

    def clear(self) -> None:
        """Remove all; what a FIFO queue has seen, it has seen."""
        for place in list(self._places.values()):
            self._remove(place)
        self._ready.clear()
        self._waiting.clear()

    # How places move.

    def _next(self, most: int) -> list[_Place]:
        """The next one that is ready; of a FIFO queue, the next ones of a group."""
        while self._ready:
            place = heapq.heappop(self._ready)
            if not self._is_fifo:
                if place.stay is Stay.READY:
                    return [place]
                continue
            group = self._groups.get(place.message.group_id)
            if group and group.head is place:
                first = islice(group.places.values(), most)
                return [each for each in first if each.stay is Stay.READY]
        return []

    def _settle(self, now_ms: float) -> None:
        """Make ready what is due, and drop what was kept for long enough."""
        while self._waiting and self._waiting[0][0] <= now_ms:
            entry = heapq.heappop(self._waiting)
            if not _is_waiting(entry):
                continue
            place = entry[1]
            left_s = place.hold.until_s - self._machine_s() if place.hold else 0.0
            if left_s > 0:
                self._wait(place, Stay.HIDDEN, now_ms + left_s * 1000.0)
            else:
                place.hold = None
                self._move(place, Stay.READY)
                self._offer(place)
        oldest_ms = now_ms - self._retention_ms()
        while self._places:
            place = next(iter(self._places.values()))
            if place.message.sent_timestamp > oldest_ms:
                return
            self._remove(place)

    def _offer(self, place: _Place) -> None:
        if not self._is_fifo:
            heapq.heappush(self._ready, place)
            return
        group = self._groups.get(place.message.group_id)
        if group and (head := group.head):
            heapq.heappush(self._ready, head)

    def _wait(self, place: _Place, stay: Stay, due_ms: float) -> None:
        self._move(place, stay)
        place.due_ms = due_ms
        heapq.heappush(self._waiting, (due_ms, place))
        alive = self._counts[Stay.DELAYED] + self._counts[Stay.HIDDEN]
        if len(self._waiting) > 2 * alive + _SPARE:
            self._waiting = [entry for entry in self._waiting if _is_waiting(entry)]
            heapq.heapify(self._waiting)

    def _move(self, place: _Place, stay: Stay) -> None:
        self._counts[place.stay] -= 1
        self._counts[stay] += 1
        if self._is_fifo and (group := self._groups.get(place.message.group_id)):
            group.hidden += (stay is Stay.HIDDEN) - (place.stay is Stay.HIDDEN)
        place.stay = stay

    def _remove(self, place: _Place) -> None:
        self._move(place, Stay.GONE)
        del self._places[place.number]
        for handle in _handles(place.message):
            self._by_handle.pop(handle, None)
        if self._is_fifo:
            group = self._groups[place.message.group_id]
            del group.places[place.number]
            if group.places:
                self._offer(place)
            else:
                del self._groups[place.message.group_id]


def _is_waiting(entry: tuple[float, _Place]) -> bool:
    due_ms, place = entry
    return place.stay in (Stay.DELAYED, Stay.HIDDEN) and place.due_ms == due_ms


def _handles(message: Any) -> Iterable[str]:
    return (handle for handle in message.all_receipt_handles if handle is not None)
