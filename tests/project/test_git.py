import os
import subprocess
from pathlib import Path

from emulator.project import git


def run(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_git_is_at_work_while_it_holds_the_index(tmp_path: Path) -> None:
    run(tmp_path, "init")
    deep = tmp_path / "functions" / "orders"
    deep.mkdir(parents=True)
    assert not git.is_at_work(deep)
    (tmp_path / ".git" / "index.lock").touch()
    assert git.is_at_work(deep)


def test_the_index_of_a_worktree_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    run(tmp_path / "main", "init")
    run(tmp_path / "main", "commit", "--allow-empty", "-m", "first")
    run(tmp_path / "main", "worktree", "add", "../other")
    (tmp_path / "main" / ".git" / "worktrees" / "other" / "index.lock").touch()
    assert git.is_at_work(tmp_path / "other")
    assert not git.is_at_work(tmp_path / "main")


def test_outside_a_repository_git_is_never_at_work(tmp_path: Path) -> None:
    assert not git.is_at_work(tmp_path)


def test_a_lock_that_a_killed_git_left_behind_does_not_count(tmp_path: Path) -> None:
    run(tmp_path, "init")
    lock = tmp_path / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (1, 1))
    assert not git.is_at_work(tmp_path)
