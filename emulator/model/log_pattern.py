"""Filter patterns of CloudWatch Logs: terms, space-delimited fields, and properties of JSON.

Source: Amazon CloudWatch Logs User Guide, filter pattern syntax.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from emulator.model.log_condition import (
    MISSING,
    Condition,
    Getter,
    InvalidLogPattern,
    parse_condition,
    parse_regex,
    tokens,
    unquoted,
)

_TERM: Final = re.compile(r'\s*([?-]?)("(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)*%|\S+)')
_FIELD: Final = re.compile(r'\[([^\]]*)\](?!\S)|"([^"]*)"(?!\S)|(\S+)')
_STEP: Final = re.compile(r"""\.?\[(\d+)\]|\.?\[['"]([^'"]*)['"]\]|\.([\w-]+)""")
_MOST_REGEXES: Final = 2  # in one pattern of fields or properties
_ELLIPSIS: Final = "..."
_LONGEST: Final = 1024


@dataclass(frozen=True, slots=True)
class LogPattern:
    """A valid pattern. `extract` takes a message, and returns the fields that the pattern names;
    None: the message does not match.
    """

    extract: Callable[[str], Mapping[str, str] | None]

    def matches(self, message: str) -> bool:
        """Whether a message is one of those the pattern wants."""
        return self.extract(message) is not None


@lru_cache(maxsize=256)
def parse_log_pattern(text: str) -> LogPattern:
    """Read a pattern; an empty one matches everything. Raises InvalidLogPattern."""
    text = text.strip()
    if len(text) > _LONGEST:
        raise InvalidLogPattern(f"A filter pattern has at most {_LONGEST} characters")
    if text.startswith("{"):
        return LogPattern(_properties(_inside(text, "}")))
    if text.startswith("["):
        return LogPattern(_fields(_inside(text, "]")))
    return LogPattern(_terms(text))


def _inside(text: str, end: str) -> list[str]:
    if not text.endswith(end):
        raise InvalidLogPattern(f"Invalid filter pattern: no '{end}' at the end")
    found = tokens(text[1:-1])
    if sum(token.startswith("%") for token in found) > _MOST_REGEXES:
        raise InvalidLogPattern(f"More than {_MOST_REGEXES} regular expressions")
    return found


# Terms: `ERROR -"a phrase" ?one ?another %regex%`.


def _terms(text: str) -> Callable[[str], Mapping[str, str] | None]:
    by_sign: dict[str, list[Condition]] = {"": [], "-": [], "?": []}
    for sign, term in _TERM.findall(text):
        by_sign[sign].append(_term(term))
    wanted, unwanted, optional = by_sign[""], by_sign["-"], by_sign["?"]
    if wanted or unwanted:
        optional = []  # as in AWS: beside other terms they count for nothing

    def extract(message: str) -> Mapping[str, str] | None:
        is_match = (
            all(term(message) for term in wanted)
            and not any(term(message) for term in unwanted)
            and (not optional or any(term(message) for term in optional))
        )
        return {} if is_match else None

    return extract


def _term(term: str) -> Condition:
    if re.fullmatch(r"%.+%", term):
        pattern = parse_regex(term)
        return lambda message: pattern.search(message) is not None
    if not re.fullmatch(r'"(?s:.*)"|\w+', term):
        raise InvalidLogPattern(f"Invalid character(s) in term '{term}'")
    text = unquoted(term)
    return lambda message: text in message


# Space-delimited fields: `[ip, user, ..., status = 4*, size > 1000]`.


def _fields(found: Sequence[str]) -> Callable[[str], Mapping[str, str] | None]:
    slots = _split(found)
    names = [slot[0] if slot else "" for slot in slots]
    conditions = [_field_condition(slot) for slot in slots]
    if names.count(_ELLIPSIS) > 1:
        raise InvalidLogPattern("More than one ellipsis")
    gap = names.index(_ELLIPSIS) if _ELLIPSIS in names else None

    def extract(message: str) -> Mapping[str, str] | None:
        values = _values(message)
        if gap is not None:
            after = len(names) - gap - 1
            if len(values) < len(names) - 1:
                return None
            values = [*values[:gap], _ELLIPSIS, *(values[-after:] if after else ())]
        if len(values) != len(names):
            return None
        if not all(holds(value) for holds, value in zip(conditions, values, strict=True)):
            return None
        return {name: value for name, value in zip(names, values, strict=True) if name != _ELLIPSIS}

    return extract


def _split(found: Sequence[str]) -> list[list[str]]:
    slots: list[list[str]] = [[]]
    for token in found:
        if token == ",":
            slots.append([])
        else:
            slots[-1].append(token)
    return slots


def _field_condition(slot: Sequence[str]) -> Condition:
    name = next((token for token in slot if token != "("), "")
    if slot == [_ELLIPSIS]:
        return lambda value: True
    if not re.fullmatch(r"\w+", name):
        raise InvalidLogPattern(f"'{name}' is no name of a field")
    if len(slot) == 1:
        return lambda value: True

    def getter(other: str) -> Getter:
        if other != name:
            raise InvalidLogPattern(f"'{other}' is not the field '{name}'")
        return lambda value: value

    return parse_condition(slot, getter)


def _values(message: str) -> list[str]:
    """The fields of a line: words, and what stands in brackets or quotes, without them."""
    return [
        next(part for part in field.groups() if part is not None)
        for field in _FIELD.finditer(message)
    ]


# Properties of JSON: `{ $.user.id = 1 && $.items[0].name = "a*" }`.


def _properties(found: Sequence[str]) -> Callable[[str], Mapping[str, str] | None]:
    condition = parse_condition(found, _property)

    def extract(message: str) -> Mapping[str, str] | None:
        if "{" not in message:
            return None
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return None
        return {} if isinstance(document, dict) and condition(document) else None

    return extract


def _property(selector: str) -> Getter:
    steps: list[int | str] = [
        int(index) if index else quoted or plain for index, quoted, plain in _STEP.findall(selector)
    ]
    if not selector.startswith("$") or not steps:
        raise InvalidLogPattern(f"'{selector}' is no property: it begins with $.")

    def get(document: Any) -> object:
        value = document
        for step in steps:
            if isinstance(step, str):
                value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
            else:
                is_there = isinstance(value, list) and step < len(value)
                value = value[step] if is_there else MISSING
        return value

    return get
