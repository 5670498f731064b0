import math
import os
import time
from pathlib import Path

import pytest

from emulator.project.ignored import is_ignored
from emulator.project.snapshot import HASHED_BYTES, Snapshot

LATER = math.inf  # when a change was told


def snapshot(root: Path) -> Snapshot:
    taken = Snapshot(root)
    taken.scan()
    return taken


def write(path: Path, text: str = "x") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_a_write_of_the_same_content_is_no_change(tmp_path: Path) -> None:
    app = write(tmp_path / "app.py")
    seen = snapshot(tmp_path)
    write(tmp_path / "app.py")
    os.utime(app, (1, 1))
    os.chmod(app, 0o755)
    assert seen.changed([app], LATER) == []


def test_a_new_a_changed_and_a_deleted_file_are_each_told_once(tmp_path: Path) -> None:
    paths = [write(tmp_path / name) for name in ("a.py", "b.py")]
    seen = snapshot(tmp_path)
    os.unlink(paths[0])
    write(tmp_path / "b.py", "other")
    paths.append(write(tmp_path / "c.py"))
    assert seen.changed(paths, LATER) == ["a.py", "b.py", "c.py"]
    assert seen.changed(paths, LATER) == []


def test_a_file_that_came_and_went_is_no_change(tmp_path: Path) -> None:
    seen = snapshot(tmp_path)
    assert seen.changed([str(tmp_path / "app.py.tmp")], LATER) == []


def test_a_folder_stands_for_all_below_it(tmp_path: Path) -> None:
    write(tmp_path / "old" / "deep" / "a.py")
    seen = snapshot(tmp_path)
    (tmp_path / "old").rename(tmp_path / "new")
    folders = [str(tmp_path / "old"), str(tmp_path / "new"), str(tmp_path / "new" / "deep")]
    assert seen.changed(folders, LATER) == ["new/deep/a.py", "old/deep/a.py"]


def test_a_file_that_becomes_a_folder_is_told_as_both(tmp_path: Path) -> None:
    path = write(tmp_path / "lib")
    seen = snapshot(tmp_path)
    os.unlink(path)
    write(tmp_path / "lib" / "a.py")
    assert seen.changed([path], LATER) == ["lib", "lib/a.py"]
    (tmp_path / "lib" / "a.py").unlink()
    (tmp_path / "lib").rmdir()
    write(tmp_path / "lib")
    assert seen.changed([path], LATER) == ["lib", "lib/a.py"]


def test_what_the_scan_may_have_seen_already_counts_as_changed(tmp_path: Path) -> None:
    app = write(tmp_path / "app.py")
    assert Snapshot(tmp_path).changed([app], time.monotonic()) == ["app.py"]
    assert snapshot(tmp_path).changed([app], time.monotonic()) == ["app.py"]


def test_the_root_may_be_a_single_file(tmp_path: Path) -> None:
    path = write(tmp_path / "code.zip")
    seen = snapshot(tmp_path / "code.zip")
    write(tmp_path / "code.zip", "new")
    assert seen.changed([path], LATER) == ["code.zip"]


def test_what_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert snapshot(tmp_path).changed([str(tmp_path)], LATER) == []


def test_a_large_file_is_compared_by_size_and_time_only(tmp_path: Path) -> None:
    path = write(tmp_path / "model.bin", "x" * (HASHED_BYTES + 1))
    seen = snapshot(tmp_path)
    assert seen.changed([path], LATER) == []
    os.utime(path, (1, 1))
    assert seen.changed([path], LATER) == ["model.bin"]


@pytest.mark.parametrize(
    "name",
    [
        *("__pycache__", "node_modules", ".git", ".venv", ".pytest_cache", ".mypy_cache"),
        *("app.pyc", ".app.py.swp", "app.py~", ".#app.py", "#app.py#", "4913", ".DS_Store"),
    ],
)
def test_names_of_tools_are_ignored(name: str) -> None:
    assert is_ignored(name)


@pytest.mark.parametrize("name", ["app.py", ".env", "git", "modules", "4914", "a.swp.py", "bin"])
def test_names_of_code_are_not_ignored(name: str) -> None:
    assert not is_ignored(name)


def test_an_ignored_folder_is_never_looked_into(tmp_path: Path) -> None:
    seen = snapshot(tmp_path)
    write(tmp_path / "node_modules" / "left-pad" / "index.js")
    assert seen.changed([str(tmp_path)], LATER) == []
