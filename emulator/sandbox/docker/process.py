"""The runtime process of a container: its first process, or the only child of that."""

import contextlib
import os
import select
import signal
from collections.abc import Callable
from typing import Final

from emulator.sandbox.process import Exit

KILL_TIMEOUT_S: Final = 10.0
_SIGNALLED: Final = 128  # plus the signal: the status of a container that one ended


class ContainerProcess:
    """See `RuntimeProcess`. `send` returns once the engine has sent a signal."""

    def __init__(
        self,
        *,
        log_fd: int,
        exit_fd: int,
        log_lag_s: float,
        has_init: bool,
        send: Callable[[int], None],
        forget: Callable[[], None],
    ) -> None:
        self.log_fd = log_fd
        self.exit_fd = exit_fd
        self.log_lag_s = log_lag_s
        self.pid: int | None = None
        self.init_pid: int | None = None
        self._has_init = has_init  # the first process is a shell, and the runtime its child
        self._send = send
        self._forget = forget
        self._text = b""
        self._exit: Exit | None = None
        self._is_gone = False

    def poll(self) -> Exit | None:
        """Read what `Exits` wrote."""
        while not self._is_gone:
            try:
                data = os.read(self.exit_fd, 4096)
            except BlockingIOError:
                break
            self._is_gone = not data
            self._text += data
            *lines, self._text = self._text.split(b"\n")
            for line in lines:
                self._take(line.decode())
        if self._is_gone and self._exit is None:
            self._exit = Exit(signal=signal.SIGKILL)  # the engine itself is gone
        return self._exit

    def _take(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "pid":
            self.pid = int(rest)
            self.init_pid = self.pid if self._has_init else None
        elif word == "refused":
            self._exit = Exit(refusal=rest)
        else:
            self._exit = exit_of(int(rest), is_out_of_memory=word == "oom")

    def signal(self, number: int) -> None:
        """Send a signal to the first process."""
        if self.poll() is None:
            self._send(number)

    def kill(self) -> None:
        """End the container; it stays, with its /tmp, to be started again."""
        if self.poll() is None:
            self._send(signal.SIGKILL)
            poller = select.poll()
            poller.register(self.exit_fd, select.POLLIN)
            while self.poll() is None and poller.poll(KILL_TIMEOUT_S * 1000):
                pass

    def close(self) -> None:
        """Free the descriptors."""
        self._forget()
        for fd in (self.log_fd, self.exit_fd):
            with contextlib.suppress(OSError):
                os.close(fd)


def exit_of(status: int, *, is_out_of_memory: bool) -> Exit:
    """How a container ended, from its status."""
    if status > _SIGNALLED and status - _SIGNALLED in set(signal.Signals):
        number = status - _SIGNALLED
        return Exit(signal=number, is_out_of_memory=is_out_of_memory and number == signal.SIGKILL)
    return Exit(status=status)
