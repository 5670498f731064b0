"""Constraints of the service model, and the texts in which Lambda says that one is broken.

Source: spec/invoke.md section 3.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from emulator.control.violations import validation_error, violation
from emulator.model import limits

_JAVA_CLASSES: Final = r"\p{L}\p{Z}\p{N}_"  # of tags; `re` has no Unicode categories
_NULL: Final = "Member must not be null"

# Bounds that the model gives to managed instances and accelerators; other functions have these.
_UPPER_BOUNDS: Final = {
    "EphemeralStorageSize": limits.EPHEMERAL_STORAGE_MIB,
    "MemorySize": None,  # refused by the control room, in a form of its own
    "Timeout": limits.TIMEOUT_S,
}
_OWN_ENUMS: Final = frozenset({"Runtime"})  # refused by the control room, in a form of its own


def check(operation: OperationModel, members: Mapping[str, Any]) -> None:
    """Raise ValidationException, naming every constraint that a parsed request breaks."""
    if operation.input_shape is None:
        return
    if found := list(_violations(operation.input_shape, members, "")):
        raise validation_error(found)


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _in_structure(shape, value, path)
        return
    yield from (_text(shape, value, path, broken) for broken in _broken(shape, value))
    if isinstance(shape, ListShape):
        yield from _in_list(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _in_map(shape, value, path)


def _in_structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        member_path = f"{path}.{_lower(name)}" if path else _lower(name)
        if name in value:
            yield from _violations(member, value[name], member_path)
        elif name in shape.required_members:
            yield violation(None, member_path, _NULL)


def _in_list(shape: ListShape, value: list[Any], path: str) -> Iterator[str]:
    if isinstance(shape.member, StructureShape | ListShape | MapShape):
        for number, item in enumerate(value, start=1):
            item_path = f"{path}.{number}.member"
            if item is None:
                yield violation(None, item_path, _NULL)
            else:
                yield from _violations(shape.member, item, item_path)
    elif any(item is None or any(_broken(shape.member, item)) for item in value):
        rules = ", ".join(_all_constraints(shape.member))
        yield _text(shape, value, path, f"Member must satisfy constraint: [{rules}]")


def _in_map(shape: MapShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for what, part, items in (
        ("Map keys", shape.key, value.keys()),
        ("Map value", shape.value, value.values()),
    ):
        if any(any(_broken(part, item)) for item in items):
            rules = ", ".join(_all_constraints(part))
            yield _text(shape, value, path, f"{what} must satisfy constraint: [{rules}]")


def _text(shape: Shape, value: Any, path: str, constraint: str) -> str:
    if shape.metadata.get("sensitive"):
        return f"Value at '{path}' failed to satisfy constraint: {constraint}"
    return violation(_as_java(value), path, constraint)


def _as_java(value: Any) -> Any:
    """Lists and maps as Java's toString writes them."""
    if isinstance(value, list):
        return f"[{', '.join(str(_as_java(item)) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_as_java(item)}" for key, item in value.items()) + "}"
    return value


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    """The constraints of a shape itself that a value breaks."""
    minimum, maximum = _bounds(shape)
    kind, measure = ("value", value) if _is_number(shape) else ("length", _length(value))
    if measure is not None:
        if maximum is not None and measure > maximum:
            yield f"Member must have {kind} less than or equal to {maximum}"
        if minimum is not None and measure < minimum:
            yield f"Member must have {kind} greater than or equal to {minimum}"
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        yield _pattern(shape)
    if _enum(shape) and value not in _enum(shape):
        yield _enum_set(shape)


def _all_constraints(shape: Shape) -> Iterator[str]:
    """All constraints of a list's or map's members, broken or not."""
    minimum, maximum = _bounds(shape)
    if maximum is not None:
        yield f"Member must have length less than or equal to {maximum}"
    if minimum is not None:
        yield f"Member must have length greater than or equal to {minimum}"
    if "pattern" in shape.metadata:
        yield _pattern(shape)
    if _enum(shape):
        yield _enum_set(shape)
    yield _NULL


def _bounds(shape: Shape) -> tuple[int | None, int | None]:
    maximum = shape.metadata.get("max")
    return shape.metadata.get("min"), _UPPER_BOUNDS.get(shape.name, maximum)


def _enum(shape: Shape) -> list[str]:
    return [] if shape.name in _OWN_ENUMS else shape.metadata.get("enum", [])


def _pattern(shape: Shape) -> str:
    return f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"


def _enum_set(shape: Shape) -> str:
    return f"Member must satisfy enum value set: [{', '.join(_enum(shape))}]"


def _is_number(shape: Shape) -> bool:
    return shape.type_name in {"integer", "long", "float", "double"}


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, str | bytes | list | dict) else None


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    if _JAVA_CLASSES in pattern:
        return re.compile(pattern.replace(_JAVA_CLASSES, r"\w\s"))
    return re.compile(pattern, re.ASCII)
