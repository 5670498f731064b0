"""Values as JSON documents and back, by the types their classes declare."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_document(value: Any) -> Any:
    """A value of dataclasses, enums, paths, mappings, sequences and plain values as JSON has it.

    A mapping with other keys than texts becomes a list of pairs.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value):
        return {each.name: to_document(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        pairs = [(to_document(key), to_document(item)) for key, item in value.items()]
        return dict(pairs) if all(isinstance(key, str) for key, _ in pairs) else pairs
    if isinstance(value, Sequence):
        return [to_document(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be kept")


def from_document(kind: type[T], document: Any) -> T:
    """The value of class `kind` again.

    What the class has since got has its default, and what it no longer has is left out. Raises
    ValueError, TypeError, KeyError or AttributeError for a document that is not of this kind.
    """
    value: T = _read(kind, document)
    return value


def fields_from_document(kind: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of dataclass `kind` that a document has, for who makes the object himself."""
    hints = _hints(kind)
    return {name: _read(hint, document[name]) for name, hint in hints.items() if name in document}


def _read(kind: Any, document: Any) -> Any:
    origin = get_origin(kind) or kind
    if origin in (Any, bool, int, str):
        return document
    if origin in (Union, types.UnionType):
        return _read_union(kind, document)
    if is_dataclass(origin):
        return _read_fields(origin, document)
    for family, read in _READERS:
        if issubclass(origin, family):
            return read(kind, document)
    raise TypeError(f"{kind} cannot be kept")


def _read_union(kind: Any, document: Any) -> Any:
    if document is None:
        return None
    (inner,) = (each for each in get_args(kind) if each is not type(None))
    return _read(inner, document)


def _read_mapping(kind: Any, document: Any) -> Any:
    key_kind, item_kind = get_args(kind) or (Any, Any)
    pairs = document.items() if isinstance(document, Mapping) else document
    return {_read(key_kind, key): _read(item_kind, item) for key, item in pairs}


def _read_sequence(kind: Any, document: Any) -> Any:
    item, *_ = get_args(kind) or (Any,)
    read = [_read(item, each) for each in document]
    return tuple(read) if issubclass(get_origin(kind) or kind, tuple) else read


def _read_fields(kind: Any, document: Any) -> Any:
    known = fields_from_document(kind, document)
    lacking = [
        each.name
        for each in fields(kind)
        if each.name not in known and each.default is MISSING and each.default_factory is MISSING
    ]
    if lacking:
        raise KeyError(f"{kind.__name__} without {', '.join(lacking)}")
    return kind(**known)


_READERS: Final[tuple[tuple[type[Any], Callable[[Any, Any], Any]], ...]] = (
    (float, lambda _, document: float(document)),
    (Enum, lambda kind, document: kind[document]),
    (Path, lambda kind, document: kind(document)),
    (Mapping, _read_mapping),
    (Sequence, _read_sequence),
)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}
