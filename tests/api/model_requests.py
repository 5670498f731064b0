"""Requests made of the service model alone: right ones, and ones that break one constraint each.

What a broken constraint reads like: spec/invoke.md section 3.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

_LAMBDA = "arn:aws:lambda:us-east-1:000000000000"
_UUID = "6c1b0000-0000-4000-8000-000000000000"

# By the shape's name: texts that fit its pattern. Where none stands here, one of `_COMMON` fits.
_EXAMPLES = {
    "CodeSigningConfigArn": f"{_LAMBDA}:code-signing-config:csc-0123456789abcdefg",
    "CapacityProviderArn": f"{_LAMBDA}:capacity-provider:x",
    "DurableExecutionArn": f"{_LAMBDA}:function:x:1/durable-execution/x/x",
    "EnvironmentVariableName": "xx",
    "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:x",
    "FileSystemArn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-"
    + "0" * 17,
    "FunctionRuntimeArn": f"{_LAMBDA}:runtime/example",
    "LayerVersionArn": f"{_LAMBDA}:layer:x:1",
    "LocalMountPath": "/mnt/x",
    "PolicyResourceArn": f"{_LAMBDA}:function:x",
    "RevisionId": _UUID,
    "RoleArn": "arn:aws:iam::000000000000:role/x",
    "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:x",
    "SubnetId": "subnet-1",
    "TaggableResource": f"{_LAMBDA}:function:x",
    "UUIDString": _UUID,
}
_COMMON = (
    *("x", "1", "xxx", "lambda:GetLayerVersion", "lambda:*", "000000000000", "o-1234567890"),
    *("sg-1", "x:1", "ALL", "arn:aws:sqs:us-east-1:000000000000:x"),
)
_UNFIT = ("!", " ", "§", "")  # one of them breaks each pattern that can be broken

# Bounds that are Lambda's own: the model's are those of managed instances.
_MAXIMA = {"EphemeralStorageSize": 10240, "Timeout": 900}
# What the service refuses in words of its own, as other tests say.
_OWN_WORDS = {("Runtime", "enum"), ("MemorySize", "max")}
_LONGEST = 1_000_000  # characters: what is longer is left to tests of the request's size


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A value that breaks one constraint, and how the answer names it."""

    value: Any  # None: it is left out
    path: str  # ""; the name is put before it by who holds the value
    constraint: str  # how the text begins
    shown: str | None  # the value as the text has it; None: not compared


def example(shape: Shape) -> Any:
    """A small value that breaks no constraint."""
    if isinstance(shape, StructureShape):
        return {name: example(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [example(shape.member)] * max(shape.metadata.get("min", 0), 1)
    if isinstance(shape, MapShape):
        return {example(shape.key): example(shape.value)}
    match shape.type_name:
        case "string":
            return _text(shape)
        case "integer" | "long" | "float" | "double":
            return max(shape.metadata.get("min", 1), 1)
        case "boolean":
            return True
        case "timestamp":
            return datetime(2026, 1, 1, tzinfo=UTC)
        case _:
            return b"x"


def _text(shape: Shape) -> str:
    metadata = shape.metadata
    if metadata.get("enum"):
        return str(metadata["enum"][0])
    candidates = [_EXAMPLES[shape.name]] if shape.name in _EXAMPLES else _COMMON
    for text in candidates:
        if metadata.get("min", 0) <= len(text) <= metadata.get("max", _LONGEST) and _fits(
            shape, text
        ):
            return text
    raise AssertionError(f"no example fits {shape.name}: {metadata}")


def _fits(shape: Shape, text: str) -> bool:
    pattern = shape.metadata.get("pattern")
    if pattern is None:
        return True
    return bool(re.fullmatch(pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s"), text))


def minimal(operation: OperationModel) -> dict[str, Any]:
    """The required members, with values that fit."""
    return {} if operation.input_shape is None else dict(example(operation.input_shape))


def violations(operation: OperationModel) -> Iterator[tuple[dict[str, Any], Broken]]:
    """Requests that break one constraint each; what the path of the URI cannot say is left out."""
    shape = operation.input_shape
    if shape is None:
        return
    for name, member in shape.members.items():
        is_in_path = member.serialization.get("location") == "uri"
        is_body = name == shape.serialization.get("payload")
        for broken in _of_member(shape, name):
            if is_body and not isinstance(member, StructureShape):
                continue  # the content of a function's event has rules of its own
            if is_in_path and broken.value in (None, ""):
                continue  # the path of another operation
            if member.serialization.get("location") == "querystring" and broken.value == []:
                continue  # no parameter at all
            request = {**minimal(operation), name: broken.value}
            if broken.value is None:
                del request[name]
            yield request, broken


def _of_member(shape: StructureShape, name: str) -> Iterator[Broken]:
    """What can be wrong with a member of a structure."""
    member, path = shape.members[name], name[0].lower() + name[1:]
    for broken in _broken(member):
        yield replace(broken, path=f"{path}.{broken.path}".rstrip("."))
    if name in shape.required_members:
        yield Broken(value=None, path=path, constraint="Member must not be null", shown="null")


def _broken(shape: Shape) -> Iterator[Broken]:
    """Values that break one constraint of a shape or of what is in it."""
    yield from _of_itself(shape)
    if isinstance(shape, StructureShape):
        for name in shape.members:
            for broken in _of_member(shape, name):
                value = {**example(shape), name: broken.value}
                if broken.value is None:
                    del value[name]
                yield replace(broken, value=value)
    elif isinstance(shape, ListShape):
        yield from _in_list(shape)
    elif isinstance(shape, MapShape):
        yield from _in_map(shape)


def _in_map(shape: MapShape) -> Iterator[Broken]:
    keys = ({broken.value: example(shape.value)} for broken in _of_itself(shape.key))
    values = ({example(shape.key): broken.value} for broken in _of_itself(shape.value))
    for what, wrong in (("Map keys", keys), ("Map value", values)):
        for value in wrong:
            constraint = f"{what} must satisfy constraint: ["
            yield Broken(value=value, path="", constraint=constraint, shown=None)


def _in_list(shape: ListShape) -> Iterator[Broken]:
    is_scalar = not isinstance(shape.member, StructureShape | ListShape | MapShape)
    for broken in _broken(shape.member):
        if is_scalar:
            text = "Member must satisfy constraint: ["
            shown = f"'[{broken.value}]'"
            yield Broken(value=[broken.value], path="", constraint=text, shown=shown)
        else:
            path = f"1.member.{broken.path}".rstrip(".")
            yield replace(broken, value=[broken.value], path=path)


def _of_itself(shape: Shape) -> Iterator[Broken]:
    """Values that break one constraint of the shape alone."""
    for value, constraint in _too_much(shape):
        is_shown = isinstance(value, str | int | float) and not shape.metadata.get("sensitive")
        shown = f"'{value}'" if is_shown else None
        yield Broken(value=value, path="", constraint=constraint, shown=shown)
    if shape.metadata.get("enum") and (shape.name, "enum") not in _OWN_WORDS:
        text = "Member must satisfy enum value set: ["
        yield Broken(value="nonsense", path="", constraint=text, shown="'nonsense'")
    pattern = shape.metadata.get("pattern")
    for text in _UNFIT:
        if pattern is not None and not _fits(shape, text):
            constraint = f"Member must satisfy regular expression pattern: {pattern}"
            shown = None if shape.metadata.get("sensitive") else f"'{text}'"
            yield Broken(value=text, path="", constraint=constraint, shown=shown)
            break


def _too_much(shape: Shape) -> Iterator[tuple[Any, str]]:
    """Values beyond the bounds of a shape, and the constraints they break."""
    low = shape.metadata.get("min")
    high = shape.metadata.get("max")
    named = _MAXIMA.get(shape.name, high)
    is_number = shape.type_name in {"integer", "long", "float", "double"}
    kind = "value" if is_number else "length"
    if high is not None and high <= _LONGEST and (shape.name, "max") not in _OWN_WORDS:
        value = high + 1 if is_number else _of_length(shape, high + 1)
        yield value, f"Member must have {kind} less than or equal to {named}"
    if low is not None and (is_number or low > 0):
        value = low - 1 if is_number else _of_length(shape, low - 1)
        yield value, f"Member must have {kind} greater than or equal to {low}"


def _of_length(shape: Shape, length: int) -> Any:
    if isinstance(shape, ListShape):
        return [example(shape.member)] * length
    if isinstance(shape, MapShape):
        return {f"{example(shape.key)}{number}": example(shape.value) for number in range(length)}
    return b"x" * length if shape.type_name == "blob" else "x" * length
