"""CORS of function URLs, and whose pages may call them."""

from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from emulator.model.function_url import IAM_AUTH, RESPONSE_STREAM, UrlCors
from tests.event_sources.url_lab import ACCOUNT, HOST, REGION, UrlLab, ask, url_lab

CORS = UrlCors(
    allow_credentials=True,
    allow_headers=("x-a", "x-b"),
    allow_methods=("GET", "PUT"),
    allow_origins=("https://a.example", "https://b.example"),
    expose_headers=("x-c",),
    max_age_s=60,
)


@pytest.fixture
def call(tmp_path: Path) -> Iterator[UrlLab]:
    with url_lab(tmp_path) as lab:
        yield lab


def cors_headers(headers: Message) -> dict[str, str]:
    return {
        name.lower().removeprefix("access-control-"): text
        for name, text in headers.items()
        if name.lower().startswith("access-control-")
    }


def test_a_preflight_is_answered_without_the_function(call: UrlLab) -> None:
    call.give_url(auth_type=IAM_AUTH, cors=CORS)  # nobody signs a preflight
    asked = {"Access_Control_Request_Method": "PUT", "Origin": "https://a.example"}
    status, headers, body = ask(call, "/", "OPTIONS", **asked)
    assert (status, body, call.door.calls) == (200, None, [])
    assert cors_headers(headers) == {
        "allow-origin": "https://a.example",
        "allow-credentials": "true",
        "allow-headers": "x-a,x-b",
        "allow-methods": "GET,PUT",
        "max-age": "60",
    }
    status, headers, _ = ask(call, "/", "OPTIONS", **{**asked, "Origin": "https://c.example"})
    assert (status, cors_headers(headers)) == (200, {})


def test_the_urls_cors_headers_replace_the_functions(call: UrlLab) -> None:
    call.door.handler = lambda _event: {
        "statusCode": 200,
        "headers": {"Access-Control-Allow-Origin": "mine", "access-control-max-age": "1"},
    }
    call.give_url(is_declared=True, cors=CORS)
    _, headers, _ = ask(call, Origin="https://b.example")
    assert cors_headers(headers) == {
        "allow-origin": "https://b.example",
        "allow-credentials": "true",
        "expose-headers": "x-c",
    }
    assert headers["Vary"] == "Origin"
    for others in ({"Origin": "https://c.example"}, {}):
        assert cors_headers(ask(call, **others)[1]) == {}


def test_a_url_without_cors_leaves_it_to_the_function(call: UrlLab) -> None:
    call.door.handler = lambda event: {
        "statusCode": 204 if event["requestContext"]["http"]["method"] == "OPTIONS" else 200,
        "headers": {"Access-Control-Allow-Origin": "mine"},
    }
    call.give_url(is_declared=True)
    asked = {"Access_Control_Request_Method": "PUT", "Origin": "https://a.example"}
    status, headers, _ = ask(call, "/", "OPTIONS", **asked)
    assert (status, cors_headers(headers)) == (204, {"allow-origin": "mine"})


@pytest.mark.parametrize(
    ("credentials", "origin"), [(None, "*"), (False, "*"), (True, "https://any.example")]
)
def test_any_origin(call: UrlLab, credentials: bool | None, origin: str) -> None:
    cors = UrlCors(allow_origins=("*",), allow_credentials=credentials)
    call.give_url(is_declared=True, cors=cors)
    _, headers, _ = ask(call, Origin="https://any.example")
    assert headers["Access-Control-Allow-Origin"] == origin


def test_cors_is_of_what_is_refused_and_of_what_streams_too(call: UrlLab) -> None:
    call.give_url(cors=CORS)
    status, headers, _ = ask(call, Origin="https://a.example")
    assert (status, headers["Access-Control-Allow-Origin"]) == (403, "https://a.example")
    call.give_url(cors=CORS, is_declared=True, invoke_mode=RESPONSE_STREAM)
    call.door.chunks = (b"text/plain", b"1")
    status, headers, body = ask(call, Origin="https://a.example")
    assert (status, body, headers["Access-Control-Allow-Origin"]) == (200, 1, "https://a.example")
    assert headers["x-amzn-RequestId"] == "request-1"


@pytest.mark.parametrize(
    ("host", "path", "origin", "allowed"),
    [
        (HOST, "/", "https://a.example", True),
        (HOST, "/", "https://c.example", False),
        ("127.0.0.1", "/fn/hello/x", "https://a.example", True),
        ("127.0.0.1", "/fn/hello:live/x", "https://a.example", True),
        ("127.0.0.1", "/fn/orders", "https://a.example", False),
        ("127.0.0.1", "/fn/%", "https://a.example", False),
        ("x" + HOST, "/", "https://a.example", False),
    ],
)
def test_whose_pages_the_gateway_lets_in(
    call: UrlLab, host: str, path: str, origin: str, allowed: bool
) -> None:
    call.give_url(cors=CORS)
    environ: dict[str, Any] = {
        "HTTP_HOST": host,
        "PATH_INFO": path,
        "emulator.account": ACCOUNT,
        "emulator.region": REGION,
    }
    assert call.events.allows_origin(environ, origin) is allowed


def test_a_foreign_page_does_not_get_round_the_signature_of_a_url(call: UrlLab) -> None:
    call.give_url(cors=CORS, auth_type="AWS_IAM")
    environ: dict[str, Any] = {"emulator.account": ACCOUNT, "emulator.region": REGION}
    by_path = {**environ, "HTTP_HOST": "127.0.0.1", "PATH_INFO": "/fn/hello"}
    assert not call.events.allows_origin(by_path, "https://a.example")
    by_host = {**environ, "HTTP_HOST": HOST, "PATH_INFO": "/"}
    assert call.events.allows_origin(by_host, "https://a.example")
