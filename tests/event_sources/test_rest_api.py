import base64
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.api_gateway.addresses import Address, address_of, split_stage
from emulator.event_sources.api_gateway.authorizer_answers import InvalidAnswer, parse_policy_answer
from emulator.event_sources.api_gateway.front import ApiGateway
from emulator.event_sources.api_gateway.json_values import JsonObject, wrap
from emulator.event_sources.api_gateway.paths import best_match
from emulator.event_sources.api_gateway.policy_document import InvalidPolicy, allows
from emulator.event_sources.api_gateway.templates import Input, TemplateFailed, render
from emulator.event_sources.http_messages import HttpAnswer
from emulator.event_sources.payload_v1 import parse_response
from tests.aws.conftest import Aws
from tests.event_sources.api_gateway_lab import (
    FUNCTION,
    Answer,
    HttpClient,
    RestApi,
    answers,
    says,
    served,
    sign_in,
    uri,
)
from tests.event_sources.conftest import FakeInvoker

JSON = ("Content-Type", "application/json")

# --- addresses and paths -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "path", "address"),
    [
        ("a1.execute-api.localhost:4566", "/dev/x", Address(api_id="a1", path="/dev/x")),
        ("A1.Execute-API.us-east-1.amazonaws.com", "/", Address(api_id="a1", path="/")),
        ("localhost:4566", "/_aws/execute-api/a1/dev/x/y", Address(api_id="a1", path="/dev/x/y")),
        ("localhost", "/_aws/execute-api/a1", Address(api_id="a1", path="/")),
        ("localhost", "/restapis/a1/dev/_user_request_/x", Address(api_id="a1", path="/dev/x")),
        ("localhost", "/restapis/a1/dev/_user_request_", Address(api_id="a1", path="/dev")),
        ("localhost", "/restapis/a1/stages", None),
        ("localhost", "/x", None),
    ],
)
def test_an_address_names_an_api_in_three_forms(
    host: str, path: str, address: Address | None
) -> None:
    assert address_of(host, path) == address


@pytest.mark.parametrize(
    ("path", "stage"), [("/dev/a/b", ("dev", "/a/b")), ("/dev", ("dev", "/")), ("/", ("", "/"))]
)
def test_the_first_segment_of_a_path_is_its_stage(path: str, stage: tuple[str, str]) -> None:
    assert split_stage(path) == stage


TEMPLATES = ["/", "/a", "/{x}", "/a/{b}", "/a/{b}/c", "/{x}/d", "/{proxy+}", "/a/{rest+}"]


@pytest.mark.parametrize(
    ("path", "template", "variables"),
    [
        ("/", "/", {}),
        ("/a", "/a", {}),
        ("/a/", "/a", {}),
        ("/z", "/{x}", {"x": "z"}),
        ("/a/1", "/a/{b}", {"b": "1"}),
        ("/a/d", "/a/{b}", {"b": "d"}),  # segments count from the left
        ("/z/d", "/{x}/d", {"x": "z"}),
        ("/a/1/c", "/a/{b}/c", {"b": "1"}),
        ("/a/1/d", "/a/{rest+}", {"rest": "1/d"}),
        ("/z/1/2", "/{proxy+}", {"proxy": "z/1/2"}),
        ("/%C3%A9%20", "/{x}", {"x": "é "}),
    ],
)
def test_the_most_specific_resource_answers(
    path: str, template: str, variables: dict[str, str]
) -> None:
    match = best_match(TEMPLATES, path)
    assert match is not None
    assert (match.template, match.variables) == (template, variables)


def test_a_greedy_variable_needs_a_segment() -> None:
    assert best_match(["/{proxy+}", "/a/{b}"], "/") is None


# --- answers of functions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ({"statusCode": 204}, HttpAnswer(status=204, headers=(JSON,))),
        ({"statusCode": "201", "body": "x"}, HttpAnswer(status=201, headers=(JSON,), body=b"x")),
        (
            {
                "statusCode": 200,
                "headers": {"content-type": "text/plain", "X-A": "1", "X-N": 2},
                "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "x-a": ["1", "3"]},
            },
            HttpAnswer(
                status=200,
                headers=(
                    ("content-type", "text/plain"),
                    ("X-A", "1"),
                    ("X-N", "2"),
                    ("Set-Cookie", "a=1"),
                    ("Set-Cookie", "b=2"),
                    ("x-a", "3"),
                ),
            ),
        ),
        (
            {"statusCode": 401, "headers": {"WWW-Authenticate": "Basic"}},
            HttpAnswer(status=401, headers=(("x-amzn-Remapped-WWW-Authenticate", "Basic"), JSON)),
        ),
        (
            {"statusCode": 200, "body": "AAH/", "isBase64Encoded": True},
            HttpAnswer(status=200, headers=(JSON,), body=b"AAH/"),  # nothing says it is binary
        ),
        ("text", None),
        ({"body": "no status"}, None),
        ({"statusCode": "abc"}, None),
        ({"statusCode": 200.5}, None),
        ({"statusCode": 200, "body": {"a": 1}}, None),
        ({"statusCode": 200, "headers": {"a": ["b"]}}, None),
        ({"statusCode": 200, "multiValueHeaders": {"a": "b"}}, None),
    ],
)
def test_a_function_answers_by_the_rules_of_payload_1(
    response: object, answer: HttpAnswer | None
) -> None:
    assert parse_response(json.dumps(response).encode(), "", []) == answer


@pytest.mark.parametrize(
    ("types", "accept", "body"),
    [
        (["image/png"], "image/png", b"\x00\x01\xff"),
        (["image/png"], "image/png;q=1, text/html", b"\x00\x01\xff"),
        (["image/png"], "text/html, image/png", b"AAH/"),  # the first type counts
        (["*/*"], "", b"\x00\x01\xff"),
        ([], "image/png", b"AAH/"),
    ],
)
def test_a_base64_body_is_decoded_where_accept_names_a_binary_type(
    types: list[str], accept: str, body: bytes
) -> None:
    payload = b'{"statusCode": 200, "body": "AAH/", "isBase64Encoded": true}'
    answer = parse_response(payload, accept, types)
    assert answer is not None
    assert answer.body == body


# --- policies of authorizers -------------------------------------------------------------------

ARN = "arn:aws:execute-api:us-east-1:000000000000:a1/dev/GET/orders/7"


def policy(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    """A statement about everything, but for `members`."""
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": "*", **members}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([policy()], True),
        ([policy(Resource=ARN)], True),
        ([policy(Resource="arn:aws:execute-api:*:*:a1/*/GET/orders/?")], True),
        ([policy(Resource=[ARN + "/x", ARN])], True),
        ([policy(Resource=ARN.replace("GET", "PUT"))], None),
        ([policy(Action="EXECUTE-API:invoke")], True),
        ([policy(Action=["s3:*", "execute-api:*"])], True),
        ([policy(Action="s3:GetObject")], None),
        ([policy(), policy("Deny", Resource=ARN)], False),
        ([policy(), policy("Deny", Resource="x")], True),
        ([], None),
    ],
)
def test_a_deny_beats_an_allow_and_nothing_is_allowed_unsaid(
    statements: list[Any], allowed: bool | None
) -> None:
    assert allows({"Version": "2012-10-17", "Statement": statements}, ARN) is allowed


@pytest.mark.parametrize(
    "document",
    [None, "x", {}, {"Statement": "x"}, {"Statement": [policy("Maybe")]},
     {"Statement": [{"Effect": "Allow"}]},
     {"Statement": [policy(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]}],
)  # fmt: skip
def test_what_is_no_policy_is_said_to_be_none(document: object) -> None:
    with pytest.raises(InvalidPolicy):
        allows(document, ARN)


def test_an_authorizers_context_becomes_text() -> None:
    context = {"s": "a", "n": 1, "b": True, "none": None}
    answer = {"principalId": "me", "policyDocument": {}, "context": context}
    verdict = parse_policy_answer(json.dumps(answer).encode())
    assert verdict.context == {"s": "a", "n": "1", "b": "true"}


@pytest.mark.parametrize(
    "answer",
    ["no JSON", "[]", "{}", '{"principalId": 1}', '{"principalId": "a", "context": {"a": []}}'],
)
def test_a_malformed_answer_of_an_authorizer_is_refused(answer: str) -> None:
    with pytest.raises(InvalidAnswer):
        parse_policy_answer(answer.encode())


# --- mapping templates -------------------------------------------------------------------------

BODY = '{"name": "O\'Hara", "tags": ["a", "b"], "deep": {"n": 1.5, "t": true}}'
PARAMETERS = {"path": {"id": "7"}, "querystring": {"q": "a b"}, "header": {"X-Who": "me"}}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$input.body", BODY),
        ("$input.json('$.deep')", '{"n":1.5,"t":true}'),
        ("$input.json('$.tags[*]')", '["a","b"]'),
        ("$input.json('$.none')", '""'),
        ("$input.path('$.name') $input.path('$.deep.t')", "O'Hara true"),
        ("$input.params('id')$input.params('q')$input.params('x-who')", "7a bme"),
        ("[$input.params('none')]", "[]"),
        ("$input.params().header.get('X-Who')", "me"),
        ("#foreach($t in $input.path('$.tags'))$t#if($foreach.hasNext), #end#end", "a, b"),
        ("#set($i = $input.path('$'))$i.tags.size() $i.deep.n", "2 1.5"),
        ("#if($input.path('$.deep.n') > 1)big#{else}small#end", "big"),
        ("$util.escapeJavaScript($input.path('$.name'))", "O\\'Hara"),
        ("$util.base64Encode('a') $util.base64Decode('YQ==')", "YQ== a"),
        ("$util.urlEncode('a b&') $util.urlDecode('a+b%26')", "a+b%26 a b&"),
        ("$util.parseJson('{\"a\": [1]}').a.get(0)", "1"),
        ("$context.identity.sourceIp $stageVariables.mode", "1.2.3.4 test"),
        ('{"statusCode": 200}', '{"statusCode": 200}'),
    ],
)
def test_a_template_is_filled_in(template: str, text: str) -> None:
    context: JsonObject = wrap({"identity": {"sourceIp": "1.2.3.4"}})
    assert render(template, Input(BODY, PARAMETERS), context, {"mode": "test"}) == text


@pytest.mark.parametrize("template", ["#if($x)", "#set($x = )", "$input.__class__.x"])
def test_a_template_that_cannot_be_filled_in_says_so(template: str) -> None:
    with pytest.raises(TemplateFailed):
        render(template, Input(BODY, PARAMETERS), JsonObject(), {})


# --- through API Gateway -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def gateway(surroundings: Surroundings) -> Iterator[ApiGateway]:
    gateway = ApiGateway(surroundings)
    yield gateway
    gateway.stop(1)


@pytest.fixture(scope="module")
def running(gateway: ApiGateway) -> Iterator[HttpClient]:
    with served(gateway.wsgi) as call:
        yield call


@pytest.fixture
def call(aws: Aws, invoker: FakeInvoker, gateway: ApiGateway, running: HttpClient) -> HttpClient:
    gateway.reset()
    invoker.answer = answers(says)  # functions answer with their event
    return running


@pytest.fixture
def api(call: HttpClient, client: Callable[..., Any]) -> RestApi:
    return RestApi(client("apigateway"))


def error(answer: Answer) -> tuple[int, Any, str | None]:
    """Status, body and kind of an error."""
    return answer.status, answer.json, answer.headers["x-amzn-ErrorType"]


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
        (lambda event: 1 / 0 if not event else _raise("boom"), 502),
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


def _raise(message: str) -> None:
    raise RuntimeError(message)


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


# --- authorizers -------------------------------------------------------------------------------


def authorizing(seen: list[Any], decide: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Functions of which the authorizer answers with `decide`, and the others with their event."""

    def make(event: Any) -> Any:
        if "type" not in event:
            return says(event)
        seen.append(event)
        return decide(event)

    return make


def grant(event: Any, effect: str = "Allow", **members: Any) -> dict[str, Any]:
    statement = policy(effect, Resource=event["methodArn"].partition("/")[0] + "/*")
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "user", "policyDocument": document, **members}


def with_authorizer(api: RestApi, **options: Any) -> str:
    """Put an authorizer before `/orders/{id}` and deploy; returns the path it answers at."""
    authorizer = api.client.create_authorizer(
        **(
            {
                "restApiId": api.id,
                "name": "auth",
                "type": "TOKEN",
                "authorizerUri": uri("auth"),
                "identitySource": "method.request.header.Authorization",
            }
            | options
        )
    )
    api.proxy("/orders/{id}", "f", authorizationType="CUSTOM", authorizerId=authorizer["id"])
    return api.deploy() + "/orders/7"


def test_a_token_authorizer_decides_and_its_context_reaches_the_function(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    seen: list[Any] = []
    invoker.answer = answers(authorizing(seen, lambda event: grant(event, context={"n": 1})))
    event = call(with_authorizer(api), headers={"Authorization": "let me in"}).json
    where = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/dev/GET/orders/7"
    assert seen == [{"type": "TOKEN", "methodArn": where, "authorizationToken": "let me in"}]
    assert event["requestContext"]["authorizer"] == {"principalId": "user", "n": "1"}


def test_an_authorizers_answer_is_kept_until_its_time_is_over(
    api: RestApi, call: HttpClient, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    seen: list[Any] = []
    invoker.answer = answers(authorizing(seen, grant))
    path = with_authorizer(api, authorizerResultTtlInSeconds=60)
    for token in ("a", "a", "b"):
        assert call(path, headers={"Authorization": token}).status == 200
    assert [event["authorizationToken"] for event in seen] == ["a", "b"]
    surroundings.clock.advance(61)
    call(path, headers={"Authorization": "a"})
    assert len(seen) == 3


def test_a_ttl_of_zero_keeps_nothing(api: RestApi, call: HttpClient, invoker: FakeInvoker) -> None:
    seen: list[Any] = []
    invoker.answer = answers(authorizing(seen, grant))
    path = with_authorizer(api, authorizerResultTtlInSeconds=0)
    for _ in range(2):
        call(path, headers={"Authorization": "a"})
    assert len(seen) == 2


def test_a_token_that_is_missing_or_malformed_is_unauthorized_without_asking(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    path = with_authorizer(api, identityValidationExpression="Bearer .+")
    unauthorized = (401, {"message": "Unauthorized"}, "UnauthorizedException")
    assert error(call(path)) == unauthorized
    assert error(call(path, headers={"Authorization": "Basic x"})) == unauthorized
    assert invoker.calls == []


@pytest.mark.parametrize(
    ("decide", "status", "body"),
    [
        (
            lambda event: grant(event, "Deny"),
            403,
            {"Message": "User is not authorized to access this resource with an explicit deny"},
        ),
        (
            lambda event: {"principalId": "a", "policyDocument": {"Statement": []}},
            403,
            {"Message": "User is not authorized to access this resource"},
        ),
        (lambda event: _raise("Unauthorized"), 401, {"message": "Unauthorized"}),
        (lambda event: _raise("boom"), 500, {"message": None}),
        (lambda event: {"isAuthorized": True}, 500, {"message": None}),
        (lambda event: {"principalId": "a", "policyDocument": None}, 500, {"message": None}),
    ],
)
def test_what_an_authorizer_refuses_never_reaches_the_function(
    api: RestApi,
    call: HttpClient,
    invoker: FakeInvoker,
    decide: Callable[[Any], Any],
    status: int,
    body: Any,
) -> None:
    invoker.answer = answers(authorizing([], decide))
    answer = call(with_authorizer(api), headers={"Authorization": "x"})
    assert error(answer)[:2] == (status, body)
    assert [made.function for made in invoker.calls] == [f"{FUNCTION}auth"]


def test_a_request_authorizer_sees_the_request_and_needs_all_its_sources(
    api: RestApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    seen: list[Any] = []
    invoker.answer = answers(authorizing(seen, grant))
    sources = "method.request.header.X-Key, method.request.querystring.who"
    path = with_authorizer(api, type="REQUEST", identitySource=sources)
    assert call(path, headers={"X-Key": "1"}).status == 401
    assert call(f"{path}?who=me", headers={"X-Key": "1"}).status == 200
    (event,) = seen
    assert (event["type"], event["httpMethod"]) == ("REQUEST", "GET")
    assert (event["resource"], event["path"]) == ("/orders/{id}", "/orders/7")
    assert event["queryStringParameters"] == {"who": "me"}
    assert event["pathParameters"] == {"id": "7"}
    assert event["headers"]["X-Key"] == "1"
    assert event["requestContext"]["stage"] == "dev"
    assert "body" not in event


def test_a_method_that_needs_an_api_key_is_forbidden_without_one(
    api: RestApi, call: HttpClient
) -> None:
    api.proxy("/a", "f", apiKeyRequired=True)
    path = api.deploy() + "/a"
    key = api.client.create_api_key(name="k", enabled=True)
    forbidden = (403, {"message": "Forbidden"}, "ForbiddenException")
    assert error(call(path)) == forbidden
    assert error(call(path, headers={"x-api-key": key["value"]})) == forbidden  # in no plan
    stages = [{"apiId": api.id, "stage": "dev"}]
    plan = api.client.create_usage_plan(name="p", apiStages=stages)
    api.client.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    identity = call(path, headers={"x-api-key": key["value"]}).json["requestContext"]["identity"]
    assert (identity["apiKey"], identity["apiKeyId"]) == (key["value"], key["id"])
    disable = {"op": "replace", "path": "/enabled", "value": "false"}
    api.client.update_api_key(apiKey=key["id"], patchOperations=[disable])
    assert error(call(path, headers={"x-api-key": key["value"]})) == forbidden


def test_iam_authorization_asks_for_a_signature(api: RestApi, call: HttpClient) -> None:
    api.proxy("/a", "f", authorizationType="AWS_IAM")
    path = api.deploy() + "/a"
    missing = {"message": "Missing Authentication Token"}
    assert error(call(path))[:2] == (403, missing)
    credential = "Credential=AKIAX/20261122/us-east-1/execute-api/aws4_request"
    signed = call(path, headers={"Authorization": f"AWS4-HMAC-SHA256 {credential}, Signature=0"})
    assert signed.json["requestContext"]["identity"]["accessKey"] == "AKIAX"


def test_a_user_pool_authorizer_shows_the_claims(
    api: RestApi, call: HttpClient, client: Callable[..., Any]
) -> None:
    pool, app, token = sign_in(client("cognito-idp"))
    authorizer = api.client.create_authorizer(
        restApiId=api.id,
        name="pool",
        type="COGNITO_USER_POOLS",
        providerARNs=[f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool}"],
        identitySource="method.request.header.Authorization",
    )
    api.proxy("/a", "f", authorizationType="COGNITO_USER_POOLS", authorizerId=authorizer["id"])
    path = api.deploy() + "/a"
    claims = call(path, headers={"Authorization": token}).json["requestContext"]["authorizer"]
    assert (claims["claims"]["cognito:username"], claims["claims"]["aud"]) == ("me", app)
    for headers in ({}, {"Authorization": f"{token[:-6]}AAAAAA"}):
        assert error(call(path, headers=headers))[:2] == (401, {"message": "Unauthorized"})


# --- integrations that are no proxies ----------------------------------------------------------


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
    invoker.answer = answers(lambda event: _raise("Conflict: there is one"))
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
    invoker.answer = answers(lambda event: _raise("never asked"))
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
