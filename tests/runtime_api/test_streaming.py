"""Streamed responses over real sockets: passed on as they come, no faster than they are taken."""

import base64
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from emulator.model.limits import SYNC_RESPONSE_BYTES
from emulator.runtime_api import Answer, Outcome, response_stream
from tests.runtime_api.test_endpoint import (
    Served,
    get_next,
    has_answer,
    invocation,
    post_response,
)

HEAD = (
    b"POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: x\r\n"
    b"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
)
TYPE = b"Content-Type: text/plain\r\n"
LAST = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Sink:
    """Takes what is streamed, as long as there is room."""

    def __init__(self) -> None:
        self.content_type = ""
        self.data = bytearray()
        self.room = 1 << 30
        self._wake, self._ring = socket.socketpair()

    def begin(self, content_type: str) -> None:
        self.content_type = content_type

    def write(self, data: bytes) -> bool:
        self.data += data
        return len(self.data) < self.room

    def fileno(self) -> int:
        return self._wake.fileno()

    def resume(self) -> None:
        self._wake.recv(1)

    def make_room(self) -> None:
        self.room = 1 << 30
        self._ring.send(b"x")

    def close(self) -> None:
        self._wake.close()
        self._ring.close()


class Lab(Served):
    """An endpoint whose runtime is a socket of the test."""

    def __init__(self) -> None:
        super().__init__()
        self.sink = Sink()
        self.runtime = self.raw()

    def begin(self, *, reads_along: bool = True) -> None:
        """Have the runtime ask, and give it an event."""
        self.runtime.sendall(get_next())
        self.until(lambda: self.endpoint.is_ready)
        headers = {"Lambda-Runtime-Aws-Request-Id": "id-1"}
        self.endpoint.deliver(invocation(), headers, self.sink if reads_along else None)
        self.runtime.recv(65536)

    def answer(self) -> Answer:
        self.until(lambda: self.endpoint.answer)
        assert self.endpoint.answer is not None
        return self.endpoint.answer

    def reply(self) -> bytes:
        self.until(lambda: has_answer(self.runtime))
        return self.runtime.recv(65536)


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.runtime.close()
    lab.endpoint.close()
    lab.selector.close()
    lab.sink.close()


def test_pieces_are_passed_on_before_the_response_has_ended(lab: Lab) -> None:
    lab.begin()
    lab.runtime.sendall(HEAD + TYPE + b"\r\n" + chunk(b"one "))
    lab.until(lambda: lab.sink.data == b"one ")
    assert lab.sink.content_type == "text/plain"
    assert lab.endpoint.answer is None
    lab.runtime.sendall(chunk(b"two") + LAST)
    answer = lab.answer()
    assert (answer.outcome, answer.body, answer.streamed_bytes) == (
        Outcome.RESPONSE,
        b"one two",
        7,
    )
    assert lab.sink.data == b"one two"
    assert lab.reply().startswith(b"HTTP/1.1 202 Accepted\r\n")


def test_the_next_request_may_follow_on_the_same_connection(lab: Lab) -> None:
    lab.begin()
    lab.runtime.sendall(HEAD + b"\r\n" + chunk(b"all") + LAST + get_next())
    lab.until(lambda: lab.endpoint.is_ready)
    assert lab.sink.content_type == "application/octet-stream"
    assert lab.answer().streamed_bytes == 3


def test_a_caller_who_does_not_read_along_gets_all_of_it(lab: Lab) -> None:
    lab.begin(reads_along=False)
    lab.runtime.sendall(HEAD + b"\r\n" + chunk(b"one ") + chunk(b"two") + LAST)
    answer = lab.answer()
    assert (answer.outcome, answer.body, answer.streamed_bytes) == (
        Outcome.RESPONSE,
        b"one two",
        None,
    )


def test_trailers_tell_of_an_error_in_the_middle(lab: Lab) -> None:
    error = json.dumps({"errorType": "Oops", "errorMessage": "half way"}).encode()
    lab.begin()
    lab.runtime.sendall(
        HEAD
        + b"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
        + chunk(b"half")
        + b"0\r\nLambda-Runtime-Function-Error-Type: Runtime.Oops\r\n"
        + b"Lambda-Runtime-Function-Error-Body: "
        + base64.b64encode(error)
        + b"\r\n\r\n"
    )
    answer = lab.answer()
    assert (answer.outcome, answer.body, answer.error_type) == (
        Outcome.ERROR,
        error,
        "Runtime.Oops",
    )
    assert lab.sink.data == b"half"
    assert lab.reply().startswith(b"HTTP/1.1 202 ")


def test_an_error_body_that_is_not_base64_is_passed_on_as_it_is(lab: Lab) -> None:
    lab.begin(reads_along=False)
    lab.runtime.sendall(
        HEAD + b"\r\n0\r\nLambda-Runtime-Function-Error-Type: T\r\n"
        b"Lambda-Runtime-Function-Error-Body: {oh no}\r\n\r\n"
    )
    assert lab.answer().body == b"{oh no}"


def test_a_full_sink_holds_the_runtime_up(lab: Lab) -> None:
    size = 32 * 1024 * 1024
    lab.sink.room = 100_000
    lab.begin()
    sender = threading.Thread(
        target=lambda: lab.runtime.sendall(HEAD + b"\r\n" + chunk(bytes(size)) + LAST)
    )
    sender.start()
    lab.until(lambda: len(lab.sink.data) >= 100_000)
    assert lab.selector.select(0.2) == []  # nobody listens to the runtime any more
    assert sender.is_alive()
    assert len(lab.sink.data) < 1_000_000
    lab.sink.make_room()
    answer = lab.answer()
    sender.join(5)
    assert answer.streamed_bytes == size
    assert len(lab.sink.data) == size


def test_an_endpoint_can_restart_while_its_sink_is_full(lab: Lab) -> None:
    lab.sink.room = 1
    lab.begin()
    lab.runtime.sendall(HEAD + b"\r\n" + chunk(b"much"))
    lab.until(lambda: lab.sink.data)
    lab.endpoint.restart()
    with lab.raw() as new:
        new.sendall(get_next())
        lab.until(lambda: lab.endpoint.is_ready)


@pytest.mark.parametrize("reads_along", [False, True])
def test_more_than_the_limit_is_told_at_once_and_refused_at_the_end(
    lab: Lab, reads_along: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_stream, "STREAMED_RESPONSE_BYTES", 7_000_000)
    limit = 7_000_000 if reads_along else SYNC_RESPONSE_BYTES
    lab.begin(reads_along=reads_along)
    sender = threading.Thread(
        target=lambda: lab.runtime.sendall(HEAD + b"\r\n" + chunk(bytes(limit + 1)))
    )
    sender.start()
    answer = lab.answer()
    assert (answer.outcome, answer.limit) == (Outcome.TOO_LARGE, limit)
    assert len(lab.sink.data) == (limit if reads_along else 0)
    sender.join(5)
    lab.runtime.sendall(chunk(b"more") + LAST)
    reply = lab.reply()
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert f"Exceeded maximum allowed payload size ({limit} bytes)." in reply.decode()
    lab.runtime.sendall(get_next())
    lab.until(lambda: lab.endpoint.is_ready)


def test_exactly_the_limit_passes(lab: Lab) -> None:
    lab.begin(reads_along=False)
    sender = threading.Thread(
        target=lambda: lab.runtime.sendall(
            HEAD + b"\r\n" + chunk(bytes(SYNC_RESPONSE_BYTES)) + LAST
        )
    )
    sender.start()
    assert len(lab.answer().body) == SYNC_RESPONSE_BYTES
    sender.join(5)


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"\r\n" + chunk(b"half"),
        HEAD + b"\r\n",
        post_response(body=b'"whole"')[:-3],
        post_response(body=b'"whole"')[:-7],
    ],
    ids=["streamed", "no byte", "buffered", "buffered, no byte"],
)
def test_a_connection_that_ends_in_the_middle_truncates_the_response(lab: Lab, sent: bytes) -> None:
    lab.begin(reads_along=False)
    lab.runtime.sendall(sent)
    lab.runtime.close()
    assert lab.answer().outcome is Outcome.TRUNCATED
    with lab.raw() as again:
        again.sendall(get_next())
        lab.until(lambda: lab.endpoint.is_ready)


def test_a_body_that_is_not_chunked_right_is_truncated(lab: Lab) -> None:
    lab.begin(reads_along=False)
    lab.runtime.sendall(HEAD + b"\r\n" + chunk(b"half") + b"no number\r\n")
    assert lab.answer().outcome is Outcome.TRUNCATED


def test_while_it_streams_a_runtime_may_do_nothing_else(lab: Lab) -> None:
    lab.begin()
    lab.runtime.sendall(HEAD + b"\r\n" + chunk(b"one"))
    lab.until(lambda: lab.sink.data)
    for request in (get_next(), post_response(), HEAD + b"\r\n" + chunk(b"x") + LAST):
        with lab.raw() as other:
            other.sendall(request)
            lab.until(lambda other=other: has_answer(other))  # type: ignore[misc]  # it is bound
            reply = other.recv(65536).decode()
        assert reply.startswith("HTTP/1.1 403 ")
        assert "State transition from InvocationResponse to " in reply
    lab.runtime.sendall(LAST)
    assert lab.answer().streamed_bytes == 3


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"id-1", b"id-2", b"400"),
        (b"POST", b"PUT", b"405"),
    ],
)
def test_a_refused_stream_is_read_to_its_end_and_can_be_sent_right(
    lab: Lab, old: bytes, new: bytes, status: bytes
) -> None:
    lab.begin()
    lab.runtime.sendall(HEAD.replace(old, new) + b"\r\n" + chunk(b"wrong") + LAST)
    assert lab.reply().startswith(b"HTTP/1.1 " + status)
    assert lab.endpoint.answer is None
    lab.runtime.sendall(HEAD + b"\r\n" + chunk(b"right") + LAST)
    assert lab.answer().streamed_bytes == 5
    assert lab.sink.data == b"right"


def test_a_stream_that_was_dropped_is_over_before_the_next_request(lab: Lab) -> None:
    lab.begin()
    with lab.raw() as other:
        other.sendall(HEAD + b"\r\n" + chunk(b"half"))
        lab.until(lambda: lab.sink.data)
    lab.runtime.sendall(get_next())
    while not lab.endpoint.is_ready:  # whichever of the two the selector names first
        for key, _ in reversed(lab.selector.select(5)):
            key.data()
    assert lab.answer().outcome is Outcome.TRUNCATED


def test_a_stream_that_ends_while_its_sink_is_full_is_taken_at_the_next_request(lab: Lab) -> None:
    lab.sink.room = 1
    lab.begin()
    with lab.raw() as other:
        other.sendall(HEAD + b"\r\n" + chunk(b"one "))
        lab.until(lambda: lab.sink.data)
        other.sendall(chunk(b"two") + LAST)
        lab.runtime.sendall(get_next())
        lab.until(lambda: lab.endpoint.is_ready)
        assert lab.sink.data == b"one two"
        assert lab.answer().outcome is Outcome.RESPONSE
        other.sendall(get_next())  # it is listened to again
        lab.until(lambda: lab.endpoint.is_ready)
        lab.until(lambda: has_answer(other) or not lab.selector.select(0.1))


def test_a_second_response_that_breaks_off_leaves_the_first_alone(lab: Lab) -> None:
    lab.begin()
    lab.runtime.sendall(HEAD + b"\r\n" + chunk(b"one "))
    lab.until(lambda: lab.sink.data)
    for begun in (HEAD + b"\r\n" + chunk(b"x"), post_response()[:-1]):
        with lab.raw() as other:
            other.sendall(begun)
            other.shutdown(socket.SHUT_WR)
            lab.until(lambda other=other: has_answer(other))  # type: ignore[misc]  # it is bound
            assert b"TruncatedHTTPRequest" in other.recv(65536)
    assert lab.endpoint.answer is None
    lab.runtime.sendall(chunk(b"two") + LAST)
    assert lab.answer().outcome is Outcome.RESPONSE
    assert lab.sink.data == b"one two"


def test_a_reader_that_is_forgotten_while_it_is_full_may_close(lab: Lab) -> None:
    lab.sink.room = 1
    lab.begin()
    lab.runtime.sendall(HEAD + b"\r\n" + chunk(b"one "))
    lab.until(lambda: lab.sink.data)
    lab.endpoint.forget_reader()
    lab.sink.close()
    lab.runtime.sendall(chunk(b"two") + LAST)
    assert lab.answer().outcome is Outcome.RESPONSE  # the runtime does not wait for ever
    assert lab.sink.data == b"one "


def test_what_a_process_sent_before_it_ended_is_found_wherever_it_came(lab: Lab) -> None:
    lab.begin()
    with lab.raw() as unseen:
        unseen.sendall(HEAD + b"\r\n" + chunk(b"last words"))
        lab.endpoint.drain()
        assert lab.sink.data == b"last words"
        assert lab.endpoint.answer is None


def test_an_answer_of_a_process_that_has_ended_counts(lab: Lab) -> None:
    lab.begin()
    with lab.raw() as unseen:
        unseen.sendall(post_response(body=b'"last"'))
    lab.endpoint.drain()
    assert lab.endpoint.answer is not None
    assert (lab.endpoint.answer.outcome, lab.endpoint.answer.body) == (Outcome.RESPONSE, b'"last"')


def test_a_client_that_reads_nothing_may_stream_to_a_full_sink(lab: Lab) -> None:
    lab.sink.room = 1
    lab.begin()
    pings = b"GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n" * 60_000  # answers: 5 MB
    with lab.raw() as other:
        sent = pings + HEAD + b"\r\n" + chunk(b"one ")
        sender = threading.Thread(target=lambda: other.sendall(sent))
        sender.start()
        lab.until(lambda: lab.sink.data)
        sender.join(5)
        other.sendall(chunk(b"two") + LAST)
        lab.sink.make_room()
        assert lab.answer().outcome is Outcome.RESPONSE
        assert lab.sink.data == b"one two"
