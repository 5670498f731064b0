"""REST APIs: stages, methods, bodies, validators, gateway responses."""

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.event_sources.api_gateway_lab import (
    FUNCTION,
    HttpClient,
    RestApi,
    answers,
)
from tests.event_sources.conftest import FakeInvoker
from tests.event_sources.rest_api.rest_lab import error, raise_error


def test_only_what_was_deployed_answers(api: RestApi, call: HttpClient) -> None:
    api.proxy("/a", "echo")
    base = api.deploy()
    api.proxy("/b", "echo")
    missing = {"message": "Missing Authentication Token"}
    assert call(f"{base}/a").status == 200
    assert error(call(f"{base}/b")) == (403, missing, "MissingAuthenticationTokenException")
    assert error(call(f"{base}/a", "POST"))[:2] == (403, missing)
    api.deploy()
    assert call(f"{base}/b").status == 200


def test_an_unknown_stage_or_api_is_forbidden(api: RestApi, call: HttpClient) -> None:
    api.proxy("/a", "echo")
    api.deploy("dev")
    for path in (f"/_aws/execute-api/{api.id}/prod/a", "/_aws/execute-api/none/dev/a"):
        assert error(call(path)) == (403, {"message": "Forbidden"}, "ForbiddenException")


def test_a_stage_goes_back_to_an_earlier_deployment(api: RestApi, call: HttpClient) -> None:
    api.proxy("/a", "echo")
    base = api.deploy()
    (first,) = api.client.get_deployments(restApiId=api.id)["items"]
    api.proxy("/b", "echo")
    api.deploy()
    operation = {"op": "replace", "path": "/deploymentId", "value": first["id"]}
    api.client.update_stage(restApiId=api.id, stageName="dev", patchOperations=[operation])
    assert (call(f"{base}/a").status, call(f"{base}/b").status) == (200, 403)


def test_an_exact_method_comes_before_any(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    api.proxy("/a", "rest", "ANY")
    api.proxy("/a", "get", "GET")
    base = api.deploy()
    for method in ("GET", "PATCH"):
        call(f"{base}/a", method)
    assert [made.function for made in invoker.calls] == [f"{FUNCTION}get", f"{FUNCTION}rest"]


def test_a_body_of_a_binary_type_comes_as_base64(
    call: HttpClient, client: Callable[..., Any]
) -> None:
    api = RestApi(client("apigateway"), binaryMediaTypes=["image/png"])
    api.proxy("/a", "echo", "POST")
    base = api.deploy()
    binary = call(f"{base}/a", "POST", b"\x00\xff", {"Content-Type": "image/png"}).json
    text = call(f"{base}/a", "POST", "é".encode(), {"Content-Type": "text/plain"}).json
    assert (binary["body"], binary["isBase64Encoded"]) == ("AP8=", True)
    assert (text["body"], text["isBase64Encoded"]) == ("é", False)


def test_binary_types_are_added_and_removed_as_in_a_json_patch(
    api: RestApi, call: HttpClient
) -> None:
    def patch(op: str, media_type: str) -> list[str]:
        operation = {"op": op, "path": f"/binaryMediaTypes/{media_type}"}
        made = api.client.update_rest_api(restApiId=api.id, patchOperations=[operation])
        types: list[str] = made["binaryMediaTypes"]
        return types

    assert patch("add", "image~1png") == ["image/png"]
    assert patch("add", "*~1*") == ["image/png", "*/*"]
    assert patch("remove", "image~1png") == ["*/*"]


def test_a_disabled_endpoint_is_forbidden(call: HttpClient, client: Callable[..., Any]) -> None:
    api = RestApi(client("apigateway"), disableExecuteApiEndpoint=True)
    api.proxy("/a", "f")
    assert call(api.deploy() + "/a").status == 403


def test_a_stage_variable_names_the_function(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    api.proxy("/a", "${stageVariables.fn}")
    base = api.deploy(variables={"fn": "orders:live"})
    event = call(f"{base}/a").json
    assert event["stageVariables"] == {"fn": "orders:live"}
    assert invoker.calls[0].function == f"{FUNCTION}orders:live"


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda event: "text", 502),
        (lambda event: {"body": "no status"}, 502),
        (lambda event: {"statusCode": 200, "body": {}}, 502),
        (lambda event: 1 / 0 if not event else raise_error("boom"), 502),
    ],
)
def test_a_malformed_answer_and_a_failed_function_are_a_bad_gateway(
    api: RestApi, call: HttpClient, invoker: FakeInvoker, make: Callable[[Any], Any], status: int
) -> None:
    api.proxy("/a", "f")
    base = api.deploy()
    invoker.answer = answers(make)
    internal = (status, {"message": "Internal server error"}, "InternalServerErrorException")
    assert error(call(f"{base}/a")) == internal


def test_a_function_that_takes_too_long_is_a_gateway_timeout(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    api.proxy("/a", "slow", integration={"timeoutInMillis": 50})
    base = api.deploy()
    may_end = threading.Event()
    invoker.on_call = lambda _call: may_end.wait(10)
    timed_out = call(f"{base}/a")
    may_end.set()
    assert error(timed_out)[:2] == (504, {"message": "Endpoint request timed out"})


def test_an_unknown_function_is_a_configuration_error(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    api.proxy("/a", "gone")
    base = api.deploy()
    invoker.gone.add(f"{FUNCTION}gone")
    assert error(call(f"{base}/a"))[:2] == (500, {"message": "Internal server error"})


# --- validators and gateway responses ----------------------------------------------------------


def test_a_validator_asks_for_parameters_and_the_form_of_the_body(
    api: RestApi, call: HttpClient
) -> None:
    validator = api.client.create_request_validator(
        restApiId=api.id, name="v", validateRequestBody=True, validateRequestParameters=True
    )
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    api.client.create_model(
        restApiId=api.id, name="Order", contentType="application/json", schema=json.dumps(schema)
    )
    api.proxy(
        "/a",
        "f",
        "POST",
        requestValidatorId=validator["id"],
        requestParameters={"method.request.querystring.q": True},
        requestModels={"application/json": "Order"},
    )
    path = api.deploy() + "/a"
    missing = {"message": "Missing required request parameters: [q]"}
    assert error(call(path, "POST", b'{"n": 1}')) == (400, missing, "BadRequestException")
    invalid = {"message": "Invalid request body"}
    assert error(call(f"{path}?q=1", "POST", b'{"n": "x"}'))[:2] == (400, invalid)
    assert call(f"{path}?q=1", "POST", b'{"n": 1}').status == 200


def test_an_api_words_its_own_errors(api: RestApi, call: HttpClient) -> None:
    api.client.put_gateway_response(
        restApiId=api.id,
        responseType="DEFAULT_4XX",
        statusCode="404",
        responseParameters={"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
        responseTemplates={"application/json": '{"error": $context.error.messageString}'},
    )
    api.proxy("/a", "f")
    answer = call(api.deploy() + "/b")
    assert (answer.status, answer.json) == (404, {"error": "Missing Authentication Token"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_body_beyond_the_limit_is_refused(api: RestApi, call: HttpClient) -> None:
    api.proxy("/a", "f", "POST")
    answer = call(api.deploy() + "/a", "POST", base64.b64encode(bytes(8 * 1024 * 1024)))
    assert error(answer)[:2] == (
        413,
        {"message": "HTTP content length exceeded 10485760 bytes."},
    )
