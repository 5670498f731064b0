"""Integrations of REST APIs that are no proxies of functions."""

import pytest

from tests.event_sources.api_gateway_lab import (
    HttpClient,
    RestApi,
    answers,
    uri,
)
from tests.event_sources.conftest import FakeInvoker
from tests.event_sources.rest_api.rest_lab import raise_error


def test_a_mock_answers_the_preflight_of_a_browser(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    allow = "method.response.header.Access-Control-Allow-Origin"
    api.custom(
        "/a",
        "OPTIONS",
        {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 204}'}},
        {"statusCode": "204", "responseParameters": {allow: "'https://app'"}},
    )
    answer = call(api.deploy() + "/a", "OPTIONS")
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "https://app")
    assert invoker.calls == []


def test_a_mocks_template_chooses_its_response(api: RestApi, call: HttpClient) -> None:
    template = '{"statusCode": #if($input.params("fail") == "1")400#{else}200#end}'
    api.custom(
        "/a",
        "GET",
        {"type": "MOCK", "requestTemplates": {"application/json": template}},
        {"statusCode": "200", "responseTemplates": {"application/json": '{"ok": true}'}},
        {
            "statusCode": "400",
            "selectionPattern": "4\\d{2}",
            "responseTemplates": {"application/json": '{"path": "$context.resourcePath"}'},
        },
    )
    path = api.deploy() + "/a"
    assert (call(path).status, call(path).json) == (200, {"ok": True})
    failed = call(f"{path}?fail=1")
    assert (failed.status, failed.json) == (400, {"path": "/a"})


def test_templates_shape_what_a_function_gets_and_what_its_client_gets(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    api.custom(
        "/orders/{id}",
        "POST",
        {
            "type": "AWS",
            "uri": uri("f"),
            "requestTemplates": {
                "application/json": '{"id": "$input.params(\'id\')", "in": $input.json("$.x")}'
            },
        },
        {
            "statusCode": "200",
            "responseParameters": {
                "method.response.header.X-Id": "integration.response.body.id",
                "method.response.header.X-Stage": "context.stage",
            },
            "responseTemplates": {"application/json": '{"got": $input.json("$")}'},
        },
        {
            "statusCode": "409",
            "selectionPattern": "Conflict.*",
            "responseTemplates": {"application/json": "$input.path('$.errorMessage')"},
        },
    )
    path = api.deploy() + "/orders/7"
    invoker.answer = answers(lambda event: event)
    answer = call(path, "POST", b'{"x": [1]}', {"Content-Type": "application/json"})
    assert (answer.status, answer.json) == (200, {"got": {"id": "7", "in": [1]}})
    assert (answer.headers["X-Id"], answer.headers["X-Stage"]) == ("7", "dev")
    invoker.answer = answers(lambda event: raise_error("Conflict: there is one"))
    failed = call(path, "POST", b"{}")
    assert (failed.status, failed.body) == (409, b"Conflict: there is one")


def test_an_invocation_type_header_makes_it_asynchronous(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    name = "integration.request.header.X-Amz-Invocation-Type"
    api.custom(
        "/a",
        "POST",
        {"type": "AWS", "uri": uri("f"), "requestParameters": {name: "'Event'"}},
        {"statusCode": "202"},
    )
    invoker.answer = answers(lambda event: raise_error("never asked"))
    assert call(api.deploy() + "/a", "POST", b'{"x": 1}').status == 202
    assert [made.payload for made in invoker.calls] == [b'{"x": 1}']


def test_a_tenant_header_names_the_tenant(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    name = "integration.request.header.X-Amz-Tenant-Id"
    for path, kind in (("/proxy", "AWS_PROXY"), ("/own", "AWS")):
        mapped = {name: "method.request.header.x-tenant"}
        integration = {"type": kind, "uri": uri("f"), "requestParameters": mapped}
        api.custom(path, "POST", integration, {"statusCode": "200"})
    invoker.answer = answers(lambda event: {"statusCode": 200})
    base = api.deploy()
    for path in ("/proxy", "/own"):
        assert call(base + path, "POST", b"{}", {"x-tenant": "blue"}).status == 200
    assert [made.tenant_id for made in invoker.calls] == ["blue", "blue"]


@pytest.mark.parametrize(
    ("passthrough", "templates", "status"),
    [
        ("WHEN_NO_MATCH", {"application/xml": "x"}, 200),
        ("WHEN_NO_TEMPLATES", {"application/xml": "x"}, 415),
        ("WHEN_NO_TEMPLATES", {}, 200),
        ("NEVER", {}, 415),
    ],
)
def test_a_body_without_template_passes_where_the_integration_lets_it(
    api: RestApi,
    call: HttpClient,
    passthrough: str,
    templates: dict[str, str],
    status: int,
) -> None:
    integration = {
        "type": "AWS",
        "uri": uri("f"),
        "passthroughBehavior": passthrough,
        "requestTemplates": templates,
    }
    api.custom("/a", "POST", integration, {"statusCode": "200"})
    assert call(api.deploy() + "/a", "POST", b"{}").status == status


def test_an_http_back_end_is_called_with_path_query_and_headers(
    api: RestApi, call: HttpClient
) -> None:
    api.proxy("/back/{proxy+}", "f", "ANY")
    base = api.deploy()
    where = api.method("/front/{proxy+}", "ANY", requestParameters={})
    api.client.put_integration(
        **where,
        type="HTTP_PROXY",
        integrationHttpMethod="ANY",
        uri=f"http://127.0.0.1:{call.port}{base}/back/{{proxy}}",
        requestParameters={
            "integration.request.path.proxy": "method.request.path.proxy",
            "integration.request.header.X-Stage": "context.stage",
        },
    )
    api.deploy()
    event = call(f"{base}/front/x/y?a=1", "PUT", b"body", {"X-Mine": "1"}).json
    assert (event["path"], event["httpMethod"], event["body"]) == ("/back/x/y", "PUT", "body")
    assert event["queryStringParameters"] == {"a": "1"}
    assert (event["headers"]["X-Mine"], event["headers"]["X-Stage"]) == ("1", "dev")


def test_another_services_integration_is_refused_by_name(api: RestApi, call: HttpClient) -> None:
    integration = {"type": "AWS", "uri": "arn:aws:apigateway:us-east-1:sqs:path/000000000000/q"}
    api.custom("/a", "POST", integration, {"statusCode": "200"})
    answer = call(api.deploy() + "/a", "POST", b"{}")
    text = "integrations with sqs are not built in this emulator"
    assert (answer.status, answer.json) == (501, {"message": text})
