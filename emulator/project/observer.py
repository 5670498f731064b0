"""File events on systems without inotify, from watchdog's observer for that system."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

from emulator.project.file_change import Change, Progress, Tell, is_gone
from emulator.project.ignored import is_ignored

_CHANGES: Final = frozenset({"created", "modified", "moved", "deleted", "closed"})


class ObserverEvents:
    """Any number of roots on one observer. `_lock` guards the table of roots."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._roots: dict[Path, tuple[FileSystemEventHandler, ObservedWatch]] = {}
        self._observer = Observer()
        self._observer.start()

    def watch(self, root: Path) -> None:
        """Begin to tell about `root`."""
        # watchdog asks for a subclass, but calls nothing but `dispatch`.
        handler = cast(FileSystemEventHandler, _Handler(root, self._tell))
        is_folder = root.is_dir()
        with self._lock:
            if root not in self._roots:
                folder = root if is_folder else root.parent
                watch = self._observer.schedule(handler, folder, recursive=is_folder)
                self._roots[root] = (handler, watch)

    def unwatch(self, root: Path) -> None:
        """Stop telling about `root`."""
        with self._lock:
            if root in self._roots:
                # Another root may share the watch, so only the handler goes.
                self._observer.remove_handler_for_watch(*self._roots.pop(root))

    @property
    def is_caught_up(self) -> bool:
        """True: these systems do not say what they have yet to tell."""
        return True

    def catch_up(self, timeout_s: float) -> None:
        """Do nothing, for the same reason."""

    def stop(self) -> None:
        """Tell nothing more; the threads are gone when this returns."""
        self._observer.stop()
        self._observer.join()


@dataclass(frozen=True, eq=False, slots=True)
class _Handler:
    root: Path
    tell: Tell

    def dispatch(self, event: FileSystemEvent) -> None:
        """Pass on what changed files under the root."""
        if event.event_type not in _CHANGES:
            return
        for raw in (event.src_path, event.dest_path):
            path = os.path.abspath(os.fsdecode(raw)) if raw else ""
            if path and self._is_ours(path):
                # Only inotify tells when a file is closed: elsewhere quiet time must do.
                progress = Progress.GONE if is_gone(str(self.root)) else Progress.DONE
                self.tell(Change(self.root, path, progress))

    def _is_ours(self, path: str) -> bool:
        if not Path(path).is_relative_to(self.root):
            return False
        return not any(is_ignored(name) for name in Path(path).relative_to(self.root).parts)
