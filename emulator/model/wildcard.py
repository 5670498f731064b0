"""Patterns in which `*` stands for any text, matched without trying one split after the other."""

import re
from collections.abc import Iterable
from typing import Final

ANY_TEXT: Final = ".*"


def wildcard(text: str) -> Iterable[str]:
    """The parts of a pattern of policies and paths: `*` is any text, `?` any character."""
    return (ANY_TEXT if char == "*" else "." if char == "?" else re.escape(char) for char in text)


def wildcard_regex(parts: Iterable[str], flags: int = 0) -> re.Pattern[str]:
    """Of parts that are `ANY_TEXT` or expressions of one length; for `fullmatch`.

    What stands between two stars is taken where it comes first, and never again elsewhere: a
    plain `.*` would try every combination, for hours, while Python runs nothing else.
    """
    runs = [""]
    for part in parts:
        if part == ANY_TEXT:
            runs.append("")
        else:
            runs[-1] += part
    first, *between = runs
    if not between:
        return re.compile(first, flags | re.DOTALL)
    *middle, last = between
    searched = "".join(f"(?>.*?{run})" for run in middle if run)
    return re.compile(f"{first}{searched}{ANY_TEXT}{last}", flags | re.DOTALL)
