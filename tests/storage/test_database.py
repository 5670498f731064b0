"""One file, many writers: group commits, and files that are not ours to write."""

import sqlite3
import threading
from pathlib import Path

import pytest

from emulator.storage import StorageError
from emulator.storage.database import FORMAT, Database

SCHEMA = "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)"
INSERT = "INSERT INTO t VALUES (?)"


def numbers(database: Database) -> list[int]:
    return [number for (number,) in database.read("SELECT n FROM t ORDER BY n")]


def test_what_many_threads_write_is_all_there(tmp_path: Path) -> None:
    database = Database(tmp_path / "file", SCHEMA)

    def write(first: int) -> None:
        for number in range(first, first + 50):
            database.write((INSERT, (number,)))

    threads = [threading.Thread(target=write, args=(50 * each,)) for each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = Database(tmp_path / "file", SCHEMA)  # the first is not closed: as after kill -9
    assert numbers(again) == list(range(400))
    again.close()
    database.close()


def test_statements_are_done_together_or_not_at_all(tmp_path: Path) -> None:
    database = Database(tmp_path / "file", SCHEMA)
    database.write((INSERT, (1,)))
    with pytest.raises(StorageError):
        database.write((INSERT, (2,)), (INSERT, (1,)))
    assert numbers(database) == [1]
    database.write((INSERT, (2,)))  # the failure has not left a transaction open
    assert numbers(database) == [1, 2]
    database.close()


def test_a_full_disk_is_told_and_goes_away(tmp_path: Path) -> None:
    database = Database(tmp_path / "file", "CREATE TABLE IF NOT EXISTS t (n BLOB)")
    (pages,) = database.read("PRAGMA page_count")[0]
    database.read(f"PRAGMA max_page_count = {pages + 2}")  # SQLite answers as for a full disk
    with pytest.raises(StorageError, match=r"file: No space left on device"):
        database.write((INSERT, (b"x" * 100_000,)))
    database.read("PRAGMA max_page_count = 1000000")
    database.write((INSERT, (b"x" * 100_000,)))
    assert len(database.read("SELECT n FROM t")) == 1
    database.close()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no SQLite at all" * 1000)
    with pytest.raises(StorageError, match="file is not a database"):
        Database(tmp_path / "file", SCHEMA)


def test_a_file_damaged_in_the_middle_is_told(tmp_path: Path) -> None:
    database = Database(tmp_path / "file", SCHEMA)
    database.write(*((INSERT, (number,)) for number in range(20_000)))
    database.close()
    content = bytearray((tmp_path / "file").read_bytes())
    content[8192:40_000] = b"\xff" * (40_000 - 8192)
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(StorageError, match="malformed"):
        numbers(Database(tmp_path / "file", SCHEMA))


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    Database(tmp_path / "file", SCHEMA).close()
    with sqlite3.connect(tmp_path / "file") as newer:
        newer.execute(f"PRAGMA user_version = {FORMAT + 1}")
    newer.close()
    with pytest.raises(StorageError, match=rf"newer emulator wrote it \(format {FORMAT + 1}"):
        Database(tmp_path / "file", SCHEMA)


def test_somebody_elses_file_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "file") as other:
        other.execute("CREATE TABLE theirs (n)")
    other.close()
    with pytest.raises(StorageError, match="not a file of this emulator"):
        Database(tmp_path / "file", SCHEMA)


def test_opening_an_existing_file_writes_nothing(tmp_path: Path) -> None:
    Database(tmp_path / "file", SCHEMA).close()
    before = (tmp_path / "file").read_bytes()
    database = Database(tmp_path / "file", SCHEMA)
    assert not (tmp_path / "file-wal").stat().st_size
    assert numbers(database) == []
    database.close()
    assert (tmp_path / "file").read_bytes() == before


def test_a_text_that_sqlite_cannot_hold_fails_whoever_waited_with_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "file", "CREATE TABLE IF NOT EXISTS t (n TEXT)")
    told: dict[str, str] = {}

    def write(text: str) -> None:
        try:
            database.write((INSERT, (text,)))
        except StorageError as error:
            told[text] = str(error)
        else:
            told[text] = "written"

    threads = [threading.Thread(target=write, args=(text,)) for text in ("\ud800", "good")]
    with database._turn:
        for thread in threads:
            thread.start()
        while len(database._waiting) < 2:
            pass
    for thread in threads:
        thread.join()
    assert "surrogates not allowed" in told["\ud800"]
    assert told["good"] != "written"
    database.write((INSERT, ("good",)))
    assert database.read("SELECT n FROM t") == [("good",)]
    database.close()
