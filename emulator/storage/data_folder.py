"""The folder of `--data-dir`: what is where in it, and whose it is."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

from emulator.storage.database import StorageError
from emulator.storage.documents import Documents
from emulator.storage.event_journal import EventJournal

_LOCK: Final = "lock"


class FolderError(StorageError):
    """The folder cannot be had at all; the text says why, and what to do."""


class DataFolder:
    """One emulator's folder: `code/`, `documents.sqlite`, `events.sqlite` and a lock.

    The kernel takes the lock back from a process that was killed.
    """

    def __init__(self, path: Path) -> None:
        """Open or make it; raises StorageError when it is another emulator's, or damaged."""
        self.path = path.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            text = (
                f"{path} cannot be used: {error.strerror}. Choose a folder that you may write to."
            )
            raise FolderError(text) from error
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, self._lock)
            self._take()
            self.documents = Documents(self.path / "documents.sqlite")
            undo.callback(self.documents.close)
            self.journal = EventJournal(self.path / "events.sqlite")
            undo.pop_all()

    @property
    def code(self) -> Path:
        """Where code packages are."""
        return self.path / "code"

    def close(self) -> None:
        """Close the files and let another emulator use the folder."""
        self.documents.close()
        self.journal.close()
        os.close(self._lock)

    def _take(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(self._lock, 20, 0).decode(errors="replace").strip()
            raise FolderError(
                f"{self.path} is in use by another emulator (process {owner or 'unknown'})."
                " Stop that one, or choose another folder."
            ) from error
        with contextlib.suppress(OSError):  # a full disk; the number is for the message only
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, str(os.getpid()).encode(), 0)
