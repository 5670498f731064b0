import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from emulator.aws.http_api_snapshot import Cors, Route
from emulator.event_sources import Surroundings
from emulator.event_sources.api_gateway import cors
from emulator.event_sources.api_gateway.front import ApiGateway
from emulator.event_sources.api_gateway.jwt_tokens import InvalidToken, check_claims, claim_text
from emulator.event_sources.api_gateway.route_parameters import change_answer, change_request
from emulator.event_sources.api_gateway.routes import choose
from emulator.event_sources.http_messages import HttpAnswer, HttpRequest, json_answer, send
from emulator.model.triggers.http import HttpTrigger
from tests.aws.conftest import Aws
from tests.event_sources.api_gateway_lab import (
    FUNCTION,
    HttpApi,
    HttpClient,
    answers,
    says,
    served,
    sign_in,
    uri,
)
from tests.event_sources.conftest import FakeInvoker

# --- routes ------------------------------------------------------------------------------------


def route(key: str) -> Route:
    return Route(
        key=key, authorization="NONE", authorizer=None, scopes=(), integration=None, answers=False
    )


ROUTES = [
    route(key)
    for key in (
        *("GET /", "GET /a", "ANY /a", "GET /a/{b}", "POST /{x}/c", "ANY /{proxy+}"),
        "$default",
    )
]


@pytest.mark.parametrize(
    ("method", "path", "key", "variables"),
    [
        ("GET", "/", "GET /", {}),
        ("GET", "/a", "GET /a", {}),
        ("PUT", "/a", "ANY /a", {}),
        ("GET", "/a/1", "GET /a/{b}", {"b": "1"}),
        ("POST", "/a/c", "POST /{x}/c", {"x": "a"}),
        ("PUT", "/a/1", "ANY /{proxy+}", {"proxy": "a/1"}),
        ("PUT", "/", "$default", {}),
    ],
)
def test_the_most_specific_route_of_the_method_is_taken(
    method: str, path: str, key: str, variables: Mapping[str, str]
) -> None:
    found = choose(ROUTES, method, path)
    assert found is not None
    assert (found[0].key, found[1]) == (key, variables)


def test_without_a_default_route_there_may_be_none() -> None:
    assert choose(ROUTES[:1], "PUT", "/") is None


# --- CORS --------------------------------------------------------------------------------------


def rules(**members: Any) -> Cors:
    defaults: dict[str, Any] = {
        "origins": ("https://app",),
        "methods": ("GET", "POST"),
        "headers": ("x-a",),
        "exposed": ("x-b",),
        "with_credentials": False,
        "max_age_s": 60,
    }
    return Cors(**(defaults | members))


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (("https://app",), "https://app", True),
        (("https://app",), "https://app.evil", False),
        (("*",), "http://any", True),
        (("https://*",), "https://any", True),
        (("https://*",), "http://any", False),
    ],
)
def test_an_origin_is_allowed_by_name_or_wildcard(
    origins: tuple[str, ...], origin: str, allowed: bool
) -> None:
    assert cors.allows(rules(origins=origins), origin) is allowed


def test_a_preflight_is_answered_with_what_is_allowed() -> None:
    answer = cors.preflight(rules(), "https://app")
    assert answer.status == 204
    assert dict(answer.headers) == {
        "access-control-allow-origin": "https://app",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "x-a",
        "access-control-max-age": "60",
    }
    assert cors.preflight(rules(), "https://evil") == HttpAnswer(status=204)


def test_the_rules_replace_what_the_back_end_says() -> None:
    answer = HttpAnswer(
        status=200, headers=(("Access-Control-Allow-Origin", "https://other"), ("X-A", "1"))
    )
    decorated = cors.decorate(rules(with_credentials=True), "https://app", answer)
    assert decorated.headers == (
        ("X-A", "1"),
        ("access-control-allow-origin", "https://app"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-b"),
    )


# --- parameter mapping -------------------------------------------------------------------------

VALUES = {"$request.header.h": "one", "$context.stage": "dev"}


def test_parameters_change_the_request() -> None:
    request = HttpRequest(method="GET", path="/a", query="x=1&y=2", headers={"a": "1", "b": "2"})
    parameters = {
        "append:header.a": "$request.header.h",
        "overwrite:header.new": "s-${context.stage}",
        "remove:header.b": "''",
        "overwrite:querystring.x": "9",
        "remove:querystring.y": "''",
        "overwrite:path": "/p/${context.stage}",
    }
    changed = change_request(request, parameters, VALUES.get)
    assert changed.headers == {"a": "1,one", "new": "s-dev"}
    assert (changed.query, changed.path) == ("x=9", "/p/dev")


def test_parameters_change_the_answer_of_their_status() -> None:
    answer = HttpAnswer(status=500, headers=(("X-A", "1"), ("X-B", "2")), body=b'{"m": "boom"}')
    by_status = {
        "500": {
            "overwrite:statuscode": "403",
            "append:header.x-m": "$response.body.m",
            "overwrite:header.x-a": "$response.header.x-b",
            "remove:header.x-b": "''",
        }
    }
    changed = change_answer(answer, by_status, VALUES.get)
    assert (changed.status, changed.headers) == (403, (("x-m", "boom"), ("x-a", "2")))
    assert change_answer(HttpAnswer(status=200), by_status, VALUES.get) == HttpAnswer(status=200)


# --- tokens ------------------------------------------------------------------------------------

ISSUER = "https://issuer"
CLAIMS = {"iss": "https://issuer/", "aud": ["me", "x"], "exp": 200, "nbf": 50, "iat": 50}


@pytest.mark.parametrize(
    ("change", "is_valid"),
    [
        ({}, True),
        ({"aud": "me"}, True),
        ({"aud": "other"}, False),
        ({"iss": "https://other"}, False),
        ({"exp": 100}, False),
        ({"exp": None}, False),
        ({"nbf": 101}, False),
        ({"iat": 101}, False),
    ],
)
def test_claims_are_checked_for_issuer_audience_and_time(
    change: dict[str, Any], is_valid: bool
) -> None:
    try:
        check_claims(CLAIMS | change, ISSUER, ["me"], 100.0)
    except InvalidToken:
        assert not is_valid
    else:
        assert is_valid


def test_a_client_id_stands_in_for_an_audience() -> None:
    check_claims({"iss": ISSUER, "client_id": "me", "exp": 200}, ISSUER, ["me"], 100.0)


@pytest.mark.parametrize(
    ("claim", "text"), [("a", "a"), (1, "1"), (True, "true"), (["a", "b"], "[a b]")]
)
def test_claims_are_shown_as_text(claim: Any, text: str) -> None:
    assert claim_text(claim) == text


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
    invoker.answer = answers(lambda event: event)  # functions answer with their event
    return running


@pytest.fixture
def api(call: HttpClient, client: Callable[..., Any]) -> HttpApi:
    return HttpApi(client("apigatewayv2"))


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


# --- authorizers -------------------------------------------------------------------------------


def guarded(api: HttpApi, **options: Any) -> str:
    """Put an authorizer before `GET /orders/{id}`; returns the path it answers at."""
    defaults: dict[str, Any] = {
        "Name": "auth",
        "AuthorizerType": "REQUEST",
        "AuthorizerUri": uri("auth"),
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "IdentitySource": ["$request.header.Authorization"],
    }
    made = api.client.create_authorizer(ApiId=api.id, **(defaults | options))
    kind = "JWT" if options.get("AuthorizerType") == "JWT" else "CUSTOM"
    scopes: dict[str, Any] = {"AuthorizationScopes": ["orders"]} if kind == "JWT" else {}
    api.route(
        "GET /orders/{id}", AuthorizationType=kind, AuthorizerId=made["AuthorizerId"], **scopes
    )
    return f"{api.base}/orders/7"


def authorizing(invoker: FakeInvoker, decide: Callable[[Any], Any]) -> list[dict[str, Any]]:
    """Let `decide` answer for the authorizer; returns the events it sees."""
    seen: list[dict[str, Any]] = []

    def make(event: Any) -> Any:
        if event.get("type") != "REQUEST":
            return event
        seen.append(event)
        return decide(event)

    invoker.answer = answers(make)
    return seen


def test_a_simple_authorizer_decides_and_its_context_reaches_the_function(
    api: HttpApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    context = {"tenant": {"id": 1}}
    seen = authorizing(invoker, lambda event: {"isAuthorized": True, "context": context})
    event = call(guarded(api), headers={"Authorization": "me"}).json
    assert event["requestContext"]["authorizer"] == {"lambda": context}
    (asked,) = seen
    arn = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/$default/GET/orders/7"
    assert (asked["version"], asked["routeArn"]) == ("2.0", arn)
    assert (asked["identitySource"], asked["routeKey"]) == (["me"], "GET /orders/{id}")
    assert "body" not in asked


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        ({"isAuthorized": False}, 403, "Forbidden"),
        ({"principalId": "x"}, 500, "Internal Server Error"),
        ("text", 500, "Internal Server Error"),
        ({"isAuthorized": True, "context": [1]}, 500, "Internal Server Error"),
    ],
)
def test_a_simple_authorizer_refuses(
    api: HttpApi, call: HttpClient, invoker: FakeInvoker, answer: Any, status: int, message: str
) -> None:
    authorizing(invoker, lambda event: answer)
    refused = call(guarded(api), headers={"Authorization": "me"})
    assert (refused.status, refused.json) == (status, {"message": message})


def test_a_request_without_its_identity_is_unauthorized(
    api: HttpApi, call: HttpClient, invoker: FakeInvoker
) -> None:
    seen = authorizing(invoker, lambda event: {"isAuthorized": True})
    answer = call(guarded(api))
    assert (answer.status, answer.json, seen) == (401, {"message": "Unauthorized"}, [])


def test_answers_are_kept_only_where_the_api_says_for_how_long(
    api: HttpApi, call: HttpClient, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    seen = authorizing(invoker, lambda event: {"isAuthorized": True})
    path = guarded(api, AuthorizerResultTtlInSeconds=60)
    for _ in range(2):
        call(path, headers={"Authorization": "me"})
    assert len(seen) == 1
    surroundings.clock.advance(61)
    call(path, headers={"Authorization": "me"})
    assert len(seen) == 2


@pytest.mark.parametrize(("effect", "status"), [("Allow", 200), ("Deny", 403)])
def test_an_authorizer_may_answer_with_a_policy(
    api: HttpApi, call: HttpClient, invoker: FakeInvoker, effect: str, status: int
) -> None:
    def decide(event: Any) -> Any:
        statement = {"Effect": effect, "Action": "*", "Resource": event["methodArn"]}
        return {"principalId": "me", "policyDocument": {"Statement": [statement]}}

    seen = authorizing(invoker, decide)
    options = {"AuthorizerPayloadFormatVersion": "1.0", "EnableSimpleResponses": False}
    answer = call(guarded(api, **options), headers={"Authorization": "me"})
    assert answer.status == status
    assert (seen[0]["version"], seen[0]["identitySource"]) == ("1.0", "me")


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256"})


@pytest.fixture(scope="module")
def issuer(key: RSAKey) -> Iterator[str]:
    """A server with the documents of an OpenID issuer."""

    def wsgi(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/.well-known/openid-configuration":
            return send(json_answer(200, {"jwks_uri": f"{url}/keys"}), start_response)
        return send(json_answer(200, {"keys": [key.as_dict(private=False)]}), start_response)

    with served(wsgi) as client:
        url = f"http://127.0.0.1:{client.port}"
        yield url


def test_a_jwt_authorizer_reads_the_issuers_keys(
    api: HttpApi, call: HttpClient, key: RSAKey, issuer: str
) -> None:
    def token(signer: RSAKey = key, **claims: Any) -> dict[str, str]:
        now = int(time.time())
        members = {"iss": issuer, "aud": "app", "exp": now + 600, "scope": "orders x", "n": 1}
        text = jwt.encode({"alg": "RS256", "kid": "k1"}, members | claims, signer)
        return {"Authorization": f"Bearer {text}"}

    path = guarded(
        api, AuthorizerType="JWT", JwtConfiguration={"Issuer": issuer, "Audience": ["app"]}
    )
    event = call(path, headers=token()).json
    shown = event["requestContext"]["authorizer"]["jwt"]
    assert (shown["claims"]["aud"], shown["claims"]["n"]) == ("app", "1")
    assert shown["scopes"] == ["orders", "x"]
    stranger = RSAKey.generate_key(2048, {"kid": "k1"})
    for headers, status in (
        (token(aud="other"), 401),
        (token(exp=1), 401),
        (token(stranger), 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        ({}, 401),
        (token(scope="other"), 403),
    ):
        refused = call(path, headers=headers)
        assert refused.status == status
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert json.loads(call(path).body) == {"message": "Unauthorized"}


def test_a_cognito_pools_tokens_are_checked_with_the_emulators_own_keys(
    api: HttpApi, call: HttpClient, client: Callable[..., Any]
) -> None:
    pool, app, token = sign_in(client("cognito-idp"))
    configuration = {
        "Issuer": f"https://cognito-idp.us-east-1.amazonaws.com/{pool}",
        "Audience": [app],
    }
    made = api.client.create_authorizer(
        ApiId=api.id,
        Name="cognito",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration=configuration,
    )
    api.route("GET /a", AuthorizationType="JWT", AuthorizerId=made["AuthorizerId"])
    event = call(f"{api.base}/a", headers={"Authorization": token}).json
    assert event["requestContext"]["authorizer"]["jwt"]["claims"]["cognito:username"] == "me"
