import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from emulator.gateway.serving import ListenError, Server, serve

WSGI = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]
Exchange = Callable[..., bytes]


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the request's body."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def answering(status: str, headers: list[tuple[str, str]], body: Iterable[bytes]) -> WSGI:
    def wsgi(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, headers)
        return body

    return wsgi


def get(port: int, path: str = "/", method: str = "GET") -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    )


def split(answer: bytes) -> tuple[bytes, list[bytes], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    return status, headers, body


# --- requests ----------------------------------------------------------------------------------


def test_keep_alive_serves_many_requests_on_one_connection(served: Callable[..., Server]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served(echo).port, timeout=10)
    connection.connect()
    first = connection.sock
    for body in (b"one", b"", b"three"):
        connection.request("POST", "/", body=body)
        assert connection.getresponse().read() == body
    assert connection.sock is first
    connection.close()


def test_pipelined_requests_are_answered_in_order(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    def path(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode()]

    port = served(path).port
    request = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n" + get(
        port, "/c"
    )
    answer = exchange(port, request)
    assert [line for line in answer.split(b"\r\n") if line.startswith(b"/")] == [
        b"/aHTTP/1.1 200 OK",
        b"/bHTTP/1.1 200 OK",
        b"/c",
    ]


def test_a_chunked_body_arrives_whole(served: Callable[..., Server]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served(echo).port, timeout=10)
    connection.request("POST", "/", body=iter([b"one ", b"two"]), encode_chunked=True)
    assert connection.getresponse().read() == b"one two"
    connection.close()


def test_the_application_sees_joined_headers_and_a_decoded_path(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    seen: WSGIEnvironment = {}

    def look(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.update(environ)
        return echo(environ, start_response)

    port = served(look).port
    request = b"GET /a%20b%2Fc?d=%20 HTTP/1.1\r\nHost: h\r\nX-A_b: 1\r\nx-a_b: 2\r\n"
    exchange(port, request + b"Connection: close\r\n\r\n")
    assert (seen["PATH_INFO"], seen["QUERY_STRING"]) == ("/a b/c", "d=%20")
    assert (seen["HTTP_X_A_B"], seen["HTTP_HOST"]) == ("1,2", "h")
    assert (seen["REMOTE_ADDR"], seen["SERVER_PORT"]) == ("127.0.0.1", str(port))


def test_an_aws_chunked_body_with_a_trailing_checksum_passes_untouched(
    served: Callable[..., Server],
) -> None:
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    headers = {"Content-Encoding": "aws-chunked", "x-amz-trailer": "x-amz-checksum-crc32"}
    connection = http.client.HTTPConnection("127.0.0.1", served(echo).port, timeout=10)
    connection.request("PUT", "/bucket/key", body=body, headers=headers)
    assert connection.getresponse().read() == body
    connection.close()


def test_a_client_that_expects_100_continue_is_told_to_go_on(
    served: Callable[..., Server],
) -> None:
    port = served(echo).port
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
        client.sendall(
            b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        )
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"body")
        assert client.recv(1000).endswith(b"\r\n\r\nbody")


def test_a_refused_upload_that_expects_100_continue_is_never_asked_for(
    served: Callable[..., Server],
) -> None:
    port = served(answering("413 Too Large", [], [b"no"])).port
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
        client.sendall(
            b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_http_1_0_is_answered_and_closed(served: Callable[..., Server], exchange: Exchange) -> None:
    answer = exchange(served(echo).port, b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi")
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nhi")


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_http_2_with_prior_knowledge_carries_a_body_both_ways(
    served: Callable[..., Server],
) -> None:
    url = f"http://127.0.0.1:{served(echo).port}/"
    command = ["curl", "-sS", "--http2-prior-knowledge", "--data-binary", "hello", "-w"]
    answer = subprocess.run([*command, " %{http_version}", url], capture_output=True, check=True)
    assert answer.stdout == b"hello 2"


def test_oversized_headers_are_refused_with_431(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n"
    assert exchange(served(echo).port, request).startswith(b"HTTP/1.1 431 ")


def test_garbage_is_refused_with_400(served: Callable[..., Server], exchange: Exchange) -> None:
    assert exchange(served(echo).port, b"HELLO\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_an_upload_cut_short_never_looks_whole(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    seen: list[object] = []

    def read(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            seen.append(environ["wsgi.input"].read())
        except ConnectionResetError as error:
            seen.append(str(error))
            raise
        return echo(environ, start_response)

    request = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nabc"
    exchange(served(read).port, request, half_close=True)
    assert seen == ["the client sent 27 bytes less than it promised"]


def test_a_large_upload_is_read_only_as_the_application_asks(
    served: Callable[..., Server],
) -> None:
    total, block = 64 * 1024 * 1024, bytes(1024 * 1024)
    asked, sent = threading.Event(), 0

    def reader(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked.wait(10)
        return answering("200 OK", [], [str(len(environ["wsgi.input"].read())).encode()])(
            environ, start_response
        )

    port = served(reader).port
    with closing(socket.create_connection(("127.0.0.1", port), timeout=0.3)) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % total)
        with contextlib.suppress(TimeoutError):
            while sent < total:
                sent += client.send(block)
        assert sent < 16 * 1024 * 1024  # what the kernel's buffers take, not the server
        asked.set()
        client.settimeout(30)
        client.sendall(bytes(total - sent))
        assert client.recv(1000).endswith(str(total).encode())


def test_an_answer_to_an_unread_upload_is_not_lost_in_a_reset(
    served: Callable[..., Server],
) -> None:
    connection = http.client.HTTPConnection(
        "127.0.0.1", served(answering("403 Forbidden", [], [b"no"])).port, timeout=10
    )
    for _ in range(2):  # and the connection can be used again
        connection.request("PUT", "/", body=bytes(5_000_000))
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (403, b"no")
    connection.close()


# --- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "status", "headers", "body", "expected"),
    [
        ("HEAD", "200 OK", [("Content-Length", "1234")], [b""], b"content-length: 1234"),
        ("HEAD", "200 OK", [("Content-Length", "5")], [b"hello"], b"content-length: 5"),
        ("HEAD", "200 OK", [("Content-Length", "5")], iter([b"hello"]), b"content-length: 5"),
        ("GET", "204 No Content", [("Content-Length", "0")], [], b""),
        ("GET", "304 Not Modified", [("ETag", '"a"')], [b""], b'etag: "a"'),
    ],
)
def test_answers_without_a_body_have_none_and_keep_their_headers(
    served: Callable[..., Server],
    exchange: Exchange,
    method: str,
    status: str,
    headers: list[tuple[str, str]],
    body: Iterable[bytes],
    expected: bytes,
) -> None:
    port = served(answering(status, headers, body)).port
    line, sent, after = split(exchange(port, get(port, method=method)))
    assert line.split()[1] == status.split()[0].encode()
    assert after == b""
    assert not expected or expected in sent


@pytest.mark.parametrize("promised", ["1", "99"])
def test_a_wrong_content_length_is_corrected(
    served: Callable[..., Server], exchange: Exchange, promised: str
) -> None:
    port = served(answering("200 OK", [("Content-Length", promised)], [b"abc"])).port
    _, headers, body = split(exchange(port, get(port)))
    assert b"content-length: 3" in headers
    assert body == b"abc"


def test_repeated_set_cookie_headers_stay_apart(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    port = served(answering("200 OK", cookies, [b""])).port
    _, headers, _ = split(exchange(port, get(port)))
    assert [header for header in headers if header.startswith(b"set-cookie")] == [
        b"set-cookie: a=1",
        b"set-cookie: b=2",
    ]


def test_an_iterable_with_a_known_length_is_sent_with_it(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    for body in ([b"abcd"], [b"ab", b"cd"], [b"", b"abcd"]):
        port = served(answering("200 OK", [("Content-Length", "4")], iter(body))).port
        _, headers, after = split(exchange(port, get(port)))
        assert b"content-length: 4" in headers
        assert after == b"abcd"


def test_a_streamed_answer_arrives_chunk_by_chunk(served: Callable[..., Server]) -> None:
    go_on = threading.Semaphore(0)

    def stream(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        for number in range(3):
            yield b"%d" % number
            assert go_on.acquire(timeout=10)

    connection = http.client.HTTPConnection("127.0.0.1", served(stream).port, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    for number in range(3):  # the next chunk is not made before this one was received
        assert answer.read(1) == b"%d" % number
        go_on.release()
    assert answer.read() == b""
    connection.close()


def test_a_stream_is_closed_once_when_its_client_goes(served: Callable[..., Server]) -> None:
    closed: list[str] = []
    is_closed = threading.Event()

    def stream(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            yield b"first"
            while True:
                is_closed.wait(0.01)
                yield b""  # nothing to say, but is anyone there?
        finally:
            closed.append("closed")
            is_closed.set()

    port = served(stream).port
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
        client.sendall(get(port))
        assert client.recv(1000)
    assert is_closed.wait(10)
    assert closed == ["closed"]


# --- failures ----------------------------------------------------------------------------------


def failing(_environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
    raise ValueError("boom")


@pytest.mark.parametrize(
    "wsgi", [failing, answering("99 Odd", [], [b"x"]), answering("1000 Odd", [], [b"x"])]
)
def test_an_application_error_is_a_500_with_json_and_a_log_line(
    served: Callable[..., Server], exchange: Exchange, wsgi: WSGI, caplog: pytest.LogCaptureFixture
) -> None:
    port = served(wsgi).port
    line, headers, body = split(exchange(port, get(port, "/here")))
    assert line == b"HTTP/1.1 500 Internal Server Error"
    assert b"content-type: application/json" in headers
    assert "Internal server error" in json.loads(body)["message"]
    assert "request.failed GET /here" in caplog.text


def test_an_error_in_the_middle_of_a_known_length_breaks_the_answer_off(
    served: Callable[..., Server],
) -> None:
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise ValueError("boom")

    port = served(answering("200 OK", [("Content-Length", "9")], broken())).port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        connection.getresponse().read()
    connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="connections cannot be told apart")
@pytest.mark.parametrize("written", [[], [b"some"], [b"more" * 100_000] * 5], ids=len)
@pytest.mark.parametrize("error", [ValueError("boom"), ConnectionAbortedError("told elsewhere")])
def test_an_error_in_the_middle_of_an_unknown_length_breaks_the_answer_off(
    served: Callable[..., Server], written: list[bytes], error: Exception
) -> None:
    def broken() -> Iterator[bytes]:
        yield from written
        raise error

    port = served(answering("200 OK", [], broken())).port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/")
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
    assert caught.value.partial == b"".join(written)


@pytest.mark.skipif(sys.platform != "linux", reason="connections cannot be told apart")
def test_an_answer_that_is_broken_off_leaves_all_others_whole(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    halfway, go_on = threading.Event(), threading.Event()

    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"some"
        if environ["PATH_INFO"] == "/fails":
            raise ValueError("boom")
        if environ["PATH_INFO"] == "/waits":
            halfway.set()
            assert go_on.wait(10)

    port = served(wsgi).port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as other:
        other.request("GET", "/waits")
        answer = other.getresponse()
        assert halfway.wait(10)
        requests = b"".join(
            f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in ("a", "b", "fails", "c")
        )
        before, *broken_off = exchange(port, requests).rsplit(b"4\r\nsome\r\n", 1)
        assert before.count(b"4\r\nsome\r\n0\r\n\r\n") == before.count(b"some") == 2
        assert broken_off == [b"10\r\n"]  # and then nothing
        go_on.set()
        assert answer.read() == b"some"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_error_in_an_answer_without_a_body_leaves_its_connection_usable(
    served: Callable[..., Server], status: str
) -> None:
    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/fails":
            return answering(status, [], map(int.to_bytes, [-1]))(environ, start_response)
        return answering("200 OK", [], [b"x" * 50])(environ, start_response)

    port = served(wsgi).port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/fails")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (int(status[:3]), b"")
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"x" * 50


def test_a_client_that_goes_away_does_not_stop_the_application(
    served: Callable[..., Server],
) -> None:
    started, gone, finished = threading.Event(), threading.Event(), threading.Event()

    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started.set()
        gone.wait(10)
        answer = echo(environ, start_response)
        finished.set()
        return answer

    port = served(wsgi).port
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as client:
        client.sendall(get(port))
        assert started.wait(10)
    gone.set()
    assert finished.wait(10)


def halfway(go_on: threading.Event) -> WSGI:
    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"some"
        assert go_on.wait(10)
        yield b"more"

    return wsgi


def test_a_client_that_sends_no_more_gets_all_of_a_stream(
    served: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.gateway.relay._SILENCE_S", 100.0)
    go_on = threading.Event()
    port = served(halfway(go_on)).port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/")
        connection.sock.shutdown(socket.SHUT_WR)
        answer = connection.getresponse()
        assert answer.read1() == b"some"
        go_on.set()
        assert answer.read() == b"more"


def test_a_client_that_sends_no_more_while_a_stream_is_silent_has_gone(
    served: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.gateway.relay._SILENCE_S", 0.05)
    go_on = threading.Event()
    port = served(halfway(go_on)).port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/")
        connection.sock.shutdown(socket.SHUT_WR)
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()
    go_on.set()


def test_a_client_that_sends_no_more_than_a_head_request_is_answered(
    served: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.gateway.relay._SILENCE_S", 100.0)
    port = served(answering("200 OK", [("Content-Length", "9")], [b"some more"])).port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("HEAD", "/")
        connection.sock.shutdown(socket.SHUT_WR)
        assert connection.getresponse().status == 200


# --- many at once ------------------------------------------------------------------------------


def waiter(release: threading.Event) -> WSGI:
    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/slow":
            release.wait(30)
        start_response("200 OK", [])
        return [b"ok"]

    return wsgi


def test_a_hundred_waiting_requests_do_not_delay_another(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    release = threading.Event()
    port = served(waiter(release)).port
    waiting = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(100)]
    for client in waiting:
        client.sendall(get(port, "/slow"))
    for _ in range(20):
        assert exchange(port, get(port)).endswith(
            b"ok"
        )  # else it waits as long as those, and times out
    release.set()
    for client in waiting:
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
        client.close()


def test_thirty_two_slow_requests_take_one_round(
    served: Callable[..., Server], exchange: Exchange
) -> None:
    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        threading.Event().wait(0.2)
        return echo(environ, start_response)

    port = served(slow).port
    started = time.monotonic()
    with ThreadPoolExecutor(32) as clients:
        answers = list(clients.map(lambda _: exchange(port, get(port)), range(32)))
    assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)
    assert time.monotonic() - started < 3  # 6.4 s one after the other


# --- start and stop ----------------------------------------------------------------------------


def test_a_taken_port_is_refused_with_what_to_do(served: Callable[..., Server]) -> None:
    port = served(echo).port
    with pytest.raises(ListenError) as error:
        serve(echo, "127.0.0.1", port)
    assert str(error.value) == (
        f"port {port} is taken. Stop the other process, or pass --port 0 to pick a free one."
    )


def test_a_host_that_is_not_ours_is_refused_with_what_to_do() -> None:
    with pytest.raises(ListenError, match=r"cannot listen on host 'no\.such\.host\.invalid': .*"):
        serve(echo, "no.such.host.invalid", 0)


def test_stop_lets_a_running_request_finish_and_refuses_new_ones(exchange: Exchange) -> None:
    release, started = threading.Event(), threading.Event()

    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started.set()
        return waiter(release)(environ, start_response)

    server = serve(wsgi, "127.0.0.1", 0)
    with ThreadPoolExecutor(2) as threads:
        answer = threads.submit(exchange, server.port, get(server.port, "/slow"))
        assert started.wait(10)
        stopped = threads.submit(server.stop, 10.0)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
            except ConnectionError:
                break
        assert not stopped.done()
        release.set()
        assert stopped.result(10) is True
        assert answer.result(10).endswith(b"ok")


def test_stop_gives_up_on_a_request_after_its_grace(exchange: Exchange) -> None:
    release, started = threading.Event(), threading.Event()

    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started.set()
        return waiter(release)(environ, start_response)

    server = serve(wsgi, "127.0.0.1", 0)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(exchange, server.port, get(server.port, "/slow"))
        assert started.wait(10)
        assert server.stop(0.05) is False
        release.set()


def test_idle_connections_do_not_delay_a_stop(served: Callable[..., Server]) -> None:
    server = served(echo)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/", body=b"x")
    connection.getresponse().read()
    started = time.monotonic()
    assert server.stop(10.0) is True
    assert time.monotonic() - started < 2
    connection.close()


def test_the_process_exits_cleanly_with_a_request_still_running() -> None:
    program = """
import socket, threading
from emulator.gateway.serving import serve
started = threading.Event()
def wsgi(environ, start_response):
    started.set()
    threading.Event().wait(30)
server = serve(wsgi, "127.0.0.1", 0)
client = socket.create_connection(("127.0.0.1", server.port))
client.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
started.wait(10)
server.stop(0.05)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, b"")
