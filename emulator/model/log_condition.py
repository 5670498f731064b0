"""Conditions in filter patterns of CloudWatch Logs: `$.a = 4* && ($.b > 1 || $.c IS NULL)`."""

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from emulator.model.wildcard import ANY_TEXT, wildcard_regex

Condition = Callable[[Any], bool]  # of a document, or of one field
Getter = Callable[[Any], object]  # what a name stands for in it

MISSING: Final = object()

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<operator>&&|\|\||!=|<=|>=|[=<>(),])
    |(?P<value>"(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)*%)
    |(?P<word>\$(?:\.[\w-]+|\.?\[\d+\]|\.?\[(?:'[^']*'|"[^"]*")\])+|[^\s()&|=!<>,"%]+))""",
    re.VERBOSE,
)
_DEEPEST: Final = 50
_REGEX: Final = re.compile(r"(?:\\[ -~]|[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|*+. ])+")
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ORDER: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_STATES: Final[Mapping[tuple[str, ...], Condition]] = {  # after a name
    ("IS", "NULL"): lambda value: value is None,
    ("IS", "TRUE"): lambda value: value is True,
    ("IS", "FALSE"): lambda value: value is False,
    ("NOT", "EXISTS"): lambda value: value is MISSING,
    ("EXISTS",): lambda value: value is not MISSING,
}


class InvalidLogPattern(ValueError):
    """A filter pattern that CloudWatch Logs refuses; the text is its reason."""


def tokens(text: str) -> list[str]:
    """Cut conditions into operators, values with their quotes or percent signs, and words."""
    found = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise InvalidLogPattern(f"Invalid filter pattern at character {position}")
        found.append(token[0].strip())
        position = token.end()
    return found


def parse_condition(found: Sequence[str], getter: Callable[[str], Getter]) -> Condition:
    """Read a whole condition; `&&` binds closer than `||`. getter: what a name stands for."""
    parser = _Parser(found, getter)
    condition = parser.either()
    parser.finish()
    return condition


def parse_regex(token: str) -> re.Pattern[str]:
    """Read `%…%`, which knows less than Python does."""
    text = token[1:-1]
    if not _REGEX.fullmatch(text):
        raise InvalidLogPattern(f"Invalid character(s) in regex '{text}'")
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidLogPattern(f"Invalid regex '{text}': {error}") from None


def unquoted(token: str) -> str:
    """The text of a value; one without quotes is its own."""
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith('"') else token


class _Parser:
    """Reads one condition from left to right."""

    def __init__(self, found: Sequence[str], getter: Callable[[str], Getter]) -> None:
        self._tokens = list(found)
        self._getter = getter
        self._position = 0
        self._depth = 0

    def either(self) -> Condition:
        parts = [self._all()]
        while self._accept("||"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda it: any(part(it) for part in parts)

    def finish(self) -> None:
        if self._position < len(self._tokens):
            raise InvalidLogPattern(f"Unexpected '{self._tokens[self._position]}'")

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._accept("&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda it: all(part(it) for part in parts)

    def _one(self) -> Condition:
        if self._accept("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise InvalidLogPattern(f"More than {_DEEPEST} parentheses inside each other")
            inside = self.either()
            if not self._accept(")"):
                raise InvalidLogPattern("A parenthesis is not closed")
            self._depth -= 1
            return inside
        get = self._getter(self._next())
        test = self._test()
        return lambda it: test(get(it))

    def _test(self) -> Condition:
        for words, test in _STATES.items():
            if tuple(self._tokens[self._position : self._position + len(words)]) == words:
                self._position += len(words)
                return test
        sign, value = self._next(), self._next()
        if sign in ("=", "!="):
            equals, wanted = _equality(value), sign == "="
            return lambda it: it is not MISSING and equals(it) is wanted
        if sign not in _ORDER or not _NUMBER.fullmatch(value):
            raise InvalidLogPattern(f"'{sign} {value}' is no comparison")
        compare, limit = _ORDER[sign], float(value)
        return lambda it: (number := _number(it)) is not None and compare(number, limit)

    def _next(self) -> str:
        if self._position == len(self._tokens):
            raise InvalidLogPattern("The filter pattern ends too early")
        self._position += 1
        return self._tokens[self._position - 1]

    def _accept(self, token: str) -> bool:
        is_next = self._tokens[self._position : self._position + 1] == [token]
        self._position += is_next
        return is_next


def _equality(token: str) -> Condition:
    """A test for a text with `*` anywhere in it, a number, or a regular expression."""
    if token in _ORDER or token in ("=", "!=", "&&", "||", "(", ")", ","):
        raise InvalidLogPattern(f"Unexpected '{token}'")
    if token.startswith("%"):
        pattern = parse_regex(token)
        return lambda value: value is not None and pattern.search(_text(value)) is not None
    limit = float(token) if _NUMBER.fullmatch(token) else None
    parts = (ANY_TEXT if char == "*" else re.escape(char) for char in unquoted(token))
    like = wildcard_regex(parts)

    def equals(value: object) -> bool:
        if limit is not None and _number(value) == limit:
            return True
        return value is not None and like.fullmatch(_text(value)) is not None

    return equals


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: object) -> float | None:
    if isinstance(value, str):  # the fields of a line without structure are texts
        return float(value) if _NUMBER.fullmatch(value) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
