"""What is told of watched files and folders."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path


class Progress(Enum):
    """How far a change has come when it is told."""

    DONE = auto()
    BEGUN = auto()  # more is to come: a file not yet closed, a new folder
    WRITING = auto()  # somebody has the file open and has written to it
    GONE = auto()  # the root itself is missing, or nothing is in it


@dataclass(frozen=True, slots=True)
class Change:
    """Something under a watched root is not as it was, or may not be."""

    root: Path
    path: str  # a file, or a folder that stands for all below it
    progress: Progress = Progress.DONE


Tell = Callable[[Change], None]  # runs on the watcher's own thread and must be quick
TellError = Callable[[Path, OSError], None]  # part of the root cannot be watched


def is_gone(root: str) -> bool:
    """Tell whether a root is missing, or a folder with nothing in it, as when a build begins."""
    try:
        with os.scandir(root) as entries:
            return next(entries, None) is None
    except NotADirectoryError:
        return False
    except OSError:  # not there, or not ours to read
        return not os.path.exists(root)
