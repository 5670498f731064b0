"""JSON documents by kind and key."""

import json
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""


class Documents:
    """What the rooms keep: a room writes each change, and reads all of a kind when it starts.

    Any thread may call; `_lock` is held for one statement. Without a file nothing is kept and
    every call is free. A document that `put` returned from survives `kill -9` of the process.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._database = None if file is None else _open(file)

    @property
    def are_kept(self) -> bool:
        """False: there is no file."""
        return self._database is not None

    def put(self, kind: str, key: str, document: Mapping[str, Any]) -> None:
        """Add or replace a document."""
        body = json.dumps(document, separators=(",", ":"))
        self._execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", kind, key, body)

    def delete(self, kind: str, key: str) -> None:
        """Remove a document; one that is not there is no error."""
        self._execute("DELETE FROM documents WHERE kind = ? AND key = ?", kind, key)

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Every document of a kind by its key, in the order of the keys."""
        if self._database is None:
            return {}
        with self._lock:
            rows = self._database.execute(
                "SELECT key, body FROM documents WHERE kind = ? ORDER BY key", (kind,)
            ).fetchall()
        return {key: json.loads(body) for key, body in rows}

    def clear(self) -> None:
        """Remove everything."""
        self._execute("DELETE FROM documents")

    def close(self) -> None:
        """Close the file; nothing may be called afterwards."""
        if self._database is not None:
            self._database.close()

    def _execute(self, statement: str, *values: str) -> None:
        if self._database is not None:
            with self._lock:
                self._database.execute(statement, values)


def _open(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    # What was written survives the process; only a power cut could lose the newest.
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(_SCHEMA)
    return database
