"""JSON paths as EventBridge takes them: `$.detail.items[0].sku`, `$.detail.items[*].sku`."""

import re
from collections.abc import Sequence
from typing import Any, Final

MISSING: Final = object()  # what a path leads to that the document has not

_STEP: Final = re.compile(
    r"""\.(?P<name>[^.\[\]*]+)
      | \[(?P<index>-?\d+)\]
      | \[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]
      | (?P<every>\.\*|\[\*\])""",
    re.VERBOSE,
)


def find(path: str, document: Any) -> Any:
    """What `path` leads to, or MISSING; with a wildcard a list of all it leads to."""
    steps = _steps(path)
    if steps is None:
        return MISSING
    return _follow(steps, document)


def _steps(path: str) -> list[re.Match[str]] | None:
    if not path.startswith("$"):
        return None
    steps, position = [], 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return None
        steps.append(step)
        position = step.end()
    return steps


def _follow(steps: Sequence[re.Match[str]], value: Any) -> Any:
    for number, step in enumerate(steps):
        if step["every"]:
            members = value.values() if isinstance(value, dict) else value
            if not isinstance(value, dict | list):
                return MISSING
            found = [_follow(steps[number + 1 :], member) for member in members]
            return [member for member in found if member is not MISSING]
        value = _next(step, value)
        if value is MISSING:
            return MISSING
    return value


def _next(step: re.Match[str], value: Any) -> Any:
    if step["index"] is not None:
        index = int(step["index"])
        is_there = isinstance(value, list) and -len(value) <= index < len(value)
        return value[index] if is_there else MISSING
    name = step["name"] or step["quoted"]
    return value.get(name, MISSING) if isinstance(value, dict) else MISSING
