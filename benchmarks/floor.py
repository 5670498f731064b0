"""The floor: a raw socket server that hands each body to one warm Python child through a pipe."""

import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LENGTH: Final = struct.Struct("!I")
PIPE_BYTES: Final = 1_048_576
RECEIVE_BYTES: Final = 65_536  # more is mapped and unmapped by each call, which takes 13 µs


@contextmanager
def serving(module: str = "benchmarks.floor") -> Iterator[int]:
    """Run the floor server that a module of the benchmarks has; yield its port."""
    command = [sys.executable, "-m", module, "server"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def _serve() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.floor", "child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    for pipe in (child.stdin, child.stdout):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    connections: dict[int, socket.socket] = {}
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
            elif not _answer(connections[descriptor], child.stdin.fileno(), child.stdout.fileno()):
                poll.unregister(descriptor)
                connections.pop(descriptor).close()


def _answer(connection: socket.socket, to_child: int, from_child: int) -> bool:
    body = _request_body(connection)
    if body is None:
        return False
    _write(to_child, LENGTH.pack(len(body)) + body)
    (length,) = LENGTH.unpack(_read(from_child, LENGTH.size))
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    connection.sendall(head + _read(from_child, length))
    return True


def _request_body(connection: socket.socket) -> bytes | None:
    data = connection.recv(RECEIVE_BYTES)
    while data and b"\r\n\r\n" not in data:
        data += connection.recv(RECEIVE_BYTES)
    head, _, body = data.partition(b"\r\n\r\n")
    if not head:
        return None
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0])
    return body + _receive(connection, length - len(body))


def _receive(connection: socket.socket, count: int) -> bytes:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        view = view[connection.recv_into(view) :]
    return bytes(data)


def _child() -> None:
    """Do what a runtime cannot do without: JSON to a value and back."""
    requests, answers = sys.stdin.fileno(), sys.stdout.fileno()
    while size := os.read(requests, LENGTH.size):
        event = json.loads(_read(requests, LENGTH.unpack(size)[0]))
        body = json.dumps(event).encode()
        _write(answers, LENGTH.pack(len(body)) + body)


def _read(descriptor: int, count: int) -> bytes:
    data = os.read(descriptor, count)
    if len(data) == count:
        return data
    parts = [data]
    count -= len(data)
    while count:
        parts.append(os.read(descriptor, count))
        count -= len(parts[-1])
    return b"".join(parts)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    {"server": _serve, "child": _child}[sys.argv[1]]()
