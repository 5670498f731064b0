"""JSON documents by kind and key."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from emulator.storage.database import Database

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""


class Documents:
    """What the rooms keep: a room writes each change, and reads all of a kind when it starts.

    Any thread may call. Without a file nothing is kept and every call is free. A document that
    `put` returned from survives `kill -9` of the process; put it before you answer the request
    that made it, and change your own state after it. All methods raise `StorageError`, an OSError
    that the Lambda API answers with ServiceException: a full disk.

        for key, document in documents.all("mapping").items():  # at start
            self._mappings[key] = mapping_of(document)
        documents.put("mapping", mapping.uuid, document_of(mapping))  # at each change
    """

    def __init__(self, file: Path | None = None) -> None:
        """Open the file, or make it; None: keep nothing."""
        self._database = None if file is None else Database(file, _SCHEMA)

    @property
    def are_kept(self) -> bool:
        """False: there is no file."""
        return self._database is not None

    def put(self, kind: str, key: str, document: Mapping[str, Any]) -> None:
        """Add or replace a document."""
        if self._database is not None:
            values = (kind, key, _text(document))
            self._database.write(("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", values))

    def delete(self, kind: str, key: str) -> None:
        """Remove a document; one that is not there is no error."""
        if self._database is not None:
            self._database.write(("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key)))

    def change(
        self,
        puts: Iterable[tuple[str, str, Mapping[str, Any]]] = (),
        deletes: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Add, replace and remove documents by kind and key: all of it or nothing."""
        if self._database is not None:
            put = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)"
            delete = "DELETE FROM documents WHERE kind = ? AND key = ?"
            self._database.write(
                *((put, (kind, key, _text(body))) for kind, key, body in puts),
                *((delete, where) for where in deletes),
            )

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Every document of a kind by its key, in the order of the keys."""
        if self._database is None:
            return {}
        query = "SELECT key, body FROM documents WHERE kind = ? ORDER BY key"
        return {key: json.loads(body) for key, body in self._database.read(query, (kind,))}

    def clear(self) -> None:
        """Remove everything."""
        if self._database is not None:
            self._database.write(("DELETE FROM documents", ()))

    def close(self) -> None:
        """Close the file; nothing may be called afterwards."""
        if self._database is not None:
            self._database.close()


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))
