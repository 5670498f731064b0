"""Properties of templates as members of API requests: templates write numbers as texts."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

_BOOLEANS: Final = {"true": True, "false": False}


class PropertyProblem(Exception):
    """A property that the resource's type does not have, or of a wrong kind."""


def members_of(service: str, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Members of an operation's request, in its types; raises PropertyProblem."""
    made: dict[str, Any] = _coerced(_shape(service, operation), properties, "#")
    return made


@cache
def _model(service: str) -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _shape(service: str, operation: str) -> Any:
    return _model(service).operation_model(operation).input_shape


def _coerced(shape: Any, value: Any, path: str) -> Any:
    match shape.type_name, value:
        case "structure", Mapping():
            return _structure(shape, value, path)
        case "list", list():
            return [_coerced(shape.member, item, f"{path}/{i}") for i, item in enumerate(value)]
        case "map", Mapping():
            return {
                key: _coerced(shape.value, item, f"{path}/{key}") for key, item in value.items()
            }
        case "blob", bytes() | str():
            return value
        case (("structure" | "list" | "map" | "blob"), _):
            raise _wrong(shape, value, path)
    return _scalar(shape, value, path)


def _structure(shape: Any, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    members = {}
    for name, item in value.items():
        member = name if name in shape.members else name[:1].lower() + name[1:]
        if member not in shape.members:
            raise PropertyProblem(f"{path}: extraneous key [{name}] is not permitted")
        members[member] = _coerced(shape.members[member], item, f"{path}/{name}")
    return members


def _scalar(shape: Any, value: Any, path: str) -> Any:
    try:
        return _CONVERSIONS[shape.type_name](value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _wrong(shape, value, path) from error


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else _BOOLEANS[value.lower()]


def _integer(value: Any) -> int:
    if isinstance(value, bool) or int(value) != float(value):
        raise ValueError(value)
    return int(value)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):  # a policy, say
        return json.dumps(value)
    if isinstance(value, list):
        raise TypeError(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unchanged(value: Any) -> Any:
    return value


_CONVERSIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "boolean": _boolean,
    "double": float,
    "float": float,
    "integer": _integer,
    "long": _integer,
    "string": _text,
    "timestamp": _unchanged,
}


def _wrong(shape: Any, value: Any, path: str) -> PropertyProblem:
    return PropertyProblem(
        f"{path}: expected type: {shape.type_name.capitalize()}, found: {type(value).__name__}"
    )
