"""Accepted asynchronous events that are not over, so that they outlive the process."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from emulator.storage.database import Database

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, payload BLOB NOT NULL
)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptEvent:
    """One event as it was written."""

    number: int
    state: Mapping[str, Any]  # everything but the payload; JSON
    payload: bytes


class EventJournal:
    """The events in the order in which they were accepted.

    Any thread may call. Without a file nothing is kept and every call is free. What a method
    returned from survives `kill -9`. All methods raise `StorageError`: a full disk.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Open the file, or make it; None: keep nothing."""
        self._database = None if file is None else Database(file, _SCHEMA)
        self._last_found = 0
        if self._database is not None:
            ((self._last_found,),) = self._database.read(
                "SELECT ifnull(max(number), 0) FROM events"
            )
        self._numbers = count(self._last_found + 1)

    @property
    def is_kept(self) -> bool:
        """False: there is no file."""
        return self._database is not None

    def add(self, state: Mapping[str, Any], payload: bytes) -> int:
        """Write a new event and return its number."""
        number = next(self._numbers)
        if self._database is not None:
            values = (number, _text(state), payload)
            self._database.write(("INSERT INTO events VALUES (?, ?, ?)", values))
        return number

    def update(self, number: int, state: Mapping[str, Any]) -> None:
        """Write what became of an event; one that is gone stays so."""
        if self._database is not None:
            values = (_text(state), number)
            self._database.write(("UPDATE events SET state = ? WHERE number = ?", values))

    def remove(self, *numbers: int) -> None:
        """Forget events that are over."""
        if self._database is not None:
            delete = "DELETE FROM events WHERE number = ?"
            self._database.write(*((delete, (number,)) for number in numbers))

    def found(self) -> list[KeptEvent]:
        """What was in the file when it was opened and is not over, oldest first."""
        if self._database is None:
            return []
        query = "SELECT number, state, payload FROM events WHERE number <= ? ORDER BY number"
        rows = self._database.read(query, (self._last_found,))
        return [
            KeptEvent(number=number, state=json.loads(state), payload=payload)
            for number, state, payload in rows
        ]

    def clear(self) -> None:
        """Forget every event."""
        if self._database is not None:
            self._database.write(("DELETE FROM events", ()))

    def close(self) -> None:
        """Close the file; nothing may be called afterwards."""
        if self._database is not None:
            self._database.close()


def _text(state: Mapping[str, Any]) -> str:
    return json.dumps(state, separators=(",", ":"))
