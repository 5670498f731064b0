"""One SQLite file that many threads write."""

import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1  # of the tables: a file of a later emulator is not touched
_APPLICATION: Final = 0x4C616D62  # "Lamb": marks the file as ours

Statement = tuple[str, Sequence[Any]]


class StorageError(OSError):
    """The file cannot be read or written; the text says which file, and why."""


class _Write:
    """The statements of one `write`, and what became of them."""

    __slots__ = ("error", "is_over", "statements")

    def __init__(self, statements: Iterable[Statement]) -> None:
        self.statements = tuple(statements)
        self.is_over = False
        self.error: StorageError | None = None


class Database:
    """A file and its tables. Any thread may call.

    What `write` returned from survives `kill -9` of the process; only a power cut could take the
    newest. Whoever gets `_turn` writes, in one transaction, all that is waiting: so many threads
    together are faster than one. `_turn` is held while SQLite works, and nowhere else.
    """

    def __init__(self, file: Path, schema: str) -> None:
        """Open or make the file; raises StorageError for one that is damaged, newer or not ours."""
        self._file = file
        self._turn = threading.Lock()
        self._waiting: deque[_Write] = deque()
        try:
            self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            try:
                _prepare(self._connection, schema)
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            raise StorageError(_reason(file, error)) from error

    def write(self, *statements: Statement) -> None:
        """Do all of the statements or none of them; raises StorageError."""
        mine = _Write(statements)
        self._waiting.append(mine)
        with self._turn:
            if not mine.is_over:
                self._write_waiting()
        if mine.error is not None:
            raise StorageError(str(mine.error)) from mine.error

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query; raises StorageError."""
        try:
            with self._turn:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StorageError(_reason(self._file, error)) from error

    def close(self) -> None:
        """Close the file; nothing may be called afterwards."""
        with self._turn:
            self._connection.close()

    def _write_waiting(self) -> None:
        writes = [self._waiting.popleft() for _ in range(len(self._waiting))]
        error: StorageError | None = None
        try:
            self._transact(statement for write in writes for statement in write.statements)
        except (sqlite3.Error, ValueError, OverflowError) as problem:
            # The last two: a text or a number that SQLite cannot hold.
            error = StorageError(_reason(self._file, problem))
        for write in writes:
            write.error = error
            write.is_over = True

    def _transact(self, statements: Iterable[Statement]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                self._connection.execute(statement, values)
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # SQLite may have rolled back by itself
                self._connection.execute("ROLLBACK")
            raise


def _prepare(connection: sqlite3.Connection, schema: str) -> None:
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("application_id", "user_version")
    )
    is_new = not connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    if not is_new and application != _APPLICATION:
        raise sqlite3.DatabaseError("it is not a file of this emulator")
    if version > FORMAT:
        raise sqlite3.DatabaseError(
            f"a newer emulator wrote it (format {version}, this one knows {FORMAT})"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if not is_new:
        return  # nothing to write: it opens on a full disk, too
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute(schema)
    connection.execute("COMMIT")


def _reason(file: Path, error: Exception) -> str:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return f"{file}: No space left on device"
    return f"{file}: {error}"
