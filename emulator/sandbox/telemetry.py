"""What one environment tells the extensions that subscribed."""

import json
from collections.abc import Callable
from typing import Any, Final

from emulator.runtime_api import Subscription
from emulator.sandbox.platform_records import iso_time
from emulator.sandbox.telemetry_sender import TelemetrySender
from emulator.sandbox.telemetry_subscriber import Subscriber

FUNCTION: Final = "function"
EXTENSION: Final = "extension"
_MOST_BRACKETS: Final = 500  # so that none is nested deeper than the interpreter's stack bears
_KEPT_EVENTS: Final = 1_000  # of an init phase, for who subscribes later in it


class Telemetry:
    """The subscribers of one environment. Used by one thread at a time: whoever holds it.

    Nothing here waits for an extension, but `drain`. `wants_records` and `wants_logs` are False
    where it would tell nobody.
    """

    def __init__(
        self, sender: TelemetrySender, now_ms: Callable[[], int], *, logs_json: bool
    ) -> None:
        self._logs_json = logs_json
        self._sender = sender
        self._now_ms = now_ms
        self._begin()

    def _begin(self) -> None:
        self._subscribers: dict[str, Subscriber] = {}  # by name of the extension
        # What was told before an init phase, and in it, is kept for who subscribes later.
        self._early: list[dict[str, Any]] | None = []
        self.wants_logs = self.wants_records = True

    def settle(self) -> None:
        """An init phase is over: who has not subscribed will not."""
        self._early = None
        self.wants_logs = bool(self._subscribers)
        self.wants_records = self._logs_json or self.wants_logs
        self.flush()

    def subscribe(self, name: str, subscription: Subscription) -> bool:
        """Take a subscription, in the place of an earlier one; True: there was one.

        It gets what was told in this init phase before, too.
        """
        old = self._subscribers.pop(name, None)
        if old is not None:
            old.close()
        subscriber = Subscriber(name, subscription, self._sender.look_at, self._now)
        self._subscribers[name] = subscriber
        for event in self._early or ():
            subscriber.add(event)
        return old is not None

    def tell(self, event: dict[str, Any]) -> None:
        """Tell `{"time", "type", "record"}`."""
        for subscriber in self._subscribers.values():
            subscriber.add(event)
        if self._early is not None and len(self._early) < _KEPT_EVENTS:
            self._early.append(event)

    def log(self, kind: str, text: str) -> None:
        """Tell one log event of the function or of an extension; JSON logs go as objects."""
        record: object = text
        if self._logs_json and text.startswith("{"):
            record = _parsed(text)
        self.tell({"time": self._now(), "type": kind, "record": record})

    def flush(self) -> None:
        """Deliver what was told up to now."""
        for subscriber in self._subscribers.values():
            subscriber.flush()

    def hold(self) -> None:
        """The environment is idle: begin no delivery but of what was flushed."""
        for subscriber in self._subscribers.values():
            subscriber.hold()

    def release(self) -> None:
        """The environment runs again."""
        for subscriber in self._subscribers.values():
            subscriber.release()

    def is_delivering(self) -> bool:
        """Tell, on any thread, whether an extension must run on to take what is on its way."""
        return any(each.is_delivering for each in list(self._subscribers.values()))

    def drain(self, timeout_s: float) -> None:
        """Deliver everything before the extensions hear of their end; wait for it so long."""
        self.release()
        self.flush()
        for subscriber in self._subscribers.values():
            subscriber.wait_until_delivered(timeout_s)

    def end(self) -> None:
        """The processes are gone, and so are the subscriptions; the next ones are to subscribe."""
        for subscriber in self._subscribers.values():
            subscriber.close()
        self._begin()

    def _now(self) -> str:
        return iso_time(self._now_ms())


def _parsed(text: str) -> object:
    """Return what a JSON line holds; the line itself when it is none, or no plain one."""
    if text.count("{") + text.count("[") > _MOST_BRACKETS:
        return text
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
