"""Routes, faults and patterns against the service model that botocore carries."""

import json
import re
import warnings
from contextlib import suppress
from typing import Any

import pytest
from botocore.model import StructureShape

from emulator.api.service_model import routes, service_model
from emulator.api.validation import check
from emulator.control.names import NAMESPACED_CHARS, NAMESPACED_PATTERN
from emulator.control.runtimes import BLOCKED, CREATABLE
from emulator.model import FAULTS, LambdaError
from tests.api.lab import Lab

OWN_FAULTS = {  # codes on the wire that the model does not know
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "NotImplemented",
    "RequestEntityTooLargeException",
    "SerializationException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationException",
}


def test_faults_are_those_of_the_model() -> None:
    modelled = {}
    for shape in service_model().error_shapes:
        assert isinstance(shape, StructureShape)
        error = shape.metadata["error"]
        key = "message" if "message" in shape.members else "Message"
        fault = "User" if error.get("senderFault") else "Service"
        modelled[shape.name] = (error["httpStatusCode"], fault, key)
    ours = {
        code: (fault.status, fault.type, fault.message_key)
        for code, fault in FAULTS.items()
        if code not in OWN_FAULTS
    }
    assert ours == modelled


def test_every_operation_has_one_route() -> None:
    routed = [operation.name for route in routes() for _, operation in route.operations]
    assert sorted(routed) == sorted(service_model().operation_names)
    assert len(routed) >= 91


def test_the_query_tells_operations_of_one_path_apart() -> None:
    by_path = {(route.method, route.path): route for route in routes()}
    layers = by_path["GET", "/2018-10-31/layers"]
    assert getattr(layers.choose({"find": "LayerVersion"}), "name", "") == "GetLayerVersionByArn"
    assert getattr(layers.choose({}), "name", "") == "ListLayers"


def filled(path: str) -> str:
    return re.sub(r"<[^>]+>", "x", path)


def test_every_operation_answers_with_and_without_a_slash_at_the_end(lab: Lab) -> None:
    for route in routes():
        for slash in ("", "/"):
            status, headers, body = lab.http(route.method, filled(route.path) + slash)
            assert status != 404 or b"UnknownOperation" not in body, route.path
            if status == 501:
                name = route.operations[-1][1].name
                assert name in json.loads(body)["Message"]
                assert headers["x-amzn-ErrorType"] == "NotImplemented"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/2015-03-31/nothing"),
        ("PATCH", "/2015-03-31/functions"),
        ("GET", "/2015-03-31/functions//configuration"),
        ("OPTIONS", "/2015-03-31/functions"),
    ],
)
def test_a_path_without_an_operation_is_unknown(lab: Lab, method: str, path: str) -> None:
    status, headers, body = lab.http(method, path)
    assert (status, body) == (404, b"<UnknownOperationException/>")
    assert headers["x-amzn-ErrorType"] == "UnknownOperationException"


def test_the_pattern_of_names_is_the_models() -> None:
    metadata = service_model().shape_for("NamespacedFunctionName").metadata
    assert (metadata["pattern"], metadata["max"]) == (NAMESPACED_PATTERN, NAMESPACED_CHARS)


def test_every_runtime_of_the_model_is_known() -> None:
    enum = service_model().shape_for("Runtime").metadata["enum"]
    # "custom" needs a RuntimeConfig, which is refused.
    assert {*CREATABLE, *BLOCKED, "custom"} == set(enum)
    assert not set(CREATABLE) & set(BLOCKED)


def test_every_pattern_of_the_model_can_be_checked() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in service_model().operation_names:
            operation = service_model().operation_model(name)
            members: dict[str, Any] = {
                member: "x"
                for member, shape in (
                    operation.input_shape.members.items() if operation.input_shape else ()
                )
                if shape.type_name == "string"
            }
            with suppress(LambdaError):
                check(operation, members)


@pytest.mark.parametrize(
    ("operation", "members", "text"),
    [
        (
            "PutFunctionEventInvokeConfig",
            {
                "FunctionName": "f",
                "DestinationConfig": {"OnFailure": {"Destination": "a b"}},
            },
            "Value 'a b' at 'destinationConfig.onFailure.destination' failed",
        ),
        (
            "TagResource",
            {
                "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f",
                "Tags": {"§": "x", "k" * 129: "y"},
            },
            "Value '{§=x, " + "k" * 129 + "=y}' at 'tags' failed to satisfy constraint: Map keys"
            " must satisfy constraint: [Member must have length less than or equal to 128, ",
        ),
        (
            "CreateEventSourceMapping",
            {"FunctionName": "f", "BatchSize": 10_001},
            "Value '10001' at 'batchSize' failed to satisfy constraint: Member must have value"
            " less than or equal to 10000",
        ),
    ],
)
def test_violations_name_the_path_and_the_value(
    operation: str, members: dict[str, Any], text: str
) -> None:
    with pytest.raises(LambdaError) as caught:
        check(service_model().operation_model(operation), members)
    assert text in caught.value.message
