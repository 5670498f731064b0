"""Whether git is at work on the files of a folder."""

from pathlib import Path


def is_at_work(folder: Path) -> bool:
    """True while git holds the index of the repository around `folder`, as a branch switch does.

    Killed gits leave the lock behind: do not wait for its end without a limit.
    """
    for parent in (folder, *folder.parents):
        repository = parent / ".git"
        if repository.is_file():  # a worktree or submodule: the file says where the rest is
            _, _, place = repository.read_text(errors="replace").partition("gitdir: ")
            repository = parent / place.strip()
        if repository.is_dir():
            return (repository / "index.lock").exists()
    return False
