"""A small Runtime API server, and node processes that run our Node runtime against it."""

import json
import os
import queue
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
BOOTSTRAP = Path(__file__).parents[2] / "emulator" / "runtimes" / "node" / "bootstrap.mjs"
TIMEOUT_S = 20
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the runtime posted; path is `response`, `error` or `init/error`."""

    path: str
    body: Any
    headers: Mapping[str, str]


class RuntimeApiServer(socketserver.ThreadingTCPServer):
    """Hands events to one runtime, and takes its answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RuntimeApiConnection)
        self.events: queue.Queue[bytes | None] = queue.Queue()
        self.answers: queue.Queue[Answer | None] = queue.Queue()  # None: the connection ended
        self.post_status = "202 Accepted"


class RuntimeApiConnection(socketserver.StreamRequestHandler):
    server: RuntimeApiServer

    def handle(self) -> None:  # type: ignore[explicit-override]  # Python 3.11 has no @override
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := self.rfile.readline():
            method, path, _ = request.decode().split()
            headers = self._headers()
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if method == "GET":
                event = self.server.events.get()
                if event is None:
                    return
                self.wfile.write(event)
            else:
                kind = path.removeprefix("/2018-06-01/runtime/").removeprefix("invocation/id-1/")
                self.server.answers.put(Answer(path=kind, body=json.loads(body), headers=headers))
                status = self.server.post_status
                self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\n{{}}\n".encode())
        self.server.answers.put(None)

    def _headers(self) -> dict[str, str]:
        headers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return headers


class Function:
    """A node process that runs the function in `folder`."""

    def __init__(self, folder: Path, stack: ExitStack, is_standby: bool, **variables: str) -> None:
        self.server = stack.enter_context(RuntimeApiServer())
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        stack.callback(self.server.shutdown)
        stack.callback(self.server.events.put, None)
        self.environment = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "f",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs18.x",
            "LAMBDA_TASK_ROOT": str(folder),
            "_HANDLER": "index.handler",
            **variables,
        }
        self.line, theirs = socket.socketpair()
        stack.enter_context(self.line)
        environment = self.environment
        if is_standby:
            environment = {"LAMBDA_EMULATOR_STANDBY_FD": str(theirs.fileno()), "LEFTOVER": "1"}
        with theirs:
            self.process = subprocess.Popen(
                [str(NODE), str(BOOTSTRAP)],
                env=environment,
                cwd=folder,
                pass_fds=[theirs.fileno()],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        stack.callback(self._end)

    def _end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def invoke(self, event: object = None, **headers: str) -> Answer:
        """Hand over one event; return the answer, which must come from a living process."""
        answer = self.send(event, **headers)
        assert answer is not None, self.process.communicate()
        return answer

    def send(self, event: object = None, **headers: str) -> Answer | None:
        body = json.dumps(event).encode()
        head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-1\r\n"
        head += f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 3000}\r\n"
        head += f"Lambda-Runtime-Invoked-Function-Arn: {ARN}\r\n"
        for name, value in headers.items():
            head += f"Lambda-Runtime-{name.replace('_', '-')}: {value}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        self.server.events.put(head.encode() + body)
        return self.server.answers.get(timeout=TIMEOUT_S)

    def output(self) -> str:
        """What is in the pipe at this moment."""
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        return (self.process.stdout.read() or b"").decode()

    def exit_code(self) -> int:
        return self.process.wait(TIMEOUT_S)


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[Callable[..., Function]]:
    """Start a function from source text, or from several files."""
    if NODE is None:
        pytest.skip("node is not installed")
    with ExitStack() as stack:

        def start(
            source: str | Mapping[str, str], *, is_standby: bool = False, **variables: str
        ) -> Function:
            files = {"index.js": source} if isinstance(source, str) else source
            for name, text in files.items():
                file = tmp_path / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return Function(tmp_path, stack, is_standby, **variables)

        yield start
