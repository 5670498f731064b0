"""Requests of our own runtimes, told without the parser."""

import socket

import pytest

from emulator.runtime_api.connection import Connection
from emulator.runtime_api.own_requests import own_requests
from emulator.runtime_api.rules import NEXT_PATH, Request

ANSWER = "/2018-06-01/runtime/invocation/8f5b8a9e-0b8a-4c2a-9b0e-0123456789ab/"
PYTHON = "Host: 127.0.0.1:9001\r\n"
NODE = PYTHON + "User-Agent: lambda-emulator-node/20.20.0\r\n"
JSON = "Content-Type: application/json\r\n"
TYPED = JSON + "Lambda-Runtime-Function-Error-Type: Runtime.X\r\n"


def segment(host: str, kind: str, headers: str, body: bytes) -> bytes:
    head = f"POST {ANSWER}{kind} HTTP/1.1\r\n{host}{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body + f"GET {NEXT_PATH} HTTP/1.1\r\n{host}\r\n".encode()


def parsed(data: bytes) -> list[Request]:
    """What the parser finds, which a connection asks when it gets the bytes one by one."""
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(ours)
        for n in range(len(data)):
            theirs.sendall(data[n : n + 1])
            connection.receive()
        connection.close()
    return list(connection.requests)


@pytest.mark.parametrize("host", [PYTHON, NODE])
@pytest.mark.parametrize(
    ("kind", "headers", "body"),
    [
        ("response", JSON, b'{"text": "\xc3\xa9"}'),
        ("response", JSON, b""),
        ("response", "Content-Type: application/unknown\r\n", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        ("error", TYPED, b'{"errorMessage": ""}'),
    ],
)
def test_what_is_told_is_what_the_parser_finds(
    host: str, kind: str, headers: str, body: bytes
) -> None:
    data = segment(host, kind, headers, body)
    told = own_requests(data)
    assert told is not None
    for short, whole in zip(told, parsed(data), strict=True):
        assert (short.method, short.path, short.body) == (whole.method, whole.path, whole.body)
        dropped = {"host", "user-agent", "content-length"}
        assert short.headers == {
            name: value for name, value in whole.headers.items() if name not in dropped
        }


WHOLE = segment(PYTHON, "response", JSON, b'"ok"')


@pytest.mark.parametrize(
    "data",
    [
        WHOLE[:-1],
        WHOLE + b"GET",
        WHOLE[: WHOLE.index(b"GET")],
        WHOLE.replace(b"Content-Length: 4", b"Content-Length: 3"),
        WHOLE.replace(b"Content-Length: 4", b"Content-Length: 100"),
        WHOLE.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked"),
        WHOLE.replace(b"Host: 127", b"Connection: close\r\nHost: 127"),
        WHOLE.replace(JSON.encode(), b"Lambda-Runtime-Function-Response-Mode: streaming\r\n"),
        WHOLE.replace(b"/next", b"/next/"),
        b"\x00" + WHOLE,
    ],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    assert own_requests(data) is None
