"""What is wrong with a request that moto failed at, where the request is to blame."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs
from xml.etree import ElementTree

from emulator.aws.errors import REST_XML, is_query
from emulator.aws.routing import Environ, action_of, whole_body

_BOTOCORE_NAMES: Final = {"cognitoidp": "cognito-idp", "cognitoidentity": "cognito-identity"}
_TOKENS: Final = {
    bool: "BOOLEAN_VALUE",
    dict: "START_OBJECT",
    float: "NUMBER_VALUE",
    int: "NUMBER_VALUE",
    list: "START_ARRAY",
    str: "STRING_VALUE",
}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "blob": (str,),
    "boolean": (bool,),
    "double": (int, float),
    "float": (int, float),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
    "timestamp": (int, float, str),
}

Mistake = tuple[str, str]  # code and text


def mistake_in(environ: Environ, backend: str) -> Mistake | None:
    """Code and text of a refusal; None: the request is one that its service should take."""
    body = whole_body(environ)
    if backend in REST_XML:
        return _in_xml(body)
    if "HTTP_X_AMZ_TARGET" not in environ and is_query(environ):
        return _in_query(environ, backend, body)
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return "SerializationException", "The body of the request cannot be read as JSON."
    if not isinstance(document, dict):
        return "SerializationException", "The body of the request is not a JSON object."
    shape = _input_of(backend, action_of(environ))
    return None if shape is None else next(_in_value(shape, document, ""), None)


def _in_xml(body: bytes) -> Mistake | None:
    if body.strip():
        try:
            ElementTree.fromstring(body)
        except ElementTree.ParseError:
            return "MalformedXML", (
                "The XML you provided was not well-formed or did not validate against our"
                " published schema"
            )
    return None


def _in_query(environ: Environ, backend: str, body: bytes) -> Mistake | None:
    shape = _input_of(backend, action_of(environ))
    text = f"{environ.get('QUERY_STRING', '')}&{body.decode('utf-8', 'replace')}"
    given = set(parse_qs(text))  # without those that are empty
    begun = {name.partition(".")[0] for name in given}
    for name in shape.required_members if shape is not None else ():
        member = shape.members[name]
        names = {name, member.serialization.get("name", name)}
        if not names & (begun if member.type_name in _INSIDE else given):
            return "MissingParameter", f"The request must contain the parameter {name}."
    return None


def _in_value(shape: Any, value: Any, path: str) -> Iterator[Mistake]:
    """What is wrong with a JSON value; its first mistake is enough."""
    types = _TYPES.get(shape.type_name, (type(value),))
    if value is None:
        yield _missing(path)
    elif not isinstance(value, types) or (isinstance(value, bool) and types != (bool,)):
        found, wanted = _TOKENS[type(value)], shape.type_name.capitalize()
        yield "SerializationException", f"{found} can not be converted to {wanted} at '{path}'"
    elif shape.type_name in _INSIDE:
        yield from _INSIDE[shape.type_name](shape, value, path)


def _in_structure(shape: Any, value: dict[str, Any], path: str) -> Iterator[Mistake]:
    for name, member in shape.members.items():
        where = f"{path}.{name}".lstrip(".")
        if value.get(name) is not None:
            yield from _in_value(member, value[name], where)
        elif name in shape.required_members and "location" not in member.serialization:
            yield _missing(where)


def _in_list(shape: Any, value: list[Any], path: str) -> Iterator[Mistake]:
    for item in value:
        yield from _in_value(shape.member, item, f"{path}[]")


def _in_map(shape: Any, value: dict[str, Any], path: str) -> Iterator[Mistake]:
    for key, item in value.items():
        yield from _in_value(shape.value, item, f"{path}.{key}")


def _missing(path: str) -> Mistake:
    text = f"Value null at '{path}' failed to satisfy constraint: Member must not be null"
    return "ValidationException", f"1 validation error detected: {text}"


_INSIDE: Final[dict[str, Callable[[Any, Any, str], Iterator[Mistake]]]] = {
    "list": _in_list,
    "map": _in_map,
    "structure": _in_structure,
}


@cache
def _input_of(backend: str, operation: str) -> Any:
    """The shape of an operation's input; None: botocore does not know it, or it has none."""
    # Late, as everywhere in this room: the emulator answers before botocore is loaded.
    from botocore.exceptions import DataNotFoundError
    from botocore.loaders import Loader
    from botocore.model import OperationNotFoundError, ServiceModel

    name = _BOTOCORE_NAMES.get(backend, backend)
    try:
        model = ServiceModel(Loader().load_service_model(name, "service-2"), name)
        return model.operation_model(operation).input_shape
    except (DataNotFoundError, OperationNotFoundError):
        return None
