"""The Runtime API over real sockets, as runtimes of all habits use it."""

import re
import select
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from emulator.model import Invocation
from emulator.model.steps import finish
from emulator.runtime_api import Outcome, RuntimeEndpoint
from emulator.runtime_api.connection import Connection

NEXT = "/2018-06-01/runtime/invocation/next"


def invocation(payload: bytes = b"{}", request_id: str = "id-1") -> Invocation:
    return Invocation(
        request_id=request_id, payload=payload, invoked_arn="arn", trace_header="Root=1"
    )


class Served:
    """An endpoint and the thread's way to serve it."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.endpoint = RuntimeEndpoint(self.selector)

    def until(self, done: Callable[[], object]) -> None:
        while not done():
            ready = self.selector.select(5)
            assert ready, "nothing happened for 5 s"
            for key, _ in ready:
                key.data()

    def deliver(self, payload: bytes = b"{}", request_id: str = "id-1") -> None:
        headers = {"Lambda-Runtime-Aws-Request-Id": request_id}
        self.endpoint.deliver(invocation(payload, request_id), headers)

    def connect(self) -> HTTPConnection:
        return HTTPConnection(self.endpoint.address, timeout=5)

    def raw(self) -> socket.socket:
        host, port = self.endpoint.address.split(":")
        return socket.create_connection((host, int(port)), timeout=5)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.endpoint.close()
    served.selector.close()


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    return thread, results


def has_answer(client: socket.socket) -> bool:
    return bool(select.select([client], [], [], 0)[0])


def post_response(path: str = "id-1/response", body: bytes = b'"ok"') -> bytes:
    head = f"POST /2018-06-01/runtime/invocation/{path} HTTP/1.1\r\nHost: x\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get_next() -> bytes:
    return f"GET {NEXT} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def test_a_client_of_one_request_a_connection_is_served(served: Served) -> None:
    def client() -> list[tuple[int, bytes, str | None]]:
        answers = []
        for method, path, body in (
            ("GET", NEXT, None),
            ("POST", "/2018-06-01/runtime/invocation/id-1/response", b'"ok"'),
        ):
            connection = served.connect()
            connection.request(method, path, body, {"Connection": "close"})
            answer = connection.getresponse()
            request_id = answer.getheader("Lambda-Runtime-Aws-Request-Id")
            answers.append((answer.status, answer.read(), request_id))
            connection.close()
        return answers

    thread, results = in_thread(client)
    served.until(lambda: served.endpoint.is_ready)
    served.deliver(b'{"n": 1}')
    served.until(lambda: served.endpoint.answer)
    thread.join(5)
    assert results == [[(200, b'{"n": 1}', "id-1"), (202, b'{"status":"OK"}\n', None)]]
    assert served.endpoint.answer is not None
    assert served.endpoint.answer.body == b'"ok"'


def test_an_answer_and_the_next_request_may_come_in_one_segment(served: Served) -> None:
    with served.raw() as client:
        client.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver()
        client.recv(65536)
        client.sendall(post_response() + get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver(b'{"second": true}', "id-2")
        reply = client.recv(65536)
    assert reply.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert reply.endswith(b'{"second": true}')


def test_a_runtime_that_asks_at_once_is_waited_for_without_the_selector(served: Served) -> None:
    def own_answer(number: int) -> bytes:
        answer = post_response(f"{number:032x}/response", b'"ok"')
        return (
            answer.replace(b"Content-L", b"Content-Type: application/json\r\nContent-L")
            + get_next()
        )

    with served.raw() as client:
        client.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver(request_id=f"{1:032x}")
        client.recv(65536)
        client.sendall(own_answer(1))
        assert not finish(served.endpoint.await_briefly())  # its habit is not known yet
        served.until(lambda: served.endpoint.is_ready)
        for number in (2, 3):
            client.sendall(own_answer(number))  # ahead of its event: nothing depends on the time
            served.endpoint.deliver(
                invocation(request_id=f"{number:032x}"), {"Lambda-Runtime-Aws-Request-Id": "x"}
            )
            assert finish(served.endpoint.await_briefly())
            assert served.endpoint.is_ready
        served.deliver(request_id=f"{4:032x}")
        assert not finish(served.endpoint.await_briefly())  # it takes its time: the selector tells


def test_a_runtime_that_ends_while_it_is_waited_for_is_not_ready(served: Served) -> None:
    with served.raw() as client:
        client.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver(request_id=f"{1:032x}")
        answer = post_response(f"{1:032x}/response", b'"ok"')
        typed = answer.replace(b"Content-L", b"Content-Type: application/json\r\nContent-L")
        client.sendall(typed + get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver(request_id=f"{2:032x}")
    assert not finish(served.endpoint.await_briefly())
    assert not finish(served.endpoint.await_briefly())
    assert not served.endpoint.is_ready


def test_five_megabytes_go_both_ways(served: Served) -> None:
    size = 5_000_000

    def client() -> int:
        connection = served.connect()
        connection.request("GET", NEXT)
        event = connection.getresponse().read()
        connection.request("POST", "/2018-06-01/runtime/invocation/id-1/response", event)
        status = connection.getresponse().status
        connection.close()
        return status

    thread, results = in_thread(client)
    served.until(lambda: served.endpoint.is_ready)
    served.deliver(b"x" * size)
    served.until(lambda: served.endpoint.answer)
    thread.join(5)
    assert results == [202]
    assert served.endpoint.answer is not None
    assert len(served.endpoint.answer.body) == size


def test_a_chunked_body_and_a_client_that_waits_for_permission_are_served(served: Served) -> None:
    with served.raw() as client:
        client.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver()
        client.recv(65536)
        head = post_response().split(b"Content-Length")[0]
        client.sendall(head + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        served.until(lambda: has_answer(client))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b'3\r\n"ab\r\n2\r\nc"\r\n0\r\n\r\n')
        served.until(lambda: served.endpoint.answer)
    assert served.endpoint.answer is not None
    assert served.endpoint.answer.body == b'"abc"'


def test_what_is_not_http_is_refused_and_disturbs_nothing(served: Served) -> None:
    with served.raw() as good, served.raw() as bad:
        good.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)
        bad.sendall(b"\x00\x01 nonsense\r\n\r\n")
        served.until(lambda: has_answer(bad))
        assert bad.recv(65536).startswith(b"HTTP/1.1 400 ")
        assert served.endpoint.is_ready
        served.deliver()
        assert good.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_after_a_restart_the_old_process_is_forgotten(served: Served) -> None:
    with served.raw() as old:
        old.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.endpoint.restart()
        assert not served.endpoint.is_ready
        assert old.recv(10) == b""
    with served.raw() as new:
        new.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)


def test_an_init_error_is_told(served: Served) -> None:
    with served.raw() as client:
        client.sendall(
            b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
            b"Lambda-Runtime-Function-Error-Type: Runtime.NoSuchHandler\r\n\r\n{}"
        )
        served.until(lambda: served.endpoint.answer)
    answer = served.endpoint.answer
    assert answer is not None
    assert (answer.outcome, answer.error_type) == (Outcome.INIT_ERROR, "Runtime.NoSuchHandler")


def test_a_client_that_offers_http_2_gets_http_1(served: Served) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    with served.raw() as client:
        client.sendall(get_next().replace(b"Host: x\r\n", b"Host: x\r\n" + offer))
        served.until(lambda: served.endpoint.is_ready)
        served.deliver()
        client.recv(65536)
        client.sendall(post_response().replace(b"Host: x\r\n", b"Host: x\r\n" + offer))
        served.until(lambda: served.endpoint.answer)
        client.sendall(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n")
        served.until(lambda: has_answer(client))
    assert served.endpoint.answer is not None
    assert served.endpoint.answer.body == b'"ok"'


def test_offers_of_http_2_may_come_by_the_thousand(served: Served) -> None:
    ping = b"POST /2018-06-01/ping HTTP/1.1\r\n"
    offer = ping + b"Connection: upgrade\r\nUpgrade: x\r\n\r\n"
    size = 100_000  # for the large buffer, into which many go at once
    asked = ping + b"Content-Length: %d\r\n\r\n" % size + bytes(size) + offer * 3_000
    ours, theirs = socket.socketpair()
    with theirs:
        thread, _ = in_thread(lambda: theirs.sendall(asked))
        connection = Connection(ours)
        count = 0
        while count < 3_001:
            assert connection.receive(patiently=True) or connection.is_open
            count += len(connection.requests)
            connection.requests.clear()
        thread.join(5)
        connection.close()


def test_what_came_pipelined_behind_next_is_answered_after_the_event(served: Served) -> None:
    with served.raw() as client:
        client.sendall(get_next() + post_response() + b"GET /2018-06-01/ping HTTP/1.1\r\n\r\n")
        served.until(lambda: served.endpoint.is_ready)
        assert not has_answer(client)
        served.deliver(b'"event"')
        served.until(lambda: served.endpoint.answer)
        reply = read_until(client, b"pong")
    assert re.findall(rb"HTTP/1.1 (\d+)", reply) == [b"200", b"202", b"200"]


def read_until(client: socket.socket, end: bytes) -> bytes:
    text = b""
    while not text.endswith(end):
        data = client.recv(65536)
        assert data, text
        text += data
    return text


@pytest.mark.parametrize(
    "head", [b"GET %s HTTP/1.0\r\n\r\n", b"GET %s HTTP/1.1\r\nConnection: close\r\n\r\n"]
)
def test_a_connection_ends_with_the_event_when_its_client_wants_no_more(
    served: Served, head: bytes
) -> None:
    with served.raw() as client:
        client.sendall(head % NEXT.encode())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver(b"x" * 3_000_000)
        thread, results = in_thread(lambda: client.makefile("rb").read())
        while thread.is_alive():
            for key, _ in served.selector.select(0.01):
                key.data()
    (reply,) = results
    assert reply.endswith(b"x" * 3_000_000)


def test_a_request_that_breaks_off_is_told_so(served: Served) -> None:
    with served.raw() as client:
        client.sendall(get_next())
        served.until(lambda: served.endpoint.is_ready)
        served.deliver()
        client.recv(65536)
        client.sendall(post_response(body=b'"ok"')[:-2])
        client.shutdown(socket.SHUT_WR)
        served.until(lambda: served.endpoint.answer)
        reply = client.makefile("rb").read()
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert reply.endswith(
        b'{"errorMessage": "HTTP request detected as truncated", '
        b'"errorType": "TruncatedHTTPRequest"}'
    )
    assert served.endpoint.answer is not None
    assert served.endpoint.answer.outcome is Outcome.TRUNCATED


def test_a_cause_of_a_megabyte_is_taken_and_a_head_beyond_reason_is_not(served: Served) -> None:
    def send(size: int) -> bytes:
        with served.raw() as client:
            cause = b"Lambda-Runtime-Function-XRay-Error-Cause: %s\r\n" % (b"x" * size)
            post = b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 2\r\n"
            thread, _ = in_thread(lambda: client.sendall(post + cause + b"\r\n{}"))
            served.until(lambda: has_answer(client))
            reply = client.recv(65536)
            client.close()
            thread.join(5)
        return reply

    assert send(1_000_000).startswith(b"HTTP/1.1 202 ")
    assert send(4_000_000).startswith(b"HTTP/1.1 431 ")


def test_an_extension_that_hung_up_gets_what_it_missed(served: Served) -> None:
    register = (
        b"POST /2020-01-01/extension/register HTTP/1.1\r\nLambda-Extension-Name: inside\r\n"
        b'Content-Length: 22\r\n\r\n{"events": ["INVOKE"]}'
    )
    with served.raw() as client:
        client.sendall(register)
        served.until(lambda: served.endpoint.extensions.rules.registered)
        (identifier,) = served.endpoint.extensions.rules.registered
        client.recv(65536)
    ask = (
        "GET /2020-01-01/extension/event/next HTTP/1.1\r\n"
        f"Lambda-Extension-Identifier: {identifier}\r\n\r\n"
    ).encode()
    rules = served.endpoint.extensions.rules
    with served.raw() as client:
        client.sendall(ask)
        served.until(lambda: rules.are_ready)
    served.until(lambda: not rules.are_ready)
    served.endpoint.extensions.send("INVOKE", {"eventType": "INVOKE"})
    with served.raw() as client:
        client.sendall(ask)
        served.until(lambda: has_answer(client))
        assert client.recv(65536).endswith(b'{"eventType":"INVOKE"}')
        assert not rules.are_ready
        client.sendall(ask)
        served.until(lambda: rules.are_ready)
