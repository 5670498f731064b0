"""The runtime of an environment that was restored from a snapshot."""

import contextlib
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Final

from emulator.sandbox.process import Exit

KILL_TIMEOUT_S: Final = 5.0
_CREDENTIALS: Final = struct.Struct("iII")  # who sent a message: process, user, group
_NOBODY: Final = 65534


class RestoredProcess:
    """A fork of a snapshot (see `RuntimeProcess`, and runtimes/python/snapshot.py).

    What its exit socket tells is what a zygote tells on an exit pipe. Who wrote a message is known
    from the kernel: the process itself does not see how this machine counts it.
    """

    log_lag_s = 0.0  # a pipe holds what was written before

    def __init__(self, log_fd: int, exit_socket: socket.socket) -> None:
        self.log_fd = log_fd
        self._socket = exit_socket
        self.exit_fd = exit_socket.fileno()
        self.pid: int | None = None
        self.init_pid: int | None = None
        self._init: int | None = None  # descriptor of that process
        self._text = b""
        self._exit: Exit | None = None
        self._is_gone = False

    def has_begun(self) -> bool:
        """Wait until it is there; False: the snapshot died before it had made it."""
        _becomes_readable(self.exit_fd)
        self.poll()
        return not self._is_gone or self.pid is not None or self.init_pid is not None

    def poll(self) -> Exit | None:
        """Read what was told; see `RuntimeProcess.poll`."""
        while not self._is_gone:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(4096, 64)
            except BlockingIOError:
                break
            except ConnectionError:
                data, ancillary = b"", []
            if not data:
                self._is_gone = True
                # A snapshot that died before it had made this one.
                self._exit = self._exit or Exit(signal=signal.SIGKILL)
            self._take(data, _sender(ancillary))
        return self._exit

    def _take(self, data: bytes, sender: int | None) -> None:
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            word, _, rest = line.partition(b" ")
            number = int(rest)
            if word == b"pid":
                self.pid = sender or number
            elif word == b"init":
                self.init_pid = sender or number
                with contextlib.suppress(OSError):  # it is gone
                    self._init = os.pidfd_open(self.init_pid)
            elif word == b"exit":
                self._exit = Exit(status=number)
            else:
                self._exit = Exit(signal=number)

    def signal(self, number: int) -> None:
        """Signal the process group; see `RuntimeProcess.signal`."""
        if self.poll() is None and self.pid is not None:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """End all processes; see `RuntimeProcess.kill`."""
        self.poll()
        if self._is_gone:
            return
        with contextlib.suppress(OSError):  # it ended this moment
            self._socket.shutdown(socket.SHUT_WR)  # who waits for the runtime ends it
        if self._init is not None and sys.platform == "linux":  # that one may be frozen
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
        while not self._is_gone and _becomes_readable(self.exit_fd):
            self.poll()
        if self._init is not None:  # it ends last: the kernel has it wait for all the others
            _becomes_readable(self._init)

    def close(self) -> None:
        """Free the descriptors."""
        os.close(self.log_fd)
        self._socket.close()
        if self._init is not None:
            os.close(self._init)


def _becomes_readable(fd: int) -> bool:
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(KILL_TIMEOUT_S * 1000))


def _sender(ancillary: Sequence[tuple[int, int, bytes]]) -> int | None:
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == getattr(socket, "SCM_CREDENTIALS", None):
            pid: int = _CREDENTIALS.unpack_from(content)[0]
            return pid or None
    return None


def restored_process(send: Callable[[Sequence[int]], None]) -> RestoredProcess:
    """Make the descriptors of a process and `send` its ends of them to the snapshot.

    Raises what `send` raises.
    """
    log_read, log_write = os.pipe()
    ours, theirs = socket.socketpair()
    try:
        if hasattr(socket, "SO_PASSCRED"):
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        ours.setblocking(False)
        os.set_blocking(log_read, False)
        if os.geteuid() == 0:
            os.fchown(log_write, _NOBODY, _NOBODY)  # it may open it again, as /dev/stdout
        send([log_write, theirs.fileno()])
    except BaseException:
        os.close(log_read)
        ours.close()
        raise
    finally:
        os.close(log_write)
        theirs.close()
    return RestoredProcess(log_read, ours)
