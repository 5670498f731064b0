"""Who may call a method of a REST API."""

from collections.abc import Callable
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from tests.event_sources.api_gateway_lab import (
    FUNCTION,
    HttpClient,
    RestApi,
    answers,
    says,
    sign_in,
    uri,
)
from tests.event_sources.conftest import FakeInvoker
from tests.event_sources.rest_api.rest_lab import error, policy, raise_error


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
        (lambda event: raise_error("Unauthorized"), 401, {"message": "Unauthorized"}),
        (lambda event: raise_error("boom"), 500, {"message": None}),
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
