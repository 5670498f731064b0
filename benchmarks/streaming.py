"""Streamed responses: how soon the first byte comes, how fast the rest, and the floor of both.

The floor: a raw socket server that sends on, as chunks, what a warm Python child writes to a pipe.
"""

import os
import socket
import struct
import subprocess
import sys
import time
from typing import Final

from benchmarks.client import RECEIVE_BYTES, TIMEOUT_S, request

BLOCK: Final = bytes(65_536)
COUNT: Final = struct.Struct("!I")
LAST: Final = b"0\r\n\r\n"
HEAD: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def stream_request(function: str, blocks: int) -> bytes:
    """Return the bytes of an InvokeWithResponseStream for so many blocks."""
    path = f"/2021-11-15/functions/{function}/response-streaming-invocations"
    return request("POST", path, b'{"blocks": %d}' % blocks)


def read_stream(connection: socket.socket, data: bytes) -> tuple[float, float, int]:
    """Send one request; seconds to the body's first byte, to its end, and the bytes of it all."""
    started = time.perf_counter()
    connection.sendall(data)
    head = bytearray()
    while not head.partition(b"\r\n\r\n")[2]:
        head += _received(connection)
    first_s = time.perf_counter() - started
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the stream was refused: {bytes(head[:300])!r}")
    total, tail = len(head), bytes(head[-len(LAST) :])
    while tail != LAST:
        received = _received(connection)
        total += len(received)
        tail = (tail + received[-len(LAST) :])[-len(LAST) :]
    return first_s, time.perf_counter() - started, total


def connected(port: int) -> socket.socket:
    """Connect to a server of this machine."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(RECEIVE_BYTES)
    if not data:
        raise ConnectionError("the server closed the connection within an answer")
    return data


def _serve() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.streaming", "child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                while data := connection.recv(RECEIVE_BYTES):
                    blocks = int(data.rpartition(b":")[2].strip(b" }"))
                    child.stdin.write(COUNT.pack(blocks))
                    _relay(child.stdout.fileno(), connection, blocks * len(BLOCK))


def _relay(pipe: int, connection: socket.socket, left: int) -> None:
    begin = HEAD
    while left:
        data = os.read(pipe, len(BLOCK))
        left -= len(data)
        connection.sendall(b"%b%x\r\n%b\r\n" % (begin, len(data), data))
        begin = b""
    connection.sendall(LAST)


def _child() -> None:
    while asked := sys.stdin.buffer.read(COUNT.size):
        for _ in range(COUNT.unpack(asked)[0]):
            os.write(1, BLOCK)


if __name__ == "__main__":
    {"server": _serve, "child": _child}[sys.argv[1]]()
