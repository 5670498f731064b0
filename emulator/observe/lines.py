"""How an event looks as one line of the terminal."""

import json
import re
from collections.abc import Mapping
from typing import Final

_DIM, _RED, _GREEN, _RESET = "\033[2m", "\033[31m", "\033[32m", "\033[0m"
_SHORT_IDS: Final = ("request", "env")
_SHORT_ID_CHARS: Final = 8  # enough to find it, and the line stays readable
_NEEDS_QUOTES: Final = frozenset(' "=\t\r\n')

Fields = Mapping[str, object]

_LONE_CR: Final = re.compile(r"\r(?!\n)")


def screen_text(text: str) -> str:
    """A function's output as a screen can show it, now or when a file of it is looked at.

    Lambda joins the lines of one log event by carriage returns, a traceback's too; on a screen
    each would overwrite the one before.
    """
    return _LONE_CR.sub("\n", text)


def text_line(name: str, fields: Fields, *, is_coloured: bool = False) -> str:
    """Event name, then key=value; fields that are None are left out.

    Numbers have two decimals at most, texts are quoted where a reader could not tell their end.
    """
    words = [f"{key}={_text(key, value)}" for key, value in fields.items() if value is not None]
    if not is_coloured:
        return " ".join((name, *words)) + "\n"
    colour = _RED if _is_bad(fields) else _GREEN
    return f"{colour}{name}{_RESET} {_DIM}{' '.join(words)}{_RESET}\n"


def json_line(name: str, fields: Fields) -> str:
    """One JSON object: `event`, then the fields that are not None."""
    known = {key: value for key, value in fields.items() if value is not None}
    return json.dumps({"event": name, **known}, default=str) + "\n"


def _text(key: str, value: object) -> str:
    if isinstance(value, str):  # nearly always
        text = value[:_SHORT_ID_CHARS] if key in _SHORT_IDS else value
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    else:
        text = str(value)
    if text and _NEEDS_QUOTES.isdisjoint(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_bad(fields: Fields) -> bool:
    return fields.get("error") is not None or fields.get("status") in ("error", "timeout")
