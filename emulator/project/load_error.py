"""Why code did not load, from the body of a failed init phase."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TASK_ROOT: Final = "/var/task"
_PLACES: Final = (
    re.compile(r'File "([^"]+)",? [Ll]ine (\d+)'),  # Python: the last one is where it happened
    re.compile(r"(?:file://)?(/[^\s:()]+):(\d+)"),  # Node
)


@dataclass(frozen=True, slots=True)
class LoadError:
    """One line about it, and where it happened."""

    message: str
    place: str | None  # /home/me/project/app.py:3; None when the error does not say


def load_error(body: bytes, folder: Path) -> LoadError:
    """Read an error object of Lambda; `folder` is where the function's code lies."""
    try:
        error = json.loads(body)
        kind, text = error.get("errorType"), error.get("errorMessage", "")
        frames = error.get("stackTrace") or error.get("trace") or []
    except (ValueError, AttributeError):
        return LoadError(body.decode(errors="replace"), None)
    message = f"{kind}: {text}" if kind else str(text)
    return LoadError(message, _place("\n".join(map(str, frames)), folder))


def _place(trace: str, folder: Path) -> str | None:
    for pattern, newest in zip(_PLACES, (-1, 0), strict=True):
        places = [(_on_this_machine(file, folder), line) for file, line in pattern.findall(trace)]
        ours = [f"{file}:{line}" for file, line in places if Path(file).is_relative_to(folder)]
        if ours:
            return ours[newest]
    return None


def _on_this_machine(file: str, folder: Path) -> str:
    if file.startswith(_TASK_ROOT + "/"):
        return os.path.join(folder, file[len(_TASK_ROOT) + 1 :])
    return file
