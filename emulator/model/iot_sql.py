"""IoT SQL: a statement is read whole, refused where it is not understood, and then asked.

statement := SELECT (VALUE expr | item, …) [FROM 'topic filter'] [WHERE expr]
item      := * | expr [AS path]
expr      := OR < AND < NOT < = <> != < <= > >= < + - < * / % < unary - < path, call, literal

Source: IoT Core Developer Guide, AWS IoT SQL reference. Arrays, objects, CASE, IN, sub-queries and
functions that ask other services are not understood.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NoReturn

from emulator.model.iot_functions import FUNCTIONS, UNDEFINED, Message
from emulator.model.iot_functions import text as as_text
from emulator.model.iot_operators import BINARY, invert, negate

Expression = Callable[[Message], Any]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<sign><>|!=|<=|>=|[=<>+\-*/%(),.\[\]]))""",
    re.VERBOSE,
)
_LEVELS: Final[Sequence[tuple[str, ...]]] = (
    ("OR",),
    ("AND",),
    ("NOT",),  # stands before its operand
    ("=", "<>", "!=", "<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)
_KEYWORDS: Final = frozenset({"SELECT", "VALUE", "FROM", "WHERE", "AS", "AND", "OR", "NOT"})
_CONSTANTS: Final[Mapping[str, Any]] = {
    "TRUE": True,
    "FALSE": False,
    "NULL": None,
    "UNDEFINED": UNDEFINED,
}
_TEMPLATE: Final = re.compile(r"\$\{([^}]*)\}")


class SqlError(ValueError):
    """A statement that is not valid, or not understood; the text says where."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A rule's SQL."""

    selection: Expression
    topic_filter: str | None
    condition: Expression | None

    def select(self, message: Message) -> Any:
        """What the rule makes of a message; UNDEFINED when its condition is not true."""
        if self.condition is not None and self.condition(message) is not True:
            return UNDEFINED
        return self.selection(message)


@lru_cache(maxsize=1_000)
def parse(sql: str) -> Statement:
    """Read a statement. Raises SqlError."""
    return _Parser(sql).statement()


def fill(template: str, message: Message) -> str:
    """Put in what the `${…}` of a text say. Raises SqlError."""

    def value(found: "re.Match[str]") -> str:
        answer = _expression(found[1])(message)
        return "Undefined" if answer is UNDEFINED else as_text(answer)

    return _TEMPLATE.sub(value, template)


def check_template(template: str) -> None:
    """Raises SqlError for a text whose `${…}` are not understood."""
    for expression in _TEMPLATE.findall(template):
        _expression(expression)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic fits a filter: `+` stands for one level, `#` at the end for all that follow.

    At the first level, they do not stand for what begins with `$`.
    """
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    if wanted[-1] == "#":
        wanted.pop()
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        pattern in ("+", level) for pattern, level in zip(wanted, levels, strict=True)
    )


@lru_cache(maxsize=1_000)
def _expression(text: str) -> Expression:
    parser = _Parser(text)
    expression = parser.expression()
    parser.end()
    return expression


class _Parser:
    """One reading of one text."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def statement(self) -> Statement:
        self._expect("SELECT")
        selection = self.expression() if self._takes("VALUE") else self._items()
        topic_filter = None
        if self._takes("FROM"):
            kind, topic_filter = self._next()
            if kind != "text":
                raise SqlError(f"a quoted topic filter is expected after FROM, not {topic_filter}")
        condition = self.expression() if self._takes("WHERE") else None
        self.end()
        return Statement(selection=selection, topic_filter=topic_filter, condition=condition)

    def expression(self, level: int = 0) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        if _LEVELS[level] == ("NOT",):
            if self._takes("NOT"):
                operand = self.expression(level)
                return lambda message: invert(operand(message))
            return self.expression(level + 1)
        left = self.expression(level + 1)
        while (sign := self._peek()) in _LEVELS[level]:
            self._next()
            left = _binary(sign, left, self.expression(level + 1))
        return left

    def end(self) -> None:
        if self._at < len(self._tokens):
            self._refuse()

    def _items(self) -> Expression:
        items = [self._item()]
        while self._takes(","):
            items.append(self._item())
        if items == [None]:  # `SELECT *` takes a payload that is no JSON, too
            return lambda message: message.document
        return lambda message: _merged(message, items)

    def _item(self) -> tuple[tuple[str, ...], Expression] | None:
        """Where a value goes, and the value; None: `*`."""
        if self._takes("*"):
            return None
        start = self._at
        expression = self.expression()
        if self._takes("AS"):
            path = [self._name()]
            while self._takes("."):
                path.append(self._name())
            return tuple(path), expression
        tokens = self._tokens[start : self._at]
        if any(kind != "name" and text != "." for kind, text in tokens):
            raise SqlError("what is no attribute needs a name in the result: add AS name")
        return (tokens[-1][1],), expression

    def _unary(self) -> Expression:
        if self._takes("-"):
            operand = self._unary()
            return lambda message: negate(operand(message))
        return self._primary()

    def _primary(self) -> Expression:
        kind, text = self._next()
        if kind == "number":
            number: Any = float(text) if re.search("[.eE]", text) else int(text)
            return lambda message: number
        if kind == "text":
            return lambda message: text
        if text == "(":
            inside = self.expression()
            self._expect(")")
            return inside
        if kind != "name" or text.upper() in _KEYWORDS:
            self._at -= 1
            self._refuse()
        if text.upper() in _CONSTANTS:
            constant = _CONSTANTS[text.upper()]
            return lambda message: constant
        return self._call(text) if self._takes("(") else self._path(text)

    def _path(self, name: str) -> Expression:
        steps: list[str | int] = [name]
        while True:
            if self._takes("."):
                steps.append(self._name())
            elif self._takes("["):
                kind, text = self._next()
                if kind != "number" or not text.isdigit():
                    raise SqlError(f"an index is expected between brackets, not {text}")
                steps.append(int(text))
                self._expect("]")
            else:
                return lambda message: _found(message.document, steps)

    def _call(self, name: str) -> Expression:
        found = FUNCTIONS.get(name.lower())
        if found is None:
            raise SqlError(f"the emulator does not know the function {name}")
        arguments: list[Expression] = []
        while not self._takes(")"):
            if arguments:
                self._expect(",")
            whole = self._takes("*")
            arguments.append((lambda message: message.document) if whole else self.expression())
        if len(arguments) not in found.arity:
            raise SqlError(f"{name} does not take {len(arguments)} arguments")
        apply = found.apply
        return lambda message: apply(message, *[each(message) for each in arguments])

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise SqlError(f"a name is expected, not {text}")
        return text

    def _peek(self) -> str | None:
        """The next token, keywords in capitals; None for texts, numbers and the end."""
        if self._at == len(self._tokens):
            return None
        kind, text = self._tokens[self._at]
        if kind == "sign":
            return text
        return text.upper() if kind == "name" and text.upper() in _KEYWORDS else None

    def _takes(self, wanted: str) -> bool:
        if self._peek() != wanted:
            return False
        self._at += 1
        return True

    def _expect(self, wanted: str) -> None:
        if not self._takes(wanted):
            self._refuse(f"{wanted} is expected")

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            self._refuse()
        self._at += 1
        return self._tokens[self._at - 1]

    def _refuse(self, why: str = "not understood") -> NoReturn:
        rest = " ".join(text for _, text in self._tokens[self._at : self._at + 3])
        raise SqlError(f"{why} at {rest!r}" if rest else f"{why} at the end")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            raise SqlError(f"not understood at {text[at : at + 20]!r}")
        kind = str(token.lastgroup)
        value = token[kind]
        if kind == "text":
            value = value[1:-1].replace(value[0] * 2, value[0])
        found.append((kind, value))
        at = token.end()
    return found


def _binary(sign: str, left: Expression, right: Expression) -> Expression:
    apply = BINARY[sign]
    return lambda message: apply(left(message), right(message))


def _found(document: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int):
            is_there = isinstance(document, list) and step < len(document)
        else:
            is_there = isinstance(document, dict) and step in document
        if not is_there:
            return UNDEFINED
        document = document[step]
    return document


def _merged(
    message: Message, items: Sequence[tuple[tuple[str, ...], Expression] | None]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for item in items:
        if item is None:
            result |= message.document if isinstance(message.document, dict) else {}
            continue
        path, expression = item
        value = expression(message)
        if value is not UNDEFINED:
            _put(result, path, value)
    return result


def _put(result: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        inner = result.get(step)
        # A copy: what is inside may be the message's own.
        result[step] = dict(inner) if isinstance(inner, dict) else {}
        result = result[step]
    result[path[-1]] = value
