import base64
import http.client
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from emulator.event_sources.http import HttpEvents, front_of
from emulator.event_sources.http_messages import HttpAnswer, HttpRequest
from emulator.event_sources.payload_v2 import build_event, parse_response
from emulator.gateway import serve
from emulator.invoke import StreamedInvocation
from emulator.invoke.response_channel import ResponseChannel
from emulator.model import (
    Call,
    Clock,
    CodePackage,
    FunctionVersion,
    InvocationResult,
    LambdaError,
)
from tests.aws.conftest import answered

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


def version(name: str, account: str = "000000000000") -> FunctionVersion:
    return FunctionVersion(
        account=account,
        region="us-east-1",
        name=name,
        deployment=1,
        runtime="python3.12",
        handler="app.handler",
        role="",
        code=CodePackage(folder=Path("/src"), sha256="x", size_bytes=1),
    )


@dataclass
class Door:
    """Runs `handler` where a sandbox would run the function."""

    handler: Callable[[dict[str, Any]], object] = lambda event: event
    function_error: str | None = None
    chunks: tuple[bytes, ...] = ()
    calls: list[Call] = field(default_factory=list)

    def run(self, call: Call) -> tuple[InvocationResult, str]:
        self.calls.append(call)
        if call.function.partition(":")[0] not in ("hello", "orders"):
            raise LambdaError("ResourceNotFoundException", f"Function not found: {call.function}")
        payload = json.dumps(self.handler(json.loads(call.payload))).encode()
        result = answered(payload, self.function_error)
        return result, "request-1"

    def stream(self, call: Call) -> StreamedInvocation:
        """Stream `chunks`, the first one the content type, then end as `function_error` says."""
        self.calls.append(call)
        channel = ResponseChannel()
        for chunk in self.chunks[1:]:
            channel.begin(self.chunks[0].decode())
            channel.write(chunk)
        channel.finish(answered(b'{"n": 1}', self.function_error))
        return StreamedInvocation(
            request_id="request-1", executed_version="$LATEST", response=channel
        )


@dataclass
class Caller:
    """A client of `/fn/…` on a real server, and what stands behind that."""

    door: Door
    connection: http.client.HTTPConnection

    def __call__(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        self.connection.request(method, path, body=body, headers=headers or {})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def event(self, path: str, method: str = "GET", **request: Any) -> dict[str, Any]:
        """The event of a request, by a function that answers with it."""
        event: dict[str, Any] = json.loads(self(path, method, **request)[1])
        return event


@pytest.fixture
def call() -> Iterator[Caller]:
    door = Door()
    events = HttpEvents(
        door,
        lambda: [version("hello"), version("orders"), version("far", "1" * 12)],
        Clock(),
        lambda _account, _region, name: name == "streams",
    )

    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["emulator.account"], environ["emulator.region"] = "000000000000", "us-east-1"
        return events(environ, start_response)

    server = serve(wsgi, "127.0.0.1", 0)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        yield Caller(door, connection)
    server.stop(5)


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
    call: Caller, path: str, raw_path: str
) -> None:
    event = call.event(path)
    assert event["rawPath"] == raw_path
    assert event["requestContext"]["http"]["path"] == raw_path


def test_a_request_reaches_the_function_with_its_headers_and_body(call: Caller) -> None:
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


def test_the_call_names_its_source_qualifier_and_trace(call: Caller) -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    answer, _ = call("/fn/hello:prod/x", headers={"X-Amzn-Trace-Id": trace})
    (made,) = call.door.calls
    assert (made.function, made.source, made.trace_header) == ("hello:prod", "url", trace)
    assert (made.account, made.region) == ("000000000000", "us-east-1")
    assert answer.headers["x-amzn-RequestId"] == "request-1"
    assert answer.headers["X-Amzn-Trace-Id"] == trace.lower()


def test_a_response_comes_back_with_status_headers_and_cookies(call: Caller) -> None:
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


def test_head_gets_the_headers_and_no_body(call: Caller) -> None:
    call.door.handler = lambda event: event["requestContext"]["http"]["method"]
    answer, body = call("/fn/hello", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], body) == (200, "4", b"")


@pytest.mark.parametrize(("error", "response"), [("Unhandled", {}), (None, {"statusCode": 1})])
def test_a_failed_or_malformed_response_is_a_502(
    call: Caller, error: str | None, response: object
) -> None:
    call.door.function_error = error
    call.door.handler = lambda _event: response
    answer, body = call("/fn/hello")
    assert (answer.status, body) == (502, b"Internal Server Error")
    assert answer.headers["x-amzn-RequestId"] == "request-1"


def test_an_unknown_function_is_a_404_that_names_the_nearest(call: Caller) -> None:
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
    call: Caller, error: LambdaError, status: int, message: str
) -> None:
    def refuse(_event: dict[str, Any]) -> object:
        raise error

    call.door.handler = refuse
    answer, body = call("/fn/hello")
    assert (answer.status, json.loads(body)) == (status, {"Message": message})
    assert answer.headers["x-amzn-ErrorType"] == error.code


def test_a_function_url_that_nobody_made_is_forbidden_as_in_aws(call: Caller) -> None:
    answer, body = call("/x", headers={"Host": "abc.lambda-url.us-east-1.localhost:4566"})
    assert (answer.status, body) == (403, b'{"Message":null}')
    assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"


# --- RESPONSE_STREAM ---------------------------------------------------------------------------

METADATA_TYPE = b"application/vnd.awslambda.http-integration-response"


def test_a_stream_is_the_body_as_it_is(call: Caller) -> None:
    call.door.chunks = (b"text/event-stream", b"one ", b"two")
    answer, body = call("/fn/streams:prod/path")
    assert (answer.status, body) == (200, b"one two")
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["x-amzn-RequestId"] == "request-1"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    (made,) = call.door.calls
    assert (made.function, made.source) == ("streams:prod", "url")


@pytest.mark.parametrize(
    "chunks",
    [
        (b'{"statusCode":201,"headers":{"x-a":"1"},"cookies":["a=1","b=2"]}' + bytes(8) + b"body",),
        (
            b'{"statusCode":201,"headers":{"x-a":"1"},',
            b'"cookies":["a=1","b=2"]}' + bytes(3),
            bytes(5),
            b"bo",
            b"dy",
        ),
    ],
    ids=["at once", "in pieces"],
)
def test_metadata_become_status_headers_and_cookies(
    call: Caller, chunks: tuple[bytes, ...]
) -> None:
    call.door.chunks = (METADATA_TYPE, *chunks)
    answer, body = call("/fn/streams")
    assert (answer.status, body, answer.headers["x-a"]) == (201, b"body", "1")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_metadata_need_not_name_a_status(call: Caller) -> None:
    head = b'{"headers":{"content-type":"text/html"}}'
    call.door.chunks = (METADATA_TYPE, head + bytes(8))
    answer, body = call("/fn/streams")
    assert (answer.status, body, answer.headers["Content-Type"]) == (200, b"", "text/html")


@pytest.mark.parametrize(
    "metadata",
    [
        b"no json" + bytes(8),
        b"[]" + bytes(8),
        b"[" * 100_000 + bytes(8),
        b'{"statusCode":"x"}' + bytes(8),
        b'{"a":1}',
    ],
    ids=["no JSON", "no object", "too deep", "no status", "no end"],
)
def test_metadata_that_make_no_sense_are_a_502(call: Caller, metadata: bytes) -> None:
    call.door.chunks = (METADATA_TYPE, metadata)
    answer, body = call("/fn/streams")
    assert (answer.status, body) == (502, b"Internal Server Error")


@pytest.mark.parametrize("chunks", [(), (b"text/plain", b"")])
def test_a_failure_before_the_first_byte_is_a_502(call: Caller, chunks: tuple[bytes, ...]) -> None:
    call.door.chunks, call.door.function_error = chunks, "Unhandled"
    answer, body = call("/fn/streams")
    assert (answer.status, body) == (502, b"Internal Server Error")
    assert answer.headers["x-amzn-RequestId"] == "request-1"


def test_what_does_not_stream_is_passed_on_as_it_is(call: Caller) -> None:
    answer, body = call("/fn/streams")
    assert (answer.status, body) == (200, b'{"n": 1}')
    assert answer.headers["Content-Type"] == "application/json"


def test_head_gets_the_headers_of_a_stream(call: Caller) -> None:
    call.door.chunks = (b"text/plain", b"one")
    answer, body = call("/fn/streams", "HEAD")
    assert (answer.status, body, answer.headers["Content-Type"]) == (200, b"", "text/plain")
