from pathlib import Path

from emulator.storage import EventJournal, KeptEvent


def test_events_are_found_again_in_their_order(tmp_path: Path) -> None:
    written = EventJournal(tmp_path / "events")
    first, second, third = (written.add({"n": n}, b"\x00" * n) for n in range(3))
    written.update(second, {"attempts": 1})
    written.remove(first)
    found = EventJournal(tmp_path / "events")  # the first is not closed: as after kill -9
    assert found.found() == [
        KeptEvent(number=second, state={"attempts": 1}, payload=b"\x00"),
        KeptEvent(number=third, state={"n": 2}, payload=b"\x00\x00"),
    ]
    assert found.add({}, b"") > third
    found.clear()
    found.update(third, {})  # what is gone stays so
    assert found.found() == []
    found.close()
    written.close()


def test_without_a_file_nothing_is_kept() -> None:
    journal = EventJournal()
    number = journal.add({}, b"")
    journal.update(number, {})
    assert not journal.is_kept
    assert journal.found() == []
