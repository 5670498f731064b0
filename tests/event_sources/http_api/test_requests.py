"""HTTP APIs: stages, routes, payloads, CORS."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from emulator.event_sources.api_gateway.front import ApiGateway
from emulator.model.triggers.http import HttpTrigger
from tests.event_sources.api_gateway_lab import (
    FUNCTION,
    HttpApi,
    HttpClient,
    answers,
    says,
)
from tests.event_sources.conftest import FakeInvoker


def test_the_default_stage_has_no_place_in_the_path(api: HttpApi, call: HttpClient) -> None:
    api.route("GET /a/{b}")
    for path in (f"{api.base}/a/1", f"{api.base}/$default/a/1"):
        event = call(path).json
        assert (event["rawPath"], event["pathParameters"]) == ("/a/1", {"b": "1"})
    assert call("/a/1", headers={"Host": f"{api.id}.execute-api.localhost"}).status == 200


def test_a_named_stage_is_part_of_the_path(call: HttpClient, client: Callable[..., Any]) -> None:
    api = HttpApi(client("apigatewayv2"), "dev")
    api.route("GET /a")
    event = call(f"{api.base}/a").json
    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/dev/a", "dev")
    assert event["stageVariables"] == {"mode": "test"}
    assert call(f"/_aws/execute-api/{api.id}/a").status == 404


def test_an_unknown_route_is_not_found(api: HttpApi, call: HttpClient) -> None:
    api.route("GET /a")
    for method, path in (("GET", "/b"), ("POST", "/a")):
        answer = call(api.base + path, method)
        assert (answer.status, answer.json) == (404, {"message": "Not Found"})


def test_a_new_route_answers_at_once_where_the_stage_deploys_itself(
    api: HttpApi, call: HttpClient
) -> None:
    assert call(f"{api.base}/a").status == 404
    api.route("GET /a")
    assert call(f"{api.base}/a").status == 200


def test_without_auto_deploy_a_deployment_is_needed(api: HttpApi, call: HttpClient) -> None:
    base = f"/_aws/execute-api/{api.id}/prod"
    api.client.create_stage(ApiId=api.id, StageName="prod")
    api.route("GET /a")
    assert call(f"{base}/a").status == 404
    made = api.client.create_deployment(ApiId=api.id, StageName="prod", Description="first")
    assert (made["DeploymentStatus"], made["Description"]) == ("DEPLOYED", "first")
    api.route("GET /b")
    assert (call(f"{base}/a").status, call(f"{base}/b").status) == (200, 404)
    second = api.client.create_deployment(ApiId=api.id)["DeploymentId"]
    api.client.update_stage(ApiId=api.id, StageName="prod", DeploymentId=second)
    assert call(f"{base}/b").status == 200
    found = api.client.get_deployments(ApiId=api.id)["Items"]
    assert [one["DeploymentId"] for one in found] == [made["DeploymentId"], second]
    api.client.delete_deployment(ApiId=api.id, DeploymentId=made["DeploymentId"])
    with pytest.raises(api.client.exceptions.NotFoundException):
        api.client.get_deployment(ApiId=api.id, DeploymentId=made["DeploymentId"])


def test_quick_create_makes_route_and_stage(call: HttpClient, client: Callable[..., Any]) -> None:
    made = client("apigatewayv2").create_api(
        Name="quick", ProtocolType="HTTP", Target=f"{FUNCTION}f"
    )
    event = call(f"/_aws/execute-api/{made['ApiId']}/any/path", "PUT").json
    assert (event["routeKey"], event["version"]) == ("$default", "2.0")
    assert made["ApiEndpoint"].startswith(f"http://{made['ApiId']}.execute-api.localhost:")


def test_a_disabled_endpoint_is_not_found(call: HttpClient, client: Callable[..., Any]) -> None:
    api = HttpApi(client("apigatewayv2"), DisableExecuteApiEndpoint=True)
    api.route("GET /a")
    assert call(f"{api.base}/a").status == 404


def test_payload_1_is_sent_and_answered_where_the_integration_asks_for_it(
    api: HttpApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    api.route("GET /a/{b}", integration={"PayloadFormatVersion": "1.0"})
    invoker.answer = answers(lambda event: says(event, 202))
    answer = call(f"{api.base}/a/1?x=1&x=2")
    event = answer.json
    assert (answer.status, event["version"], event["resource"]) == (202, "1.0", "/a/{b}")
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert (event["requestContext"]["stage"], event["body"]) == ("$default", None)
    invoker.answer = answers(lambda event: {"no": "status"})
    assert call(f"{api.base}/a/1").status == 500  # payload 2.0 would have taken it for a body


def test_a_failed_function_is_an_internal_server_error(
    api: HttpApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    def fail(event: Any) -> None:
        raise RuntimeError("boom")

    api.route("GET /a")
    invoker.answer = answers(fail)
    answer = call(f"{api.base}/a")
    assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})


def test_a_function_that_takes_too_long_is_unavailable(
    api: HttpApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    api.route("GET /a", integration={"TimeoutInMillis": 50})
    may_end = threading.Event()
    invoker.on_call = lambda _call: may_end.wait(10)
    answer = call(f"{api.base}/a")
    may_end.set()
    assert (answer.status, answer.json) == (503, {"message": "Service Unavailable"})


def test_an_http_proxy_forwards_path_variables_and_changes_parameters(
    api: HttpApi, call: HttpClient
) -> None:
    api.route("ANY /back/{proxy+}")
    target = api.integration(
        "",
        IntegrationType="HTTP_PROXY",
        IntegrationMethod="ANY",
        IntegrationUri=f"http://127.0.0.1:{call.port}{api.base}/back/{{proxy}}",
        PayloadFormatVersion="1.0",
        RequestParameters={"overwrite:header.x-stage": "$context.stage"},
        ResponseParameters={"200": {"append:header.x-proxied": "yes"}},
    )
    api.route("ANY /front/{proxy+}", Target=target)
    answer = call(f"{api.base}/front/x/y?a=1", "PUT", b"body", {"Content-Type": "text/plain"})
    assert (answer.json["rawPath"], answer.json["body"]) == ("/back/x/y", "body")
    assert answer.json["headers"]["x-stage"] == "$default"
    assert answer.headers["x-proxied"] == "yes"


def test_another_services_action_is_refused_by_name(api: HttpApi, call: HttpClient) -> None:
    api.route("GET /a", integration={"IntegrationSubtype": "SQS-SendMessage"})
    text = "SQS-SendMessage integrations are not built in this emulator"
    assert (call(f"{api.base}/a").status, call(f"{api.base}/a").json) == (501, {"message": text})


def test_a_page_of_an_allowed_origin_gets_its_preflight_and_its_headers(
    call: HttpClient, client: Callable[..., Any], gateway: ApiGateway
) -> None:
    api = HttpApi(
        client("apigatewayv2"),
        CorsConfiguration={"AllowOrigins": ["https://app"], "AllowMethods": ["*"]},
    )
    api.route("GET /a")
    page = {"Origin": "https://app"}
    asked = page | {"Access-Control-Request-Method": "GET"}
    preflight = call(f"{api.base}/none", "OPTIONS", headers=asked)
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-methods"] == "*"
    assert call(f"{api.base}/a", headers=page).headers["access-control-allow-origin"] == (
        "https://app"
    )
    environ = {"HTTP_HOST": "localhost", "PATH_INFO": f"{api.base}/a"}
    assert gateway.allows_origin(environ, "https://app")
    assert not gateway.allows_origin(environ, "https://evil")


def test_a_projects_triggers_are_routes_of_its_own_api(
    call: HttpClient, gateway: ApiGateway, invoker: FakeInvoker
) -> None:
    one, other = HttpTrigger(method="GET", path="/a/{b}"), HttpTrigger(method="ANY", path="/c")
    for trigger in (one, other):
        gateway.bind(trigger, f"{FUNCTION}f")
    event = call("/_aws/execute-api/project/a/1").json
    assert (event["routeKey"], event["pathParameters"]) == ("GET /a/{b}", {"b": "1"})
    gateway.unbind(one, f"{FUNCTION}f")
    assert call("/_aws/execute-api/project/a/1").status == 404
    assert call("/_aws/execute-api/project/c", "PUT").status == 200
    gateway.reset()
    assert call("/_aws/execute-api/project/c").status == 403
