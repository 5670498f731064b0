"""Whether git is at work on the files of a folder."""

import time
from pathlib import Path
from typing import Final

STALE_S: Final = 30.0  # a git that was killed leaves its lock behind


def is_at_work(folder: Path) -> bool:
    """True while git holds the index of the repository around `folder`, as a branch switch does."""
    for parent in (folder, *folder.parents):
        repository = parent / ".git"
        if repository.is_file():  # a worktree or submodule: the file says where the rest is
            _, _, place = repository.read_text(errors="replace").partition("gitdir: ")
            repository = parent / place.strip()
        if repository.is_dir():
            return _is_fresh(repository / "index.lock")
    return False


def _is_fresh(lock: Path) -> bool:
    try:
        return time.time() - lock.stat().st_mtime < STALE_S
    except OSError:
        return False
