"""Rules of HTTP APIs: values in, values out."""

from collections.abc import Mapping
from typing import Any

import pytest

from emulator.aws.http_api_snapshot import Cors, Route
from emulator.event_sources.api_gateway import cors
from emulator.event_sources.api_gateway.jwt_tokens import InvalidToken, check_claims, claim_text
from emulator.event_sources.api_gateway.route_parameters import change_answer, change_request
from emulator.event_sources.api_gateway.routes import choose
from emulator.event_sources.http_messages import HttpAnswer, HttpRequest

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
