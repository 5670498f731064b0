"""What functions log, on its way into CloudWatch Logs."""

import threading
import traceback
from collections.abc import Collection
from typing import Final

from emulator.aws.log_subscriptions import LogSubscriptions
from emulator.aws.own_requests import OwnRequests
from emulator.model import DEFAULT_ACCOUNT
from emulator.observe import Activity, LogBook, LogEvent, Reporter
from emulator.observe.log_book import GroupKey

_LONGEST_WAIT_S: Final = 1.0  # real time: how long a line of a running invocation waits for others
_MANY_LINES: Final = 1_000  # whoever writes so many hands them over: a full log book forgets
_JOIN_S: Final = 1.0

_StreamKey = tuple[str, str, str, str]  # account, region, group, stream


class LogDrain:
    """Hands the log book's lines to moto: when Logs is asked, and at once where it matters.

    Any thread may call, except one that holds a lock of moto; `watch` is called under that of
    Logs. Lines of a group with a subscription filter are an activity until their facts were told.
    They are taken when the invocation that wrote them is over, by the thread "log-drain", which
    runs once a group is watched. `_lock` guards the flags and the count.
    """

    def __init__(
        self,
        log_book: LogBook,
        own: OwnRequests,
        subscriptions: LogSubscriptions,
        activity: Activity,
        reporter: Reporter,
    ) -> None:
        self._log_book = log_book
        self._own = own
        self._subscriptions = subscriptions
        self._activity = activity
        self._reporter = reporter
        self._lock = threading.Lock()
        self._has_changed = threading.Condition(self._lock)
        self._is_pending = False  # a watched group has lines
        self._count = 0  # of them
        self._is_urgent = False
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def drain(self) -> None:
        """Hand over every line that was written; the service must be loaded."""
        with self._own.make("logs", DEFAULT_ACCOUNT):
            by_stream: dict[_StreamKey, list[LogEvent]] = {}
            for event in self._log_book.drain():
                key = (event.account, event.region, event.group, event.stream)
                by_stream.setdefault(key, []).append(event)
            for (account, region, group, stream), events in by_stream.items():
                self._append(account, region, group, stream, events)

    def watch(self, groups: Collection[GroupKey]) -> None:
        """From now on hand over the lines of these groups at once."""
        self._log_book.watch(groups, self)
        if groups:
            self._start()
            self.line_written()  # what was written before its group was watched
            self.flush()

    def line_written(self) -> None:
        """A watched group has a new line."""
        with self._lock:
            if not self._is_pending and not self._is_stopping:
                self._is_pending = True
                self._count = 0
                self._activity.begin("log lines")
                self._has_changed.notify()
            self._count += 1
            are_many = self._count % _MANY_LINES == 0
        if are_many:
            self._drain_or_report()

    def flush(self) -> None:
        """No other line follows soon."""
        with self._lock:
            if self._is_pending:
                self._is_urgent = True
                self._has_changed.notify()

    def stop(self) -> None:
        """End the thread."""
        with self._lock:
            self._is_stopping = True
            self._has_changed.notify()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._is_stopping:
                self._thread = threading.Thread(target=self._run, name="log-drain", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while self._wait():
            self._drain_or_report()
            self._activity.end("log lines")

    def _drain_or_report(self) -> None:
        try:
            self.drain()
        except Exception:  # noqa: BLE001  # a bug of ours: writers and the next lines go on
            self._reporter.event("logs.drain_failed", traceback=traceback.format_exc())

    def _wait(self) -> bool:
        """Wait for lines that are to be taken now; False: the end has come."""
        with self._lock:
            self._has_changed.wait_for(lambda: self._is_pending or self._is_stopping)
            self._has_changed.wait_for(
                lambda: self._is_urgent or self._is_stopping, _LONGEST_WAIT_S
            )
            has_lines, self._is_pending, self._is_urgent = self._is_pending, False, False
            return has_lines

    def _append(
        self, account: str, region: str, group: str, stream: str, events: list[LogEvent]
    ) -> None:
        from moto.logs.models import logs_backends

        regions = logs_backends[account]
        if region not in regions:
            return  # Lambda takes any region's name here, CloudWatch Logs does not
        backend = regions[region]
        backend.ensure_log_group(group)
        backend.ensure_log_stream(group, stream)
        lines = [{"timestamp": event.at_ms, "message": event.message} for event in events]
        self._subscriptions.append(backend.groups[group].streams[stream], lines, events[-1].at_ms)
