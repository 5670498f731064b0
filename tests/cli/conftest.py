"""A small server that answers like the emulator, and the command line run as a process."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

FUNCTIONS = [
    {
        "name": name,
        "runtime": "python3.12",
        "handler": "app.handler",
        "timeout_s": 3,
        "memory_mib": 128,
        "code": f"/home/me/{name}",
        "live": True,
    }
    for name in ("orders", "resize")
]
LOG = b"START RequestId: 1\nhello\nEND RequestId: 1\nREPORT RequestId: 1\tDuration: 1.00 ms\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass
class FakeEmulator:
    """What the fake answers next, and what it was asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"ok": true}'
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)  # method, path, body
    last_headers: dict[str, str] = field(default_factory=dict)
    url: str = ""


def _handler(fake: FakeEmulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fake.asked.append(("POST", self.path, body))
            fake.last_headers = dict(self.headers.items())
            log = {"x-amz-log-result": base64.b64encode(LOG).decode()}
            self._answer(fake.status, fake.body, {**log, **fake.headers})

        def do_GET(self) -> None:
            fake.asked.append(("GET", self.path, b""))
            if self.path.startswith("/_emulator/functions"):
                self._answer(200, json.dumps(FUNCTIONS).encode(), {})
            else:
                self._answer(fake.status, fake.body, fake.headers)

        def do_DELETE(self) -> None:
            fake.asked.append(("DELETE", self.path, b""))
            self._answer(fake.status, fake.body, fake.headers)

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:  # type: ignore[explicit-override]
            """Say nothing."""

    return Handler


@pytest.fixture
def fake() -> Iterator[FakeEmulator]:
    fake = FakeEmulator()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def run(fake: FakeEmulator) -> Run:
    """Run a command against the fake: `run("list", "--json")`."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "emulator", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "LAMBDA_EMULATOR_ENDPOINT": fake.url, **variables},
        )

    return run
