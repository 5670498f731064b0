"""File events on Linux, from watchdog's inotify reader.

watchdog's `InotifyFD` is used below its `Observer`, because the latter holds a file that is moved
away back for 0.5 s (it waits for the other half of the move), runs a thread a watched folder, and
walks into node_modules.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from emulator.model.readable import Readable
from emulator.project.file_change import Change, Progress, Tell, TellError, is_gone
from emulator.project.ignored import is_ignored

_COMES_OR_GOES: Final = (
    InotifyConstants.IN_CREATE | InotifyConstants.IN_DELETE | InotifyConstants.IN_MOVE
)
_SELF: Final = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF
# One mask for all: a second watch of the same folder would otherwise replace the first one's.
_MASK: Final = Mask(
    _COMES_OR_GOES
    | InotifyConstants.IN_MODIFY
    | _SELF
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ONLYDIR
)


class _Reader(InotifyFD):
    """watchdog's thread that reads events, which also knows when it has passed on all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "file events"
        self._is_passing_on = False
        self._has_passed_on = threading.Condition()
        self._has_unread = Readable(self._inotify_fd)

    def catch_up(self, timeout_s: float) -> None:
        """Return when everything that happened before this call has been passed on."""
        if not self.is_caught_up:
            with self._has_passed_on:
                self._has_passed_on.wait_for(lambda: self.is_caught_up, timeout_s)

    @property
    def is_caught_up(self) -> bool:
        """True when there is nothing to pass on, or nobody to do it."""
        if not self.should_keep_running():
            return True
        # In this order: events go from the kernel's hands into ours, never back.
        return not (self._has_unread or self._is_passing_on)

    def _check_inotify_fd(self) -> bool:  # type: ignore[explicit-override]  # needs Python 3.12
        # watchdog waits here for events, reads them next, and comes back with all passed on.
        with self._has_passed_on:
            self._is_passing_on = False
            self._has_passed_on.notify_all()
        self._is_passing_on = super()._check_inotify_fd()
        return self._is_passing_on


class InotifyEvents:
    """Any number of roots on one inotify instance and its one thread, "file events".

    `_lock` guards the table of roots.
    """

    def __init__(self, tell: Tell, tell_error: TellError) -> None:
        self._tell = tell
        self._tell_error = tell_error
        self._lock = threading.Lock()
        self._roots: dict[Path, _Root] = {}
        self._inotify = _Reader()
        self._inotify.start()

    def watch(self, root: Path) -> None:
        """Begin to tell about `root`; raises OSError when the system has no watches left."""
        watched = _Root(self._inotify, root, self._tell, self._tell_error)
        with self._lock:
            if self._roots.setdefault(root, watched) is not watched:
                return
        watched.attach()

    def unwatch(self, root: Path) -> None:
        """Stop telling about `root`."""
        with self._lock:
            watched = self._roots.pop(root, None)
        if watched is not None:
            watched.detach()

    @property
    def is_caught_up(self) -> bool:
        """True when `catch_up` would not wait."""
        return self._inotify.is_caught_up

    def catch_up(self, timeout_s: float) -> None:
        """Wait, but no longer than that, until all changes made so far have been told."""
        self._inotify.catch_up(timeout_s)

    def stop(self) -> None:
        """Tell nothing more; the thread is gone when this returns."""
        self._inotify.stop()
        self._inotify.join()


class _Root:
    """One root: a watch on every folder below it, and on the folder that it stands in.

    watchdog calls it on the thread "file events". `_lock` guards the tables; it is held while
    folders are listed, never while somebody is told.
    """

    def __init__(self, inotify: InotifyFD, root: Path, tell: Tell, tell_error: TellError) -> None:
        self._inotify = inotify
        self._root = root
        self._tree = str(root)
        self._tell = tell
        self._tell_error = tell_error
        self._lock = threading.Lock()
        self._anchors: set[str] = set()  # when one of these comes or goes, the root does
        self._folders: dict[WatchDescriptor, str] = {}
        self._watches: dict[str, WatchDescriptor] = {}  # the same, turned round

    def attach(self) -> None:
        """Watch what is there now; raises OSError when the system has no watches left."""
        with self._lock:
            self._attach()

    def detach(self) -> None:
        """Watch nothing more."""
        with self._lock:
            self._remove(list(self._folders))

    def on_event(self, event: InotifyEvent) -> None:
        """Pass on what watchdog read about one watched folder."""
        self._guarded(lambda: self._change(event))

    def on_queue_overflow(self) -> None:
        """Look at everything anew: more happened than the kernel could remember."""
        self._guarded(self._everything)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Forget a folder that is gone."""
        with self._lock:
            self._watches.pop(self._folders.pop(wd, ""), None)

    def _guarded(self, look: Callable[[], Change | None]) -> None:
        try:
            with self._lock:
                change = look()
        except OSError as error:
            # What could not be watched is told; the change itself must not get lost over it.
            self._tell_error(self._root, error)
            change = self._changed(self._tree)
        if change is not None:
            self._tell(change)

    def _change(self, event: InotifyEvent) -> Change | None:
        folder = self._folders.get(event.wd)
        if folder is None:
            return None
        if event.mask & _SELF:
            return self._folder_gone(event.wd, folder)
        name = os.fsdecode(event.name)
        path = os.path.join(folder, name)
        if path in self._anchors and event.mask & _COMES_OR_GOES:
            self._attach()
            path = self._tree
        elif is_ignored(name) or not _is_within(path, self._tree):
            return None
        elif event.mask & InotifyConstants.IN_ISDIR:
            self._remove_tree(path)
            self._add_tree(path)
        return self._changed(path, _progress(event.mask))

    def _folder_gone(self, wd: WatchDescriptor, folder: str) -> Change | None:
        if folder != self._tree and all(os.path.dirname(path) != folder for path in self._anchors):
            return None  # the folder it stood in tells as well
        self._remove([wd])
        return self._everything()

    def _everything(self) -> Change:
        self._attach()
        return self._changed(self._tree)

    def _changed(self, path: str, progress: Progress = Progress.DONE) -> Change:
        if is_gone(self._tree):
            progress = Progress.GONE
        return Change(self._root, path, progress)

    def _attach(self) -> None:
        self._remove_tree(self._tree)
        is_settled = False
        while not is_settled:  # folders may come and go while we look for them
            self._anchors = self._find_anchors()
            for path in self._anchors:
                self._add(os.path.dirname(path))
            is_settled = self._anchors == self._find_anchors()
        self._add_tree(self._tree)

    def _find_anchors(self) -> set[str]:
        # A root that is a link has two: itself and what it leads to.
        return {_outermost_missing(path) for path in (self._tree, os.path.realpath(self._tree))}

    def _add_tree(self, folder: str) -> None:
        if not os.path.isdir(folder):
            return
        self._add(folder)  # before it is listed: what is made from now on is told
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False) and not is_ignored(entry.name):
                self._add_tree(entry.path)

    def _add(self, folder: str) -> None:
        if folder in self._watches or not os.access(folder, os.R_OK):
            return
        try:
            wd = self._inotify.add_callback(os.fsencode(folder), _MASK, self, CallbackId(id(self)))
        except (FileNotFoundError, NotADirectoryError):  # gone meanwhile
            return
        self._watches[folder] = wd
        self._folders[wd] = folder

    def _remove_tree(self, folder: str) -> None:
        self._remove([wd for wd, path in self._folders.items() if _is_within(path, folder)])

    def _remove(self, wds: list[WatchDescriptor]) -> None:
        for wd in wds:
            self._watches.pop(self._folders.pop(wd), None)
        self._inotify.remove_callbacks([(wd, CallbackId(id(self))) for wd in wds])


def _progress(mask: int) -> Progress:
    if mask & InotifyConstants.IN_MODIFY:
        return Progress.WRITING
    if mask & InotifyConstants.IN_CREATE:
        return Progress.BEGUN  # a link is never closed, and a folder may stay empty: time will show
    return Progress.DONE


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _outermost_missing(path: str) -> str:
    """The path itself when its folder exists, else the outermost of its parents that is missing."""
    while not os.path.isdir(os.path.dirname(path)):
        path = os.path.dirname(path)
    return path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:  # gone meanwhile
        return []
