"""The open connections of WebSocket APIs, and how long each may stay."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from emulator.event_sources.alarms import Alarm, Alarms
from emulator.event_sources.api_gateway.websocket_events import Opening
from emulator.model import Clock

IDLE_S: Final = 600.0
LONGEST_S: Final = 7_200.0
GOING_AWAY: Final = 1001


class Wire(Protocol):
    """The client's end of a connection. Any thread may call."""

    def send(self, text: str) -> None:
        """Send a message; raises ConnectionError when the client has gone."""

    def close(self, code: int, reason: str) -> None:
        """Say goodbye, and wait a moment for the client to answer."""


@dataclass(eq=False)
class Connection:
    """One open connection."""

    opening: Opening
    wire: Wire
    last_active_s: float  # on `Clock.monotonic`
    last_active_at_s: float  # seconds since the epoch
    ends_s: float
    alarm: Alarm | None = field(default=None)


class Connections:
    """Open connections by id. Any thread may call.

    `_lock` guards the table. One alarm a connection rings when it may have been idle for ten
    minutes or open for two hours on the clock; `expire` is then called, and must not wait.
    """

    def __init__(
        self, clock: Clock, alarms: Alarms, expire: Callable[[Connection, str], None]
    ) -> None:
        self._clock = clock
        self._alarms = alarms
        self._expire = expire
        self._lock = threading.Lock()
        self._open: dict[str, Connection] = {}

    def add(self, opening: Opening, wire: Wire) -> None:
        """A handshake is done."""
        now_s = self._clock.monotonic()
        connection = Connection(
            opening=opening,
            wire=wire,
            last_active_s=now_s,
            last_active_at_s=self._clock.now(),
            ends_s=now_s + LONGEST_S,
        )
        with self._lock:
            self._open[opening.connection_id] = connection
        self._set_alarm(connection)

    def find(self, connection_id: str) -> Connection | None:
        """The open connection of this id."""
        with self._lock:
            return self._open.get(connection_id)

    def touch(self, connection: Connection) -> None:
        """A message came or went."""
        connection.last_active_s = self._clock.monotonic()
        connection.last_active_at_s = self._clock.now()

    def remove(self, connection_id: str) -> Connection | None:
        """The connection has ended; None: it was removed before."""
        with self._lock:
            connection = self._open.pop(connection_id, None)
        if connection is not None and connection.alarm is not None:
            connection.alarm.cancel()
        return connection

    def all(self) -> list[Connection]:
        """All that are open."""
        with self._lock:
            return list(self._open.values())

    def _set_alarm(self, connection: Connection) -> None:
        due_s = min(connection.last_active_s + IDLE_S, connection.ends_s)
        connection.alarm = self._alarms.set(due_s, lambda: self._ring(connection))

    def _ring(self, connection: Connection) -> None:
        now_s = self._clock.monotonic()
        if now_s >= connection.ends_s:
            self._expire(connection, "Connection duration exceeded 2 hours")
        elif now_s >= connection.last_active_s + IDLE_S:
            self._expire(connection, "Going away")
        else:
            self._set_alarm(connection)  # it was active meanwhile
