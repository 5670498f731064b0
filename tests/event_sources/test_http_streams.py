from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.model.function_url import RESPONSE_STREAM
from tests.event_sources.url_lab import UrlLab, url_lab


@pytest.fixture
def call(tmp_path: Path) -> Iterator[UrlLab]:
    with url_lab(tmp_path) as lab:
        lab.give_url("orders", invoke_mode=RESPONSE_STREAM)
        yield lab


METADATA_TYPE = b"application/vnd.awslambda.http-integration-response"


def test_a_stream_is_the_body_as_it_is(call: UrlLab) -> None:
    call.door.chunks = (b"text/event-stream", b"one ", b"two")
    answer, body = call("/fn/orders:prod/path")
    assert (answer.status, body) == (200, b"one two")
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["x-amzn-RequestId"] == "request-1"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    (made,) = call.door.calls
    assert (made.function, made.source) == ("orders:prod", "url")


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
    call: UrlLab, chunks: tuple[bytes, ...]
) -> None:
    call.door.chunks = (METADATA_TYPE, *chunks)
    answer, body = call("/fn/orders")
    assert (answer.status, body, answer.headers["x-a"]) == (201, b"body", "1")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.headers["Content-Type"] == "application/octet-stream"


def test_metadata_need_not_name_a_status(call: UrlLab) -> None:
    head = b'{"headers":{"content-type":"text/html"}}'
    call.door.chunks = (METADATA_TYPE, head + bytes(8))
    answer, body = call("/fn/orders")
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
def test_metadata_that_make_no_sense_are_a_502(call: UrlLab, metadata: bytes) -> None:
    call.door.chunks = (METADATA_TYPE, metadata)
    answer, body = call("/fn/orders")
    assert (answer.status, body) == (502, b"Internal Server Error")


@pytest.mark.parametrize("chunks", [(), (b"text/plain", b"")])
def test_a_failure_before_the_first_byte_is_a_502(call: UrlLab, chunks: tuple[bytes, ...]) -> None:
    call.door.chunks, call.door.function_error = chunks, "Unhandled"
    answer, body = call("/fn/orders")
    assert (answer.status, body) == (502, b"Internal Server Error")
    assert answer.headers["x-amzn-RequestId"] == "request-1"


def test_what_does_not_stream_is_passed_on_as_it_is(call: UrlLab) -> None:
    answer, body = call("/fn/orders")
    assert (answer.status, body) == (200, b'{"n": 1}')
    assert answer.headers["Content-Type"] == "application/json"


def test_head_gets_the_headers_of_a_stream(call: UrlLab) -> None:
    call.door.chunks = (b"text/plain", b"one")
    answer, body = call("/fn/orders", "HEAD")
    assert (answer.status, body, answer.headers["Content-Type"]) == (200, b"", "text/plain")
