"""What a watched folder held when last looked at, to tell a change from mere noise."""

import hashlib
import math
import os
import stat
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from emulator.project.ignored import is_ignored

TOLD_WITHIN_S: Final = 0.05  # from a change to its event
HASHED_BYTES: Final = 1_048_576  # a larger file counts as changed when size, time or inode differ


class Snapshot:
    """Fingerprints of the files under `root`, which may be a file itself or be missing.

    Only the "reload" thread uses it.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._base = str(root.parent if root.is_file() else root)  # answers are relative to it
        self._seen: dict[str, object] = {}
        self._scanned_s = math.inf  # on time.monotonic

    def scan(self) -> None:
        """Look at everything."""
        self._seen = dict(_fingerprints(self._root))
        self._scanned_s = time.monotonic()

    def changed(self, paths: Iterable[str], began_s: float) -> list[str]:
        """Look at `paths` (files or whole folders) again; which files under them differ, sorted.

        A file that went away differs too. began_s: when the first of these changes was told; all
        of them count when the scan may have been later, for then it has seen them already.
        """
        paths = _outermost(paths)
        if began_s < self._scanned_s + TOLD_WITHIN_S:
            self.scan()
            return sorted(os.path.relpath(path, self._base) for path in paths)
        now = dict(pair for path in paths for pair in _fingerprints(path))
        before = {name: self._seen.pop(name) for name in _at_or_below(paths, self._seen)}
        self._seen.update(now)
        differing = [name for name in {*before, *now} if before.get(name) != now.get(name)]
        return sorted(os.path.relpath(name, self._base) for name in differing)


def _fingerprints(path: str) -> Iterator[tuple[str, object]]:
    """Pairs of path and fingerprint of the file at `path`, or of all files below that folder."""
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except NotADirectoryError:
        yield path, _fingerprint(path)
        return
    except OSError:  # gone, or not ours to read
        return
    for entry in entries:
        if is_ignored(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _fingerprints(entry.path)
        else:
            yield entry.path, _fingerprint(entry.path)


def _fingerprint(path: str) -> object:
    """Equal for equal content; changes of times or modes alone do not show in a small file."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its writer
            return stat.S_IFMT(status.st_mode)
        if status.st_size > HASHED_BYTES:
            return status.st_size, status.st_mtime_ns, status.st_ino
        with open(path, "rb") as file:
            return hashlib.blake2b(file.read(), digest_size=16).digest()
    except OSError as error:  # a link that leads nowhere, or not ours to read
        return error.errno


def _at_or_below(paths: list[str], names: Iterable[str]) -> list[str]:
    """Those of `names` that are one of `paths` or lie below one."""
    ordered = sorted(names)
    found = []
    for path in paths:
        for start, end in ((path, path + "\0"), (path + os.sep, path + chr(ord(os.sep) + 1))):
            found += ordered[bisect_left(ordered, start) : bisect_left(ordered, end)]
    return found


def _outermost(paths: Iterable[str]) -> list[str]:
    """The paths without those that lie below another one of them."""
    kept: list[str] = []
    for path in sorted(set(paths), key=lambda path: path.split(os.sep)):
        if not kept or not path.startswith(os.path.join(kept[-1], "")):
            kept.append(path)
    return kept
