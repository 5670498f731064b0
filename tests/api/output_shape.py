"""Whether an answer is one that the service model describes."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

_TYPES: dict[str, type | tuple[type, ...]] = {
    "blob": str,
    "boolean": bool,
    "double": (int, float),
    "float": (int, float),
    "integer": int,
    "long": int,
    "string": str,
    "timestamp": (int, float),
}
# What Lambda answers against its own model: spec/control-plane.md.
_STATUS = {"DeleteFunction": 204}
_VALUES = {"LastUpdateStatusReasonCode": "Creating"}
_MISSING = {"GetFunctionCodeSigningConfig": {"CodeSigningConfigArn"}}


def refuse_foreign_answers(client: Any) -> None:
    """Have a boto3 client of Lambda fail at an answer that the service model does not describe."""
    client.meta.events.register("after-call.lambda", _check)


def _check(http_response: AWSResponse, model: OperationModel, **_: object) -> None:
    if http_response.status_code >= 300:
        return
    if model.has_streaming_output or model.has_event_stream_output:
        return  # what the function says
    found = list(problems(model, http_response.status_code, http_response.content))
    assert not found, f"{model.name}: {found} in {http_response.content!r}"


def problems(operation: OperationModel, status: int, body: bytes) -> Iterator[str]:
    """All that is wrong with an answer of success."""
    expected = _STATUS.get(operation.name, operation.http["responseCode"])
    if status != expected:
        yield f"status {status}, not {expected}"
    if status == 204 or operation.output_shape is None:
        yield from ["a body"] if body else []
        return
    optional = _MISSING.get(operation.name, set())
    yield from _in_structure(operation.output_shape, json.loads(body), "", optional)


def _in_shape(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _in_structure(shape, value, path, set())
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{path} is no list"
        else:
            for item in value:
                yield from _in_shape(shape.member, item, f"{path}[]")
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            yield f"{path} is no map"
        else:
            for key, item in value.items():
                yield from _in_shape(shape.key, key, f"{path} key")
                yield from _in_shape(shape.value, item, f"{path}.{key}")
    else:
        yield from _in_scalar(shape, value, path)


def _in_structure(
    shape: StructureShape, value: Any, path: str, optional: set[str]
) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} is no structure"
        return
    in_body = {
        member.serialization.get("name", name): member
        for name, member in shape.members.items()
        if "location" not in member.serialization
    }
    yield from (f"{path}.{name} is not in the model" for name in value.keys() - in_body.keys())
    missing = set(shape.required_members) - value.keys() - optional
    yield from (f"{path}.{name} is missing" for name in missing)
    for name in value.keys() & in_body.keys():
        yield from _in_shape(in_body[name], value[name], f"{path}.{name}")


def _in_scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    types = _TYPES[shape.type_name]
    if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
        yield f"{path} is {value!r}, not a {shape.type_name}"
    elif value == _VALUES.get(shape.name):
        return
    elif shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        yield f"{path} is {value!r}, not one of {shape.metadata['enum']}"
