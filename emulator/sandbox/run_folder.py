"""The temporary folder of one run: what is in it ends with the process."""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"lambda-emulator-\d+-.+")


class RunFolder:
    """A folder that says whether its emulator lives: it has a lock on it.

    The kernel takes that back from a killed one, while its process number may be another
    process's by now. Each new run removes what killed ones left behind.
    """

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        _remove_abandoned(parent)
        new = Path(tempfile.mkdtemp(prefix="lambda-emulator-new-"))
        self._lock = _lock(new)
        # Named last: another emulator that starts now must not find it without its lock.
        self.path = new.rename(parent / f"lambda-emulator-{os.getpid()}-{new.name[-8:]}")

    def remove(self) -> None:
        """Delete it with what is in it; what cannot be deleted, the next run tries again."""
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Remove it and give up the lock."""
        self.remove()
        os.close(self._lock)


def _remove_abandoned(parent: Path) -> None:
    for abandoned in parent.glob("lambda-emulator-*-*"):
        if _NAME.fullmatch(abandoned.name):
            with contextlib.suppress(OSError):  # somebody's, or gone meanwhile
                lock = _lock(abandoned)
                shutil.rmtree(abandoned, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int:
    """Return a descriptor that holds the folder; raise OSError when another process does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
