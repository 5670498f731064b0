"""What functions and the platform log, kept for CloudWatch Logs and for `logs --follow`."""

import threading
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from emulator.model import DEFAULT_ACCOUNT, DEFAULT_REGION, Clock

GROUP_LINES: Final = 10_000
BOOK_BYTES: Final = 16 * 1024 * 1024
LINE_OVERHEAD_BYTES: Final = 200  # what Python needs for a line beside its characters
_SLACK_BYTES: Final = 64 * 1024  # freed at a time, so that a full book is not searched at each line
_SLACK_LINES: Final = 200  # forgotten at a time, rather than some with each write to a full group

GroupKey = tuple[str, str, str]  # account, region, name of the group
_Line = tuple[int, str, str]  # milliseconds since the epoch, stream, message


@dataclass(frozen=True, kw_only=True, slots=True)
class LogEvent:
    """One line of a log stream, as CloudWatch Logs has it."""

    account: str
    region: str
    group: str
    stream: str
    at_ms: int
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPage:
    """Lines of one group, oldest first; hand `position` back as `after` to read on."""

    events: tuple[LogEvent, ...]
    position: int


class LogStream:
    """Where one execution environment writes its log."""

    __slots__ = ("_book", "_key", "name")

    def __init__(self, book: "LogBook", key: GroupKey, name: str) -> None:
        self._book = book
        self._key = key
        self.name = name

    def write(self, line: str, at_ms: int | None = None) -> None:
        """Add one log event; `at_ms` is milliseconds since the epoch, by default now."""
        self.write_all([(self.now_ms() if at_ms is None else at_ms, line)])

    def write_all(self, lines: Sequence[tuple[int, str]]) -> None:
        """Add log events, each with its milliseconds since the epoch."""
        name = self.name
        self._book.add(self._key, [(at_ms, name, text) for at_ms, text in lines])

    def now_ms(self) -> int:
        """The time a line would get that is written now."""
        return self._book.now_ms()

    def flush(self) -> None:
        """Say that no line follows soon: who watches the group takes those that are there."""
        self._book.flush(self._key)


class Watcher(Protocol):
    """Who wants to know at once what is written to some groups. Called on the writer's thread."""

    def line_written(self) -> None:
        """A watched group has a new line."""

    def flush(self) -> None:
        """No other line follows soon."""


class _Group:
    """Newest lines of one log group; `LogBook._lock` guards it."""

    __slots__ = ("kept_bytes", "lines", "undrained", "written")

    def __init__(self, written: int) -> None:
        self.lines: deque[_Line] = deque()
        self.kept_bytes = 0
        self.written = written  # position of its newest line
        self.undrained = 0  # how many of the newest lines no `drain` has handed over

    def append(self, lines: Sequence[_Line]) -> int:
        """Add lines and say how many bytes they take."""
        self.lines += lines
        size = sum([len(text) for _, _, text in lines]) + len(lines) * LINE_OVERHEAD_BYTES
        self.kept_bytes += size
        self.written += len(lines)
        self.undrained += len(lines)
        return size

    def forget(self, count: int) -> int:
        """Forget the oldest lines and say how many bytes that freed."""
        return sum(self.pop_oldest() for _ in range(count))

    def pop_oldest(self) -> int:
        """Forget one line and say how many bytes that freed."""
        freed = len(self.lines.popleft()[2]) + LINE_OVERHEAD_BYTES
        self.kept_bytes -= freed
        self.undrained = min(self.undrained, len(self.lines))
        return freed

    def newest(self, count: int) -> list[_Line]:
        return list(islice(self.lines, max(0, len(self.lines) - count), None))


class LogBook:
    """All log groups: at least the newest `GROUP_LINES` lines of each, but `BOOK_BYTES` in all.

    Any thread may call. `_lock` guards the groups; under it lines are only appended, forgotten
    and copied. When the book is full, the group that holds most loses its oldest lines, so a
    chatty function does not cost a quiet one its log.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._has_grown = threading.Condition(self._lock)
        self._followers = 0
        self._watched: Collection[GroupKey] = ()
        self._watcher: Watcher | None = None
        self._groups: dict[GroupKey, _Group] = {}
        self._kept_bytes = 0
        self._written = 0  # lines ever written: positions of a group that returns stay ahead

    def log_stream(self, group: str, stream: str, account: str, region: str) -> LogStream:
        """The handle to write to `stream` of `group`; nothing exists before the first line."""
        return LogStream(self, (account, region, group), stream)

    def now_ms(self) -> int:
        """Milliseconds since the epoch, on the emulator's clock."""
        return int(self._clock.now() * 1000)

    def add(self, key: GroupKey, lines: Sequence[_Line]) -> None:
        """Append lines; `LogStream.write_all` is the way to call it."""
        with self._lock:
            group = self._groups.get(key)
            if group is None:
                group = self._groups[key] = _Group(self._written)
            self._kept_bytes += group.append(lines)
            self._written += len(lines)
            if len(group.lines) > GROUP_LINES + _SLACK_LINES:
                self._kept_bytes -= group.forget(len(group.lines) - GROUP_LINES)
            if self._kept_bytes > BOOK_BYTES:
                self._make_room()
            if self._followers:
                self._has_grown.notify_all()
            watcher = self._watcher if key in self._watched else None
        if watcher is not None:
            for _ in lines:
                watcher.line_written()

    def flush(self, key: GroupKey) -> None:
        """`LogStream.flush` is the way to call it."""
        if key not in self._watched:  # each change puts a new set there
            return
        with self._lock:
            watcher = self._watcher if key in self._watched else None
        if watcher is not None:
            watcher.flush()

    def watch(self, groups: Collection[GroupKey], watcher: Watcher) -> None:
        """From now on tell `watcher` of the lines of these groups, and of no others."""
        with self._lock:
            self._watched, self._watcher = frozenset(groups), watcher

    def drain(self) -> list[LogEvent]:
        """Hand over every line that was not handed over before; a group's lines oldest first.

        Lines that were forgotten before anybody asked are not in it.
        """
        with self._lock:
            fresh = [
                (key, group.newest(group.undrained))
                for key, group in self._groups.items()
                if group.undrained
            ]
            for group in self._groups.values():
                group.undrained = 0
        return [event for key, lines in fresh for event in _events(key, lines)]

    def tail(
        self,
        group: str,
        *,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
        limit: int = 100,
    ) -> LogPage:
        """The newest `limit` lines of `group`; none for a group that nobody wrote to."""
        key = (account, region, group)
        with self._lock:
            return self._page(key, limit, 0)

    def follow(
        self,
        group: str,
        after: int,
        wait_s: float,
        *,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
    ) -> LogPage:
        """What was written to `group` after position `after`.

        Waits up to `wait_s` real seconds while there is nothing. Lines that were forgotten
        meanwhile are left out.
        """
        key = (account, region, group)
        with self._lock:
            self._followers += 1
            try:
                self._has_grown.wait_for(lambda: self._count_after(key, after) > 0, wait_s)
            finally:
                self._followers -= 1
            return self._page(key, self._count_after(key, after), after)

    def reset(self) -> None:
        """Forget every line."""
        with self._lock:
            self._groups.clear()
            self._kept_bytes = 0
            self._watched = ()

    @property
    def kept_bytes(self) -> int:
        """What the kept lines cost in memory, roughly."""
        return self._kept_bytes

    def _count_after(self, key: GroupKey, after: int) -> int:
        group = self._groups.get(key)
        return 0 if group is None else min(len(group.lines), group.written - after)

    def _page(self, key: GroupKey, count: int, position: int) -> LogPage:
        group = self._groups.get(key)
        if group is None:
            return LogPage(events=(), position=position)
        return LogPage(events=tuple(_events(key, group.newest(count))), position=group.written)

    def _make_room(self) -> None:
        while self._kept_bytes > BOOK_BYTES - _SLACK_BYTES:
            key = max(self._groups, key=lambda key: self._groups[key].kept_bytes)
            group = self._groups[key]
            while group.lines and self._kept_bytes > BOOK_BYTES - _SLACK_BYTES:
                self._kept_bytes -= group.pop_oldest()
            if not group.lines:
                del self._groups[key]


def _events(key: GroupKey, lines: list[_Line]) -> list[LogEvent]:
    account, region, group = key
    return [
        LogEvent(
            account=account,
            region=region,
            group=group,
            stream=stream,
            at_ms=at_ms,
            message=message,
        )
        for at_ms, stream, message in lines
    ]
