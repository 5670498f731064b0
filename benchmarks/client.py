"""A client that costs next to nothing: requests are bytes made ahead, connections are kept."""

import json
import select
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

RECEIVE_BYTES: Final = 65_536  # more is mapped and unmapped by each call, which takes 13 µs
TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `head` is the status line and the headers as they came."""

    status: int
    head: bytes
    body: bytes

    @property
    def is_function_error(self) -> bool:
        """True when the function failed, not the request."""
        return b"x-amz-function-error" in self.head.lower()

    def json(self) -> Any:
        """The body as a value."""
        return json.loads(self.body)


def request(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    service: str | None = "lambda",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return the bytes of a request; the emulator reads the scope of the signature, not its value.

    service: None for a request that is not signed, as to /_emulator.
    """
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    if service:
        scope = f"Credential=test/20260101/us-east-1/{service}/aws4_request"
        lines.append(f"Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def invoke(function: str, payload: bytes = b"{}", kind: str = "RequestResponse") -> bytes:
    """Return the bytes of an Invoke request."""
    path = f"/2015-03-31/functions/{function}/invocations"
    return request("POST", path, payload, headers={"X-Amz-Invocation-Type": kind})


class Connection:
    """One keep-alive connection, one request at a time. Not for several threads."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def call(self, data: bytes) -> Answer:
        """Send one request and wait for its answer."""
        self.socket.sendall(data)
        return self.receive()

    def receive(self) -> Answer:
        """Read one answer."""
        data = self.socket.recv(RECEIVE_BYTES)
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        status = int(head[9:12])
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            return Answer(status, head, self._chunks(body))
        _, has_length, rest = lower.partition(b"content-length:")
        missing = (int(rest.split(b"\r", 1)[0]) if has_length else 0) - len(body)
        if missing > 0:
            body += self._exactly(missing)
        return Answer(status, head, body)

    def _more(self) -> bytes:
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the server closed the connection before it answered")
        return data

    def _exactly(self, count: int) -> bytes:
        body = bytearray(count)
        view = memoryview(body)
        while view:
            received = self.socket.recv_into(view)
            if not received:
                raise ConnectionError("the server closed the connection within an answer")
            view = view[received:]
        return bytes(body)

    def _chunks(self, data: bytes) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in data:
                data += self._more()
            size, _, data = data.partition(b"\r\n")
            length = int(size, 16)
            while len(data) < length + 2:
                data += self._more()
            body, data = body + data[:length], data[length + 2 :]
            if length == 0:
                return body


def latencies(connection: Connection, data: bytes, count: int) -> list[float]:
    """Seconds of each of `count` calls, one after the other; raise when one is not answered 2xx."""
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        answer = connection.call(data)
        seconds.append(time.perf_counter() - started)
        expect_success(answer)
    return seconds


def rate(port: int, data: bytes, *, clients: int, seconds: float) -> float:
    """Answers per second when `clients` connections each send the next request at once."""
    with _Clients(port, clients) as all_clients:
        all_clients.run(data, until=time.perf_counter() + seconds / 4)  # warms environments
        started = time.perf_counter()
        answered = all_clients.run(data, until=started + seconds)
        return answered / (time.perf_counter() - started)


def burst(port: int, requests: Sequence[bytes], *, clients: int) -> float:
    """Seconds until all `requests`, shared out to `clients` connections, are answered."""
    with _Clients(port, clients) as all_clients:
        started = time.perf_counter()
        all_clients.drain(list(requests))
        return time.perf_counter() - started


class _Clients:
    """Connections driven by one thread."""

    def __init__(self, port: int, count: int) -> None:
        self._connections = {c.socket.fileno(): c for c in (Connection(port) for _ in range(count))}
        self._poll = select.epoll()
        for descriptor in self._connections:
            self._poll.register(descriptor, select.EPOLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._poll.close()
        for connection in self._connections.values():
            connection.socket.close()

    def run(self, data: bytes, *, until: float) -> int:
        """Keep every connection busy until the time is up; count the answers."""
        for connection in self._connections.values():
            connection.socket.sendall(data)
        answered, open_calls = 0, len(self._connections)
        while open_calls:
            for connection in self._ready():
                expect_success(connection.receive())
                answered += 1
                if time.perf_counter() < until:
                    connection.socket.sendall(data)
                else:
                    open_calls -= 1
        return answered

    def drain(self, requests: list[bytes]) -> None:
        """Send all requests, each connection its next one when the last one is answered."""
        open_calls = 0
        for connection in self._connections.values():
            if requests:
                connection.socket.sendall(requests.pop())
                open_calls += 1
        while open_calls:
            for connection in self._ready():
                expect_success(connection.receive())
                if requests:
                    connection.socket.sendall(requests.pop())
                else:
                    open_calls -= 1

    def _ready(self) -> list[Connection]:
        return [self._connections[descriptor] for descriptor, _ in self._poll.poll()]


def expect_success(answer: Answer) -> None:
    """Raise with what the server said unless the answer is a 2xx."""
    if not 200 <= answer.status < 300:
        raise RuntimeError(f"answer {answer.status}: {answer.body[:300]!r}")
