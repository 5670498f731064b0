"""Watchers of files and folders, which tell of a change within a millisecond."""

import sys
from pathlib import Path
from typing import Protocol

from emulator.project.file_change import Tell, TellError


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


def file_events(tell: Tell, tell_error: TellError) -> FileEvents:
    """The fastest watcher this system has."""
    if sys.platform == "linux":
        from emulator.project.inotify import InotifyEvents  # cannot be imported elsewhere

        return InotifyEvents(tell, tell_error)
    from emulator.project.observer import ObserverEvents  # watchdog takes 40 ms to import

    return ObserverEvents(tell)
