import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.event_sources.http import front_of
from emulator.event_sources.http_messages import HttpAnswer, HttpRequest
from emulator.event_sources.payload_v2 import build_event, parse_response
from emulator.model import LambdaError
from tests.event_sources.url_lab import UrlLab, url_lab

JSON = ("Content-Type", "application/json")
NOW_S = 1659687279.885


def event_of(request: HttpRequest) -> dict[str, Any]:
    return build_event(request, front_of("hello", "us-east-1"), request_id="id", now_s=NOW_S)


# --- events ------------------------------------------------------------------------------------


def test_a_request_becomes_the_event_a_function_url_sends() -> None:
    # A recorded event: aws-powertools, tests/events/lambdaFunctionUrlEvent.json
    request = HttpRequest(
        method="GET",
        path="/",
        headers={"host": "hello.lambda-url.us-east-1.on.aws", "user-agent": "agent"},
        source_ip="123.123.123.123",
    )
    assert event_of(request) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"host": "hello.lambda-url.us-east-1.on.aws", "user-agent": "agent"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "hello",
            "domainName": "hello.lambda-url.us-east-1.on.aws",
            "domainPrefix": "hello",
            "http": {
                "method": "GET",
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "123.123.123.123",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "05/Aug/2022:08:14:39 +0000",
            "timeEpoch": 1659687279885,
        },
        "isBase64Encoded": False,
    }


def test_query_cookies_and_hop_by_hop_headers() -> None:
    event = event_of(
        HttpRequest(
            method="GET",
            path="/a",
            query="p=1&p=2&empty=&q=a%20b%2C+c",
            headers={"cookie": "a=1; b=2", "connection": "close", "x-many": "1,2"},
        )
    )
    assert event["rawQueryString"] == "p=1&p=2&empty=&q=a%20b%2C+c"
    assert event["queryStringParameters"] == {"p": "1,2", "empty": "", "q": "a b, c"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"] == {"x-many": "1,2"}


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain", b"hi", "hi"),
        ("application/json; charset=utf-8", '{"é":1}'.encode(), '{"é":1}'),
        ("application/vnd.api+json", b"{}", "{}"),
        ("application/xml", b"<a/>", "<a/>"),
        ("application/javascript", b"1", "1"),
        ("application/x-www-form-urlencoded", b"a=1", "a=1"),
        ("multipart/form-data; boundary=x", b"--x", None),
        ("application/octet-stream", b"\x00", None),
        ("", b"hi", None),
        ("text/plain", b"\xff", None),
    ],
)
def test_a_body_is_text_or_base64_by_its_type(
    content_type: str, body: bytes, text: str | None
) -> None:
    event = event_of(
        HttpRequest(method="POST", path="/", headers={"content-type": content_type}, body=body)
    )
    assert event["isBase64Encoded"] is (text is None)
    assert event["body"] == (base64.b64encode(body).decode() if text is None else text)


# --- responses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        # an object with a status code is taken apart
        ('{"statusCode": 204}', HttpAnswer(status=204, headers=(JSON,))),
        ('{"statusCode": "201", "body": "x"}', HttpAnswer(status=201, headers=(JSON,), body=b"x")),
        ('{"statusCode": 418, "body": null}', HttpAnswer(status=418, headers=(JSON,))),
        (
            '{"statusCode": 200, "headers": {"content-type": "text/html", "X-N": 1, "X-B": true},'
            ' "body": "<p>é", "cookies": ["a=1", "b=2"]}',
            HttpAnswer(
                status=200,
                headers=(
                    ("content-type", "text/html"),
                    ("X-N", "1"),
                    ("X-B", "true"),
                    ("Set-Cookie", "a=1"),
                    ("Set-Cookie", "b=2"),
                ),
                body="<p>é".encode(),
            ),
        ),
        (
            '{"statusCode": 200, "body": "AAH/", "isBase64Encoded": true}',
            HttpAnswer(status=200, headers=(JSON,), body=b"\x00\x01\xff"),
        ),
        (
            '{"statusCode": 200, "headers": {"Content-Length": "99"}}',
            HttpAnswer(status=200, headers=(("x-amzn-Remapped-Content-Length", "99"), JSON)),
        ),
        # anything else is a body
        (
            '{ "hello":  "world" }',
            HttpAnswer(status=200, headers=(JSON,), body=b'{"hello":"world"}'),
        ),
        ('"hello"', HttpAnswer(status=200, headers=(JSON,), body=b"hello")),
        ("3", HttpAnswer(status=200, headers=(JSON,), body=b"3")),
        ("3.1", HttpAnswer(status=200, headers=(JSON,), body=b"3.1")),
        ("true", HttpAnswer(status=200, headers=(JSON,), body=b"true")),
        ("null", HttpAnswer(status=200, headers=(JSON,), body=b"null")),
        (
            '["hello", 3, true]',
            HttpAnswer(status=200, headers=(JSON,), body=b'["hello",3,true]'),
        ),
        ('"\\ud800"', HttpAnswer(status=200, headers=(JSON,), body=b"?")),
        # and some is no response at all
        ("not JSON", None),
        ('{"statusCode": null}', None),
        ('{"statusCode": true}', None),
        ('{"statusCode": 99}', None),
        ('{"statusCode": 1000}', None),
        ('{"statusCode": "abc"}', None),
        ('{"statusCode": 200, "body": {"a": 1}}', None),
        ('{"statusCode": 200, "headers": []}', HttpAnswer(status=200, headers=(JSON,))),
        ('{"statusCode": 200, "headers": ["a"]}', None),
        ('{"statusCode": 200, "headers": {"a": ["b"]}}', None),
        ('{"statusCode": 200, "cookies": "a=1"}', None),
        ('{"statusCode": 200, "body": "%", "isBase64Encoded": true}', None),
    ],
)
def test_a_function_answers_by_the_rules_of_payload_2(
    payload: str, answer: HttpAnswer | None
) -> None:
    assert parse_response(payload.encode()) == answer


# --- through a real server ---------------------------------------------------------------------


@pytest.fixture
def call(tmp_path: Path) -> Iterator[UrlLab]:
    with url_lab(tmp_path) as lab:
        yield lab


@pytest.mark.parametrize(
    ("path", "raw_path"),
    [
        ("/fn/hello", "/"),
        ("/fn/hello/", "/"),
        ("/fn/hello/a/b", "/a/b"),
        ("/fn/hello/a%20b/%C3%A9", "/a%20b/%C3%A9"),
        ("/fn/hello/a//b/..", "/a//b/.."),
        ("/fn/hello/x:y@z,!$&'()*+;=~", "/x:y@z,!$&'()*+;=~"),
        ("/fn/hello/100%25", "/100%25"),
    ],
)
def test_the_path_behind_the_name_is_the_functions_path(
    call: UrlLab, path: str, raw_path: str
) -> None:
    event = call.event(path)
    assert event["rawPath"] == raw_path
    assert event["requestContext"]["http"]["path"] == raw_path


def test_a_request_reaches_the_function_with_its_headers_and_body(call: UrlLab) -> None:
    event = call.event(
        "/fn/hello/x?a=1", "POST", body=b'{"a": 1}', headers={"Content-Type": "application/json"}
    )
    headers = event["headers"]
    assert event["requestContext"]["http"]["method"] == "POST"
    assert (event["body"], event["rawQueryString"]) == ('{"a": 1}', "a=1")
    assert headers["host"] == f"127.0.0.1:{call.connection.port}"
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == "8"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-port"] == str(call.connection.port)
    assert headers["x-amzn-trace-id"].startswith("Root=1-")


def test_the_call_names_its_source_qualifier_and_trace(call: UrlLab) -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    answer, _ = call("/fn/hello:prod/x", headers={"X-Amzn-Trace-Id": trace})
    (made,) = call.door.calls
    assert (made.function, made.source, made.trace_header) == ("hello:prod", "url", trace)
    assert (made.account, made.region) == ("000000000000", "us-east-1")
    assert answer.headers["x-amzn-RequestId"] == "request-1"
    assert answer.headers["X-Amzn-Trace-Id"] == trace.lower()


def test_a_response_comes_back_with_status_headers_and_cookies(call: UrlLab) -> None:
    call.door.handler = lambda _event: {
        "statusCode": 418,
        "headers": {"X-Mine": "yes"},
        "cookies": ["a=1", "b=2"],
        "body": "AAH/",
        "isBase64Encoded": True,
    }
    answer, body = call("/fn/hello")
    assert (answer.status, body, answer.headers["X-Mine"]) == (418, b"\x00\x01\xff", "yes")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_head_gets_the_headers_and_no_body(call: UrlLab) -> None:
    call.door.handler = lambda event: event["requestContext"]["http"]["method"]
    answer, body = call("/fn/hello", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], body) == (200, "4", b"")


@pytest.mark.parametrize(("error", "response"), [("Unhandled", {}), (None, {"statusCode": 1})])
def test_a_failed_or_malformed_response_is_a_502(
    call: UrlLab, error: str | None, response: object
) -> None:
    call.door.function_error = error
    call.door.handler = lambda _event: response
    answer, body = call("/fn/hello")
    assert (answer.status, body) == (502, b"Internal Server Error")
    assert answer.headers["x-amzn-RequestId"] == "request-1"


def test_an_unknown_function_is_a_404_that_names_the_nearest(call: UrlLab) -> None:
    answer, body = call("/fn/ordres/x")
    assert answer.status == 404
    assert json.loads(body) == {
        "message": 'function "ordres" is not registered (have: hello, orders).'
        ' Did you mean "orders"?'
    }


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (LambdaError("TooManyRequestsException", "Rate Exceeded."), 429, "Rate Exceeded."),
        (LambdaError("RequestEntityTooLargeException", "too large"), 413, "too large"),
        (LambdaError("ResourceNotFoundException", "no such alias"), 404, "no such alias"),
    ],
)
def test_what_keeps_a_function_from_running_is_told(
    call: UrlLab, error: LambdaError, status: int, message: str
) -> None:
    def refuse(_event: dict[str, Any]) -> object:
        raise error

    call.door.handler = refuse
    answer, body = call("/fn/hello")
    assert (answer.status, json.loads(body)) == (status, {"Message": message})
    assert answer.headers["x-amzn-ErrorType"] == error.code
