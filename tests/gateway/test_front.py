"""Plain Invokes on one event loop, beside everything else on the same connections."""

import contextlib
import gc
import http.client
import json
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from typing_extensions import override

from emulator.api.answer import Answer
from emulator.gateway.client import Client
from emulator.gateway.serving import Server, serve
from emulator.model.steps import Afterwards, Pause, Promise, Steps, Wait

PATH = "/2015-03-31/functions/{}/invocations"
DEADLINE_S = 10.0


def invoke(function: str, body: bytes = b"{}", more: bytes = b"") -> bytes:
    head = f"POST {PATH.format(function)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + more + b"\r\n" + body


class Flag(Promise):
    """A promise that the test keeps."""

    until_s = float("inf")

    def __init__(self) -> None:
        self._tell: list[Callable[[], None]] = []

    @override
    def when_there(self, tell: Callable[[], None]) -> None:
        self._tell.append(tell)

    def keep(self) -> None:
        for tell in self._tell:
            tell()


@dataclass
class Lab:
    """Functions that answer with their names and bodies, in the way their names say."""

    threads: list[str] = field(default_factory=list)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    flag: Flag = field(default_factory=Flag)
    go_on: threading.Event = field(default_factory=threading.Event)
    done: list[str] = field(default_factory=list)
    pipe: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    def fast_invoke(self, environ: WSGIEnvironment) -> Steps[Answer] | None:
        function = environ["PATH_INFO"].split("/")[3]
        if function == "other":
            return None
        if function == "broken":
            raise ValueError("boom")
        return self._steps(function, environ["wsgi.input"].read())

    def _steps(self, function: str, body: bytes) -> Steps[Answer]:
        if function == "failing":
            raise ValueError("boom")
        if function == "blocking":
            yield Pause.BLOCKS
            self.begun.release()
            self.go_on.wait(DEADLINE_S)
        if function == "promised":
            self.begun.release()
            yield self.flag
        if function in ("reading", "patient"):
            self.begun.release()
            until_s = float("inf") if function == "reading" else 0.0
            has_waited = yield Wait(self.pipe[0], until_s)
            if not select.select([self.pipe[0]], [], [], 0)[0]:
                yield Pause.BLOCKS
            assert has_waited is True
            self.pipe[0].recv(1)
        if function == "untidy":
            yield Afterwards(lambda: self.done.remove("never there"))
            yield Afterwards(lambda: self.done.append(function))
        if function == "tidy":
            yield Afterwards(lambda: self.done.append(function))
        self.threads.append(threading.current_thread().name)
        answer = b"%d" % len(body) if len(body) > 1_000 else function.encode() + body
        return Answer(200, [("Content-Length", str(len(answer)))], answer)

    def wsgi(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        said = {"path": environ["PATH_INFO"], "body": body.decode("latin-1")}
        said |= {name: environ[name] for name in ("REMOTE_ADDR", "SERVER_PORT")}
        if "broken" in environ["PATH_INFO"]:
            raise ValueError("boom")
        start("200 OK", [("X-Behind", "1")])
        return [json.dumps(said).encode()]


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.go_on.set()
    for end in made.pipe:
        end.close()


@pytest.fixture
def server(lab: Lab) -> Iterator[Server]:
    made = serve(lab.wsgi, "127.0.0.1", 0, lab.fast_invoke)
    yield made
    lab.go_on.set()
    made.stop(1.0)


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    address = ("127.0.0.1", server.port)
    with closing(socket.create_connection(address, timeout=DEADLINE_S)) as client:
        yield client


def answer_on(client: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of the next answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(1) or pytest.fail("closed before it answered")
    head = data.removesuffix(b"\r\n\r\n").lower()
    length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += client.recv(length - len(body)) or pytest.fail("closed within an answer")
    return head, body


def test_invokes_are_answered_on_the_loops_thread(server: Server, lab: Lab) -> None:
    with connected(server) as client:
        for number in range(3):
            client.sendall(invoke("hello", b"%d" % number))
            head, body = answer_on(client)
            assert head.startswith(b"http/1.1 200 ok\r\n")
            assert b"\r\ndate: " in head
            assert body == b"hello%d" % number
    assert lab.threads == ["gateway"] * 3


def test_a_request_in_any_pieces_is_the_same_request(server: Server) -> None:
    request = invoke("hello", b"[1]")
    with connected(server) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request:
            client.sendall(bytes([byte]))
        assert answer_on(client)[1] == b"hello[1]"


def test_pipelined_requests_of_both_kinds_are_answered_in_order(server: Server, lab: Lab) -> None:
    get = b"GET /bucket HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(server) as client:
        client.sendall(invoke("a") + invoke("blocking") + get + invoke("b"))
        assert answer_on(client)[1] == b"a{}"
        lab.go_on.set()
        assert answer_on(client)[1] == b"blocking{}"
        assert b"/bucket" in answer_on(client)[1]
        assert PATH.format("b").encode() in answer_on(client)[1]  # it came with what was relayed


def test_one_connection_goes_to_and_fro_between_the_two(server: Server, lab: Lab) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_S)
    for number in range(3):
        connection.request("PUT", "/bucket/key", body=b"x" * 100_000 * number)
        assert connection.getresponse().read()
        connection.request("POST", PATH.format("hello"), body=b"1")
        answer = connection.getresponse()
        assert (answer.read(), answer.getheader("X-Behind")) == (b"hello1", None)
        chunks = iter([b"POST /2015-03-31/functions/hello/invocations HTTP/1.1\r\n\r\n"] * 2)
        connection.request("PUT", "/bucket/key", body=chunks, encode_chunked=True)
        assert b"invocations" in connection.getresponse().read()
    connection.close()
    assert lab.threads == ["gateway"] * 3


def test_a_body_that_looks_like_an_invoke_is_a_body(server: Server, lab: Lab) -> None:
    body = invoke("hello")
    head = b"PUT /key HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with connected(server) as client:
        client.sendall(head % len(body))
        assert client.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert json.loads(answer_on(client)[1])["body"].encode() == body
    assert lab.threads == []


def test_a_head_request_leaves_its_connection_usable(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_S)
    for _ in range(2):
        connection.request("HEAD", "/key")
        assert connection.getresponse().read() == b""
        connection.request("POST", PATH.format("hello"), body=b"1")
        assert connection.getresponse().read()
    connection.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_an_invoke_by_http_2_is_answered_behind(server: Server, lab: Lab) -> None:
    url = f"http://127.0.0.1:{server.port}{PATH.format('hello')}"
    command = ["curl", "-sS", "--http2-prior-knowledge", "-d", "{}", url]
    assert b'"path"' in subprocess.run(command, capture_output=True, check=True).stdout
    assert lab.threads == []


def test_a_large_body_arrives_whole(server: Server) -> None:
    with connected(server) as client:
        client.sendall(invoke("hello", b"x" * 6_000_000))
        assert answer_on(client)[1] == b"6000000"


def test_what_blocks_is_finished_by_a_thread_and_delays_nobody(server: Server, lab: Lab) -> None:
    with connected(server) as slow, connected(server) as quick:
        slow.sendall(invoke("blocking"))
        assert lab.begun.acquire(timeout=DEADLINE_S)
        quick.sendall(invoke("hello"))
        assert answer_on(quick)[1] == b"hello{}"
        lab.go_on.set()
        assert answer_on(slow)[1] == b"blocking{}"
    assert lab.threads == ["gateway", "invoke-1"]


def test_a_promise_is_waited_for_without_a_thread(server: Server, lab: Lab) -> None:
    with connected(server) as client:
        client.sendall(invoke("promised"))
        assert lab.begun.acquire(timeout=DEADLINE_S)
        lab.flag.keep()
        lab.flag.keep()  # to be told twice does no harm
        assert answer_on(client)[1] == b"promised{}"
    assert lab.threads == ["gateway"]


def test_what_can_be_read_at_once_never_leaves_the_loop(server: Server, lab: Lab) -> None:
    lab.pipe[1].sendall(b"12")
    with connected(server) as client:
        for _ in range(2):
            client.sendall(invoke("reading"))
            assert answer_on(client)[1] == b"reading{}"
    assert lab.threads == ["gateway"] * 2


def test_what_is_long_in_coming_is_waited_for_by_a_thread(server: Server, lab: Lab) -> None:
    with connected(server) as client:
        client.sendall(invoke("patient"))
        assert lab.begun.acquire(timeout=DEADLINE_S)
        deadline = time.monotonic() + DEADLINE_S
        while not any(thread.name == "invoke-1" for thread in threading.enumerate()):
            assert time.monotonic() < deadline
        lab.pipe[1].sendall(b"1")
        assert answer_on(client)[1] == b"patient{}"
    assert lab.threads == ["invoke-1"]


def test_the_answer_comes_before_what_is_left_to_do_and_the_next_request_after(
    server: Server, lab: Lab
) -> None:
    with connected(server) as client:
        client.sendall(invoke("tidy") + invoke("hello"))
        assert answer_on(client)[1] == b"tidy{}"
        assert answer_on(client)[1] == b"hello{}"
    assert lab.done == ["tidy"]


@pytest.mark.parametrize("function", ["other", "broken"])
def test_what_is_not_answered_here_is_answered_behind(server: Server, function: str) -> None:
    with connected(server) as client:
        client.sendall(invoke(function))
        head, _ = answer_on(client)
        assert head.split(b" ")[1] == (b"500" if function == "broken" else b"200")


def test_a_mistake_of_ours_is_a_500_and_the_connection_stays(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(server) as client:
        client.sendall(invoke("failing") + invoke("hello"))
        head, body = answer_on(client)
        assert head.startswith(b"http/1.1 500 ")
        assert "Internal server error" in json.loads(body)["message"]
        assert answer_on(client)[1] == b"hello{}"
    assert "request.failed" in caplog.text


def test_a_client_that_sends_no_more_still_gets_its_answer(server: Server, lab: Lab) -> None:
    with connected(server) as client:
        client.sendall(invoke("blocking"))
        client.shutdown(socket.SHUT_WR)
        lab.go_on.set()
        assert answer_on(client)[1] == b"blocking{}"
        assert client.recv(1) == b""


def test_a_client_that_goes_away_harms_nobody(server: Server, lab: Lab) -> None:
    for function in ("blocking", "other", "hello"):
        with connected(server) as client:
            client.sendall(invoke(function))
        with connected(server) as client:
            client.sendall(invoke(function)[:50])
    lab.go_on.set()
    with connected(server) as client:
        client.sendall(invoke("hello"))
        assert answer_on(client)[1] == b"hello{}"


def test_a_client_that_reads_no_answers_is_not_served_without_end(server: Server, lab: Lab) -> None:
    requests = invoke("hello", b"x" * 1_000) * 100
    with connected(server) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            send_for_ever(client, requests)


def send_for_ever(client: socket.socket, data: bytes) -> None:
    """Send until nothing more is taken, and not after a moment either."""
    while True:
        if not select.select([], [client], [], 0.5)[1]:
            raise BlockingIOError
        client.send(data)


def test_the_server_behind_knows_address_and_port_that_the_client_used(lab: Lab) -> None:
    with ExitStack() as stack:
        server = serve(lab.wsgi, "0.0.0.0", 0, lab.fast_invoke)
        stack.callback(server.stop, 1.0)
        for source in ("127.0.0.1", "127.0.0.5", "127.0.0.9", "127.0.0.5"):
            client = stack.enter_context(
                closing(
                    socket.create_connection(
                        ("127.0.0.1", server.port), DEADLINE_S, source_address=(source, 0)
                    )
                )
            )
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            said = json.loads(answer_on(client)[1])
            assert (said["REMOTE_ADDR"], said["SERVER_PORT"]) == (source, str(server.port))


@pytest.mark.parametrize("function", ["hello", "other"])
def test_a_connection_that_nobody_uses_is_closed(
    server: Server, lab: Lab, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    with connected(server) as idle, connected(server) as busy:
        busy.sendall(invoke("blocking"))
        assert lab.begun.acquire(timeout=DEADLINE_S)
        idle.sendall(invoke(function))
        answer_on(idle)
        monkeypatch.setattr("emulator.gateway.client.IDLE_CONNECTION_S", 0.05)
        for client in list(server._front._clients):  # what is asked for before may take its time
            server._front.loop.call_soon_threadsafe(client._expire)
        assert idle.recv(1) == b""
        lab.go_on.set()
        assert answer_on(busy)[1] == b"blocking{}"  # it was in use all the time


def test_a_stop_lets_running_invokes_finish_and_closes_idle_connections(lab: Lab) -> None:
    server = serve(lab.wsgi, "127.0.0.1", 0, lab.fast_invoke)
    with connected(server) as idle, connected(server) as busy, ThreadPoolExecutor(1) as threads:
        busy.sendall(invoke("blocking"))
        assert lab.begun.acquire(timeout=DEADLINE_S)
        stopped = threads.submit(server.stop, DEADLINE_S)
        assert idle.recv(1) == b""
        assert not stopped.done()
        lab.go_on.set()
        assert answer_on(busy)[1] == b"blocking{}"
        assert busy.recv(1) == b""
        assert stopped.result(DEADLINE_S) is True
    assert "gateway" not in [thread.name for thread in threading.enumerate()]


def test_a_stop_gives_up_on_an_invoke_after_its_grace(lab: Lab) -> None:
    server = serve(lab.wsgi, "127.0.0.1", 0, lab.fast_invoke)
    with connected(server) as client:
        client.sendall(invoke("blocking"))
        assert lab.begun.acquire(timeout=DEADLINE_S)
        assert server.stop(0.1) is False
        assert client.recv(1) == b""
    lab.go_on.set()  # its thread ends without anybody to tell


def test_a_stop_closes_what_is_relayed(lab: Lab) -> None:
    server = serve(lab.wsgi, "127.0.0.1", 0, lab.fast_invoke)
    with connected(server) as client:
        client.sendall(PUT)
        answer_on(client)
        client.sendall(PUT[:-1])
        (front,) = server._front._clients
        relay = front._relay
        assert relay is not None
        assert relay._server is not None
        server.stop(0.0)
        with contextlib.suppress(ConnectionResetError):  # where the half was not read
            assert client.recv(1) == b""
        assert relay._server.get_extra_info("socket").fileno() == -1


@pytest.mark.parametrize("function", ["hello", "other"])
def test_a_large_request_behind_a_slow_one_is_read_to_its_end(
    server: Server, lab: Lab, function: str
) -> None:
    large = invoke(function, b"x" * 6_000_000)
    data = memoryview(invoke("blocking") + large * 7)  # more than kernels keep
    with ThreadPoolExecutor(1) as threads, connected(server) as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)  # else it may hold all of it
        with contextlib.suppress(BlockingIOError):
            while data and select.select([], [client], [], 0.3)[1]:
                data = data[client.send(data[:65_536]) :]
        assert data, "it is read without end"
        client.settimeout(DEADLINE_S)
        lab.go_on.set()
        threads.submit(client.sendall, data)
        assert answer_on(client)[1] == b"blocking{}"
        for _ in range(7):
            assert len(answer_on(client)[1]) == 7 or function == "other"


def test_a_connection_is_read_again_after_as_many_requests_as_it_keeps(
    server: Server, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.gateway.client.MOST_UNREAD_BYTES", 100)
    with connected(server) as client:
        client.sendall(invoke("blocking"))
        assert lab.begun.acquire(timeout=DEADLINE_S)
        client.sendall(invoke("hello", b"x" * 100))
        (front,) = server._front._clients
        deadline = time.monotonic() + DEADLINE_S
        while front._transport.is_reading():
            assert time.monotonic() < deadline
        lab.go_on.set()
        assert answer_on(client)[1] == b"blocking{}"
        assert answer_on(client)[1] == b"hello" + b"x" * 100
        client.sendall(invoke("hello"))
        assert answer_on(client)[1] == b"hello{}"


def test_requests_in_a_row_are_answered_though_no_more_are_sent(server: Server) -> None:
    with connected(server) as client:
        client.sendall(invoke("hello") * 20)
        client.shutdown(socket.SHUT_WR)
        for _ in range(20):
            assert answer_on(client)[1] == b"hello{}"
        assert client.recv(1) == b""


PUT = b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n12"


@pytest.mark.parametrize("requests", [[PUT], [PUT] * 5, [PUT, invoke("hello"), PUT]])
def test_relayed_requests_are_answered_though_no_more_are_sent(
    server: Server, requests: list[bytes]
) -> None:
    with connected(server) as client:
        client.sendall(b"".join(requests))
        client.shutdown(socket.SHUT_WR)
        for _ in requests:
            assert answer_on(client)[0].startswith(b"http/1.1 200 ")
        assert client.recv(1) == b""


def test_a_request_that_has_its_turn_when_no_more_comes_is_relayed_and_answered(
    server: Server,
) -> None:
    with connected(server) as client:
        client.sendall(invoke("hello"))
        answer_on(client)
        (front,) = server._front._clients
        is_open: Future[bool] = Future()

        def end() -> None:  # just when the answer to the request before it was sent
            front._unread = PUT
            is_open.set_result(front.eof_received())

        server._front.loop.call_soon_threadsafe(end)
        assert is_open.result(DEADLINE_S)
        assert answer_on(client)[0].startswith(b"http/1.1 200 ")
        assert client.recv(1) == b""


@pytest.mark.parametrize("half", [invoke("hello")[:60], invoke("hello")[:-1], b"P"])
def test_half_a_request_at_the_end_closes_the_connection(
    server: Server, lab: Lab, half: bytes
) -> None:
    with connected(server) as client:
        client.sendall(invoke("blocking") + half)
        client.shutdown(socket.SHUT_WR)
        assert lab.begun.acquire(timeout=DEADLINE_S)
        lab.go_on.set()
        assert answer_on(client)[1] == b"blocking{}"
        assert client.recv(1) == b""


def test_nothing_is_left_of_connections_that_are_closed(server: Server) -> None:
    for function in ("hello", "other") * 5:
        with connected(server) as client:
            client.sendall(invoke(function))
            answer_on(client)
    deadline = time.monotonic() + DEADLINE_S
    while kept_clients(server):
        assert time.monotonic() < deadline


def kept_clients(server: Server) -> int:
    """How many connections of a server there still is an object for."""
    gc.collect()
    clients = (each for each in gc.get_objects() if isinstance(each, Client))
    return sum(each._front is server._front for each in clients)


def test_what_is_left_to_do_is_done_though_something_before_it_failed(
    server: Server, lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(server) as client:
        client.sendall(invoke("untidy") + invoke("hello"))
        assert answer_on(client)[1] == b"untidy{}"
        assert answer_on(client)[1] == b"hello{}"
    assert lab.done == ["untidy"]
    assert "request.failed" in caplog.text


def test_a_mistake_at_one_client_leaves_the_others_their_turns(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(server) as client, monkeypatch.context() as patch:
        patch.setattr(Client, "_begin_next", lambda _client: 1 / 0)
        client.sendall(invoke("hello"))
        assert client.recv(1) == b""
    with connected(server) as client:
        client.sendall(invoke("hello"))
        assert answer_on(client)[1] == b"hello{}"
    assert "request.failed" in caplog.text
