"""Who may call a route of an HTTP API."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from emulator.event_sources import Surroundings
from emulator.event_sources.http_messages import json_answer, send
from tests.event_sources.api_gateway_lab import (
    HttpApi,
    HttpClient,
    answers,
    served,
    sign_in,
    uri,
)
from tests.event_sources.conftest import FakeInvoker


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
