import os
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.sandbox.docker.logs import Frames, LogRelay, open_pipe


def frame(text: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


def read(fd: int, size: int) -> bytes:
    """Read `size` bytes, or up to the end."""
    data = b""
    while len(data) < size:
        ready, _, _ = select.select([fd], [], [], 10)
        assert ready, f"only {len(data)} of {size} bytes came"
        if not (piece := os.read(fd, size)):
            break
        data += piece
    return data


@pytest.fixture
def relay() -> Iterator[LogRelay]:
    relay = LogRelay()
    yield relay
    relay.close()
    assert "docker-logs" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_frames_are_taken_apart_however_they_are_cut(size: int) -> None:
    data = frame(b"out\n") + frame(b"err\n", stream=2) + frame(b"") + frame(b"end")
    frames = Frames()
    pieces = [frames.feed(data[start : start + size]) for start in range(0, len(data), size)]
    assert b"".join(pieces) == b"out\nerr\nend"


def test_a_relay_hands_on_what_the_engine_sends_to_its_end(relay: LogRelay) -> None:
    engine, attached = socket.socketpair()
    fd = relay.relay(attached)
    engine.sendall(frame(b"hello\n"))
    assert read(fd, 6) == b"hello\n"
    engine.close()
    assert read(fd, 1) == b""
    os.close(fd)


def test_a_reader_that_is_slow_gets_it_all_and_keeps_nobody_waiting(relay: LogRelay) -> None:
    engine, attached = socket.socketpair()
    other_engine, other = socket.socketpair()
    slow, quick = relay.relay(attached), relay.relay(other)
    text = b"x" * 300_000
    engine.settimeout(10)
    engine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1_000_000)
    engine.sendall(frame(text[:150_000]))
    other_engine.sendall(frame(b"quick"))
    assert read(quick, 5) == b"quick"
    assert read(slow, 150_000) == text[:150_000]
    for fd in (slow, quick):
        os.close(fd)
    engine.close()
    other_engine.close()


def test_a_pipe_without_writers_is_not_at_its_end(tmp_path: Path) -> None:
    fd = open_pipe(tmp_path / "log")
    with pytest.raises(BlockingIOError):
        os.read(fd, 1)
    with (tmp_path / "log").open("wb") as writer:
        writer.write(b"text")
    assert os.read(fd, 10) == b"text"
    with pytest.raises(BlockingIOError):
        os.read(fd, 1)
    os.close(fd)
