"""From an HTTP request to the members of an operation's input, as rest-json binds them.

moto's parser for servers was weighed and left aside: it takes a broken body for a message, a
text for a list of its letters, and leaves a wrong number to a ValueError.
"""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from emulator.model import LambdaError

_LONE_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")  # or one of a pair

_INTEGER: Final = re.compile("[+-]?[0-9]+")  # Python would take 1_000 and digits of any script

_TOKENS: Final = {  # how Lambda's JSON parser calls what it found
    bool: "BOOLEAN_VALUE",
    dict: "START_OBJECT",
    float: "NUMBER_VALUE",
    int: "NUMBER_VALUE",
    list: "START_ARRAY",
    str: "STRING_VALUE",
}


class Query(Protocol):
    """Parameters behind the question mark; a name may come more than once."""

    def get(self, key: str) -> str | None:
        """First value of a name."""

    def getlist(self, key: str) -> list[str]:
        """All values of a name."""


class Headers(Protocol):
    """Headers, found in any case."""

    def get(self, key: str) -> str | None:
        """Value of a header."""


def parse(
    operation: OperationModel,
    uri: Mapping[str, str],
    query: Query,
    headers: Headers,
    body: bytes,
) -> dict[str, Any]:
    """The members of a request that are there and not null, in Python's types.

    Raises SerializationException for a body that is not JSON or holds a wrong type.
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    values: dict[str, Any] = {}
    for name, member in shape.members.items():
        if "location" in member.serialization:
            values[name] = _located(member, name, uri, query, headers)
    if payload := shape.serialization.get("payload"):
        member = shape.members[payload]
        is_document = isinstance(member, StructureShape)
        values[payload] = (_from_json(member, _decode(body)) or None) if is_document else body
    elif len(values) < len(shape.members):  # else the body means nothing
        values.update(_from_json(shape, _decode(body)))
    return {name: value for name, value in values.items() if value is not None}


def _located(
    member: Shape, name: str, uri: Mapping[str, str], query: Query, headers: Headers
) -> Any:
    """A member that does not stand in the body."""
    wire_name = member.serialization.get("name", name)
    match member.serialization["location"]:
        case "uri":
            return _from_text(member, uri[wire_name])
        case "header":
            return _from_text(member, headers.get(wire_name))
    if isinstance(member, ListShape):
        return query.getlist(wire_name) or None
    return _from_text(member, query.get(wire_name))


def _decode(body: bytes) -> Any:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"Could not parse request body into json: {error}") from None
    if _LONE_SURROGATE.search(body):
        _check_characters(document)
    return {} if document is None else document


def _check_characters(document: Any) -> None:
    """Raise SerializationException for half a character, which nobody could write down."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _unreadable(f"Could not parse request body into json: {error.reason}") from None


def _unreadable(message: str) -> LambdaError:
    return LambdaError("SerializationException", message)


def _from_text(shape: Shape, text: str | None) -> Any:
    """A value of the path, the query or a header."""
    if text is None:
        return None
    try:
        match shape.type_name:
            case "integer" | "long" if _INTEGER.fullmatch(text):
                return int(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "timestamp":
                return datetime.fromisoformat(text)
            case "string":
                return text
    except (ValueError, KeyError):
        pass
    raise _mismatch(text, shape)


def _from_json(shape: Shape, value: Any) -> Any:
    match shape, value:
        case StructureShape(), dict():
            return {
                name: _from_json(member, value[name])
                for name, member in shape.members.items()
                if value.get(name) is not None and "location" not in member.serialization
            }
        case ListShape(), list():
            return [None if item is None else _from_json(shape.member, item) for item in value]
        case MapShape(), dict():
            items = {key: item for key, item in value.items() if item is not None}
            return {key: _from_json(shape.value, item) for key, item in items.items()}
        case _:
            return _scalar(shape, value)


def _scalar(shape: Shape, value: Any) -> Any:
    match shape.type_name, value:
        case "boolean", bool():
            return value
        case (("integer" | "long" | "float" | "double" | "timestamp"), bool()):
            raise _mismatch(value, shape)
        case (
            ("string", str()) | ("integer" | "long", int()) | ("float" | "double", int() | float())
        ):
            return value
        case "timestamp", int() | float():
            return _timestamp(shape, value)
        case "blob", str():
            return _blob(value)
        case _:
            raise _mismatch(value, shape)


def _timestamp(shape: Shape, seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the year 9999
        raise _mismatch(seconds, shape) from None


def _blob(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _unreadable(f"A blob is not valid base64: {error}") from None


def _mismatch(value: Any, shape: Shape) -> LambdaError:
    wanted = shape.type_name.capitalize()
    article = "an" if wanted[0] in "AEIOU" else "a"
    return _unreadable(f"{_TOKENS[type(value)]} can not be converted to {article} {wanted}")
