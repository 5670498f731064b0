"""What a container prints: through a named pipe of this machine, or through the engine."""

import contextlib
import os
import selectors
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

PIPE_IN_CONTAINER: Final = "/dev/lambda-log"
# The shell points the program's output at the pipe, and is the first process in its place: that one
# does not die of signals that it sends itself, and would have to reap what others leave behind.
THROUGH_PIPE: Final = ("/bin/sh", "-c", f'"$@" >{PIPE_IN_CONTAINER} 2>&1; exit $?', "sh")
# A line may come so much later than the answer that was sent after it.
RELAY_LAG_S: Final = 0.02

_HEAD_BYTES: Final = 8  # of a frame: which stream, three zeroes, how many bytes follow
_CHUNK: Final = 65_536
_JOIN_S: Final = 5.0


def open_pipe(path: Path) -> int:
    """Make the named pipe unless it is there; return a descriptor that reads from it.

    It is open for writing, too: so a pipe without writers is never at its end.
    """
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path)
        path.chmod(0o666)  # the image decides which user writes
    return os.open(path, os.O_RDWR | os.O_NONBLOCK)


class Frames:
    """Takes the engine's frames apart: bytes in, output out."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> bytes:
        """Return the output in `data` and what came before it."""
        self._data += data
        output = []
        while len(self._data) >= _HEAD_BYTES:
            size = int.from_bytes(self._data[4:_HEAD_BYTES], "big")
            if len(self._data) < _HEAD_BYTES + size:
                break
            output.append(self._data[_HEAD_BYTES : _HEAD_BYTES + size])
            self._data = self._data[_HEAD_BYTES + size :]
        return b"".join(output)


@dataclass(eq=False, slots=True)
class _Relayed:
    socket: Any  # a socket, or what an SSH library takes for one
    pipe: int
    frames: Frames = field(default_factory=Frames)
    unwritten: bytes = b""


class LogRelay:
    """Copies what engines send into pipes, on the thread "docker-logs", from the first one on.

    `relay` is for any thread; the rest belongs to the thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the two fields below
        self._thread: threading.Thread | None = None
        self._new: list[_Relayed] = []
        self._relayed: set[_Relayed] = set()  # the thread's own
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._is_closing = threading.Event()

    def relay(self, attached: Any) -> int:
        """Return a descriptor to read the output from. attached: from `attach_socket`."""
        raw = getattr(attached, "_sock", attached)
        raw.setblocking(False)
        read, write = os.pipe()
        for fd in (read, write):
            os.set_blocking(fd, False)
        with self._lock:
            self._new.append(_Relayed(raw, write))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="docker-logs", daemon=True)
                self._thread.start()
        os.write(self._wake_write, b"+")
        return read

    def close(self) -> None:
        """End the thread."""
        self._is_closing.set()
        os.write(self._wake_write, b"+")
        if self._thread is not None:
            self._thread.join(_JOIN_S)
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # On the thread.

    def _run(self) -> None:
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._take_new)
        while not self._is_closing.is_set():
            for key, _ in self._selector.select():
                key.data()
        self._take_new()
        for relayed in list(self._relayed):
            self._drop(relayed)

    def _take_new(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        with self._lock:
            new, self._new = self._new, []
        for relayed in new:
            self._relayed.add(relayed)
            self._selector.register(
                relayed.socket, selectors.EVENT_READ, self._caller(self._read, relayed)
            )

    def _caller(self, step: Callable[[_Relayed], None], relayed: _Relayed) -> Callable[[], None]:
        return lambda: step(relayed)

    def _read(self, relayed: _Relayed) -> None:
        try:
            data = relayed.socket.recv(_CHUNK)
        except (BlockingIOError, TimeoutError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop(relayed)
            return
        relayed.unwritten = relayed.frames.feed(data)
        if not self._is_written(relayed):
            # Its reader is slow: take nothing more from the engine until it has caught up.
            self._selector.unregister(relayed.socket)
            self._selector.register(
                relayed.pipe, selectors.EVENT_WRITE, self._caller(self._go_on, relayed)
            )

    def _go_on(self, relayed: _Relayed) -> None:
        if self._is_written(relayed):
            self._selector.unregister(relayed.pipe)
            self._selector.register(
                relayed.socket, selectors.EVENT_READ, self._caller(self._read, relayed)
            )

    def _is_written(self, relayed: _Relayed) -> bool:
        while relayed.unwritten:
            try:
                written = os.write(relayed.pipe, relayed.unwritten)
            except BlockingIOError:
                return False
            except BrokenPipeError:  # nobody reads it any more
                relayed.unwritten = b""
                return True
            relayed.unwritten = relayed.unwritten[written:]
        return True

    def _drop(self, relayed: _Relayed) -> None:
        self._relayed.discard(relayed)
        for source in (relayed.socket, relayed.pipe):
            if source in self._selector.get_map():
                self._selector.unregister(source)
        relayed.socket.close()
        os.close(relayed.pipe)
