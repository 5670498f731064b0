import contextlib
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.project.file_change import Change, Progress
from emulator.project.file_events import FileEvents
from emulator.project.inotify import InotifyEvents
from emulator.project.observer import ObserverEvents

DEADLINE_S = 5


class Told:
    """Collects what is told, and waits for what should be."""

    def __init__(self) -> None:
        self.changes: queue.Queue[Change] = queue.Queue()
        self.errors: list[OSError] = []

    def error(self, _root: Path, error: OSError) -> None:
        self.errors.append(error)

    def until(self, wanted: Callable[[Change], bool]) -> Change:
        while True:
            change = self.changes.get(timeout=DEADLINE_S)
            if wanted(change):
                return change

    def until_path(self, path: Path, progress: Progress | None = None) -> Change:
        """Wait for a change of `path`; progress: None takes any."""
        wanted = set(Progress) if progress is None else {progress}
        return self.until(lambda change: change.path == str(path) and change.progress in wanted)

    def until_watched(self, path: Path, told_as: Path | None = None) -> None:
        """Write to `path` until that is told by its own name: its folder is watched again."""
        for number in range(DEADLINE_S * 10):
            path.write_text(str(number))
            with contextlib.suppress(queue.Empty):
                while self.changes.get(timeout=0.1).path != str(told_as or path):
                    pass
                return
        raise AssertionError(f"{path} is not watched")

    def nothing_but(self, root: Path, marker: Path) -> None:
        """Change `marker` (in `root`) and see that nothing was told before it."""
        marker.write_text("marker")
        change = self.changes.get(timeout=DEADLINE_S)
        assert (change.root, change.path) == (root, str(marker))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def events(told: Told) -> Iterator[FileEvents]:
    events = InotifyEvents(told.changes.put, told.error)
    yield events
    events.stop()
    assert told.errors == []


def test_a_write_is_told_while_open_and_when_closed(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    events.watch(tmp_path)
    with open(tmp_path / "app.py", "w") as file:
        file.write("half")
        file.flush()
        told.until_path(tmp_path / "app.py", Progress.WRITING)
    told.until_path(tmp_path / "app.py", Progress.DONE)


def test_an_editors_rename_is_told(tmp_path: Path, told: Told, events: FileEvents) -> None:
    (tmp_path / "app.py").write_text("old")
    events.watch(tmp_path)
    (tmp_path / "app.py.new").write_text("new")
    (tmp_path / "app.py.new").rename(tmp_path / "app.py")
    told.until_path(tmp_path / "app.py")


def test_a_file_moved_out_of_the_folder_is_told_at_once(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "app.py").write_text("old")
    events.watch(tmp_path / "f")
    (tmp_path / "f" / "app.py").rename(tmp_path / "app.py")
    told.until_path(tmp_path / "f" / "app.py")


def test_reading_and_changing_modes_or_times_is_not_told(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    app = tmp_path / "app.py"
    app.write_text("x")
    events.watch(tmp_path)
    app.read_text()
    app.chmod(0o755)
    os.utime(app, (1, 1))
    told.nothing_but(tmp_path, tmp_path / "marker")


def test_ignored_folders_are_neither_told_nor_watched(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    events.watch(tmp_path)
    for name in ("node_modules", "__pycache__", ".git"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").write_text("x")
    told.nothing_but(tmp_path, tmp_path / "marker")


def test_files_in_new_and_moved_folders_are_told(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    events.watch(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    told.until_path(tmp_path / "a")
    (tmp_path / "a" / "b" / "one.py").write_text("x")
    told.until(lambda change: str(tmp_path / "a" / "b" / "one.py").startswith(change.path))
    (tmp_path / "a").rename(tmp_path / "c")
    told.until_path(tmp_path / "c")
    (tmp_path / "c" / "b" / "two.py").write_text("x")
    told.until_path(tmp_path / "c" / "b" / "two.py")


@pytest.mark.parametrize("parents", ["", "deep/deeper/"])
def test_a_root_that_is_deleted_and_made_anew_is_watched_again(
    tmp_path: Path, told: Told, events: FileEvents, parents: str
) -> None:
    top = tmp_path / "top"
    root = top / f"{parents}f"
    root.mkdir(parents=True)
    events.watch(root)
    for _ in range(3):
        shutil.rmtree(top)
        told.until_path(root)
        root.mkdir(parents=True)
        told.until_path(root)
        told.until_watched(root / "app.py")


def test_a_root_may_appear_later(tmp_path: Path, told: Told, events: FileEvents) -> None:
    root = tmp_path / "later" / "f"
    events.watch(root)
    root.mkdir(parents=True)
    told.until_path(root)
    told.until_watched(root / "app.py")


def test_a_link_is_watched_through_and_when_it_is_turned(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    current = tmp_path / "links" / "current"
    current.parent.mkdir()
    current.symlink_to(tmp_path / "one")
    events.watch(current)
    (tmp_path / "one" / "app.py").write_text("x")
    told.until_path(current / "app.py")
    (tmp_path / "links" / "next").symlink_to(tmp_path / "two")
    (tmp_path / "links" / "next").rename(current)
    told.until_path(current)
    told.until_watched(tmp_path / "two" / "app.py", told_as=current / "app.py")
    shutil.rmtree(tmp_path / "two")
    told.until_path(current)
    (tmp_path / "two").mkdir()
    told.until_path(current)
    told.until_watched(tmp_path / "two" / "app.py", told_as=current / "app.py")


def test_a_single_file_is_watched_through_writes_renames_and_absence(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    file = tmp_path / "emulator.toml"
    events.watch(file)
    file.write_text("one")
    told.until_path(file, Progress.BEGUN)
    told.until_path(file, Progress.DONE)
    (tmp_path / "other").write_text("two")
    (tmp_path / "other").rename(file)
    told.until_path(file)
    file.unlink()
    told.until_path(file, Progress.GONE)


def test_a_folder_without_a_file_in_it_counts_as_gone(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    app = tmp_path / "app.py"
    app.write_text("x")
    events.watch(tmp_path)
    app.unlink()
    told.until_path(app, Progress.GONE)
    app.write_text("y")
    told.until_path(app, Progress.DONE)


def test_roots_inside_each_other_are_told_each(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    events.watch(tmp_path)
    events.watch(inner)
    (inner / "app.py").write_text("x")
    paths = {told.until_path(inner / "app.py").root for _ in range(2)}
    assert paths == {tmp_path, inner}
    inner.rename(tmp_path / "moved")
    told.until(lambda change: change.root == tmp_path and change.path == str(tmp_path / "moved"))
    (tmp_path / "moved" / "app.py").write_text("y")
    told.until_path(tmp_path / "moved" / "app.py")


def test_nothing_is_told_about_a_root_no_longer_watched(
    tmp_path: Path, told: Told, events: FileEvents
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    for name in ("a", "b"):
        events.watch(tmp_path / name)
    events.unwatch(tmp_path / "a")
    (tmp_path / "a" / "app.py").write_text("x")
    told.nothing_but(tmp_path / "b", tmp_path / "b" / "marker")


@pytest.mark.slow
def test_more_events_than_the_kernel_keeps_stand_for_the_whole_root(
    tmp_path: Path, told: Told
) -> None:
    kept = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    is_full = threading.Event()

    def tell(change: Change) -> None:
        is_full.wait(DEADLINE_S)
        told.changes.put(change)

    (tmp_path / "a.py").write_text("x")
    events = InotifyEvents(tell, told.error)
    try:
        events.watch(tmp_path)
        for _ in range(kept):
            (tmp_path / "a.py").rename(tmp_path / "b.py")
            (tmp_path / "b.py").rename(tmp_path / "a.py")
        is_full.set()
        told.until_path(tmp_path)
        (tmp_path / "late.py").write_text("x")
        told.until_path(tmp_path / "late.py")
    finally:
        events.stop()


def test_other_systems_are_served_by_watchdogs_observer(tmp_path: Path, told: Told) -> None:
    events = ObserverEvents(told.changes.put)
    try:
        (tmp_path / "f").mkdir()
        events.watch(tmp_path / "f")
        events.watch(tmp_path / "emulator.toml")
        (tmp_path / "f" / "__pycache__").mkdir()
        (tmp_path / "f" / "app.py").write_text("x")
        told.until_path(tmp_path / "f" / "app.py")
        (tmp_path / "f" / "app.py").rename(tmp_path / "f" / "main.py")
        told.until_path(tmp_path / "f" / "main.py")
        (tmp_path / "emulator.toml").write_text("")
        told.until_path(tmp_path / "emulator.toml")
        events.unwatch(tmp_path / "f")
    finally:
        events.stop()
    assert all("__pycache__" not in change.path for change in told.changes.queue)
