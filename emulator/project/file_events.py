"""What happens below watched files and folders, told within a millisecond."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Protocol


class Progress(Enum):
    """How far a change has come when it is told."""

    DONE = auto()
    BEGUN = auto()  # more is to come: a file not yet closed, a new folder, a missing root
    WRITING = auto()  # somebody has the file open and has written to it


@dataclass(frozen=True, slots=True)
class Change:
    """Something under a watched root is not as it was, or may not be."""

    root: Path
    path: str  # a file, or a folder that stands for all below it
    progress: Progress = Progress.DONE


class FileEvents(Protocol):
    """Watches roots: folders with all below them, or single files; a root need not exist yet.

    Any thread may call. Once `watch` has returned, no change of the root goes unnoticed.
    """

    def watch(self, root: Path) -> None:
        """Begin to tell about `root`; raises OSError when the system has no watches left."""

    def unwatch(self, root: Path) -> None:
        """Stop telling about `root`."""

    @property
    def is_caught_up(self) -> bool:
        """True when `catch_up` would not wait."""

    def catch_up(self, timeout_s: float) -> None:
        """Wait, but no longer than that, until all changes made so far have been told."""

    def stop(self) -> None:
        """Tell nothing more; the threads are gone when this returns."""


Tell = Callable[[Change], None]  # runs on the watcher's own thread and must be quick
TellError = Callable[[Path, OSError], None]  # part of the root cannot be watched


def file_events(tell: Tell, tell_error: TellError) -> FileEvents:
    """The fastest watcher this system has."""
    if sys.platform == "linux":
        from emulator.project.inotify import InotifyEvents  # cannot be imported elsewhere

        return InotifyEvents(tell, tell_error)
    from emulator.project.observer import ObserverEvents  # watchdog takes 40 ms to import

    return ObserverEvents(tell)
