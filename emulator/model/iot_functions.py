"""Functions of IoT SQL, and what they may ask of a message. Source: AWS IoT SQL reference."""

import base64
import hashlib
import json
import math
import re
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

UNDEFINED: Final = object()  # what is not there: neither null nor false


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A published message, as a rule sees it."""

    topic: str
    payload: bytes
    document: Any  # the payload's JSON; UNDEFINED where it is none
    account: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Function:
    """How many arguments, and what it makes of the message and of them."""

    arity: Collection[int]
    apply: Callable[..., Any]


def message(topic: str, payload: bytes, account: str, at_ms: int) -> Message:
    """A message whose payload has been read."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        document = UNDEFINED
    return Message(topic=topic, payload=payload, document=document, account=account, at_ms=at_ms)


def number(value: Any) -> int | float | None:
    """A number, or a text that is one; None: neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def text(value: Any) -> str:
    """A value as a text, as `+` and `concat` put it together."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _topic(message: Message, level: Any = None) -> Any:
    if level is None:
        return message.topic
    levels = message.topic.split("/")
    is_there = isinstance(level, int) and 1 <= level <= len(levels)
    return levels[level - 1] if is_there else UNDEFINED


def _get(_: Message, holder: Any, key: Any) -> Any:
    if isinstance(holder, dict):
        return holder.get(key, UNDEFINED) if isinstance(key, str) else UNDEFINED
    is_index = isinstance(key, int) and not isinstance(key, bool)
    if isinstance(holder, (list, str)) and is_index and 0 <= key < len(holder):
        return holder[key]
    return UNDEFINED


def _encode(message: Message, value: Any, scheme: Any) -> Any:
    if scheme != "base64" or (value is UNDEFINED and message.document is not UNDEFINED):
        return UNDEFINED
    whole = value is message.document  # also where it is no JSON
    content = message.payload if whole else text(value).encode()
    return base64.b64encode(content).decode()


def _substring(value: str, start: int, end: int | None = None) -> str:
    return value[start:end]


def _replaced(value: str, pattern: str, by: str) -> str:
    return re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", by), value)


def _found(value: str, pattern: str) -> Any:
    found = re.search(pattern, value)
    return found[0] if found else UNDEFINED


def _on_texts(apply: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose first argument is a text; numbers and booleans become one."""

    def on_texts(_: Message, first: Any, *more: Any) -> Any:
        if first is None or any(each is UNDEFINED for each in (first, *more)):
            return UNDEFINED
        try:
            return apply(text(first), *more)
        except (TypeError, ValueError, re.error):
            return UNDEFINED

    return on_texts


def _on_numbers(apply: Callable[..., Any]) -> Callable[..., Any]:
    def on_numbers(_: Message, *values: Any) -> Any:
        numbers = [number(each) for each in values]
        if None in numbers:
            return UNDEFINED
        try:
            return apply(*numbers)
        except (ArithmeticError, ValueError):
            return UNDEFINED

    return on_numbers


def _hash(name: str) -> Function:
    return Function((1,), _on_texts(lambda value: hashlib.new(name, value.encode()).hexdigest()))


def _concat(_: Message, *values: Any) -> Any:
    return "".join(text(each) for each in values if each is not UNDEFINED)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "topic": Function((0, 1), _topic),
    "timestamp": Function((0,), lambda message: message.at_ms),
    "accountid": Function((0,), lambda message: message.account),
    "clientid": Function((0,), lambda message: "n/a"),  # messages come by HTTP
    "newuuid": Function((0,), lambda message: str(uuid.uuid4())),
    "get": Function((2,), _get),
    "encode": Function((2,), _encode),
    "isnull": Function((1,), lambda message, value: value is None),
    "isundefined": Function((1,), lambda message, value: value is UNDEFINED),
    "nvl": Function((2,), lambda message, value, other: other if value is None else value),
    "concat": Function(range(1, 100), _concat),
    "upper": Function((1,), _on_texts(str.upper)),
    "lower": Function((1,), _on_texts(str.lower)),
    "trim": Function((1,), _on_texts(str.strip)),
    "ltrim": Function((1,), _on_texts(str.lstrip)),
    "rtrim": Function((1,), _on_texts(str.rstrip)),
    "length": Function((1,), _on_texts(len)),
    "numbytes": Function((1,), _on_texts(lambda value: len(value.encode()))),
    "startswith": Function((2,), _on_texts(str.startswith)),
    "endswith": Function((2,), _on_texts(str.endswith)),
    "indexof": Function((2,), _on_texts(str.find)),
    "replace": Function((3,), _on_texts(str.replace)),
    "substring": Function((2, 3), _on_texts(_substring)),
    "regexp_matches": Function(
        (2,), _on_texts(lambda value, pattern: re.search(pattern, value) is not None)
    ),
    "regexp_substr": Function((2,), _on_texts(_found)),
    "regexp_replace": Function((3,), _on_texts(_replaced)),
    **{name: _hash(name) for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")},
    "abs": Function((1,), _on_numbers(abs)),
    "ceil": Function((1,), _on_numbers(math.ceil)),
    "floor": Function((1,), _on_numbers(math.floor)),
    "round": Function((1,), _on_numbers(lambda value: math.floor(value + 0.5))),
    "sqrt": Function((1,), _on_numbers(math.sqrt)),
    "power": Function((2,), _on_numbers(math.pow)),
    "mod": Function((2,), _on_numbers(lambda value, by: value % by)),
}
