"""What an extension listens with: an HTTP or a TCP server that keeps what it gets."""

import json
import queue
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from typing_extensions import override

from emulator.runtime_api import Destination, Subscription, TelemetryApi

TIMEOUT_S = 10


class Listener:
    """What came: one list of records a batch, and of HTTP the method and path of each request."""

    def __init__(self) -> None:
        self.batches: queue.Queue[list[Any]] = queue.Queue()
        self.requests: list[str] = []
        self.statuses: list[int] = []  # to answer with, before 200
        self.may_answer = threading.Event()
        self.may_answer.set()

    def batch(self) -> list[Any]:
        return self.batches.get(timeout=TIMEOUT_S)

    def records(self) -> list[Any]:
        return [event["record"] for event in self.batch()]


class _HttpHandler(BaseHTTPRequestHandler):
    listener: Listener

    def do_POST(self) -> None:
        batch = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.listener.may_answer.wait(TIMEOUT_S)
        status = self.listener.statuses.pop(0) if self.listener.statuses else 200
        self.send_response(status)
        self.end_headers()
        self.listener.requests.append(f"{self.command} {self.path} {self.headers['Host']}")
        self.listener.batches.put(batch)

    do_PUT = do_POST

    @override
    def log_message(self, *_: Any) -> None:
        pass


class _TcpHandler(socketserver.StreamRequestHandler):
    listener: Listener

    @override
    def handle(self) -> None:
        for line in self.rfile:
            self.listener.batches.put([json.loads(line)])


@contextmanager
def listening(*, tcp: bool = False) -> Iterator[tuple[Listener, int]]:
    """Serve on a free port; yields what came and the port."""
    listener = Listener()
    handler: Any = type("Handler", (_TcpHandler if tcp else _HttpHandler,), {"listener": listener})
    server_type = socketserver.TCPServer if tcp else HTTPServer
    with server_type(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield listener, server.server_address[1]
        listener.may_answer.set()
        server.shutdown()
        thread.join()


def subscription(port: int, *, tcp: bool = False, **changes: Any) -> Subscription:
    settings: dict[str, Any] = {
        "api": TelemetryApi.TELEMETRY,
        "schema": "2022-12-13",
        "types": ("platform", "function"),
        "destination": Destination(port=port, method=None if tcp else "POST"),
        "max_items": 1_000,
        "max_bytes": 262_144,
        "timeout_ms": 30_000,
    }
    return Subscription(**settings | changes)
