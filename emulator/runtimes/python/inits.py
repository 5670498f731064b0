"""Processes 1 of process namespaces, made ahead of time: each adopts and buries orphans."""

import contextlib
import os
import signal
import socket

import kernel

PATIENCE_S = 2.0  # a process 1 is made in a millisecond


class Inits:
    """Makes a process 1 while nobody waits for it. To be made while the zygote is still small.

    A helper process forks them for the zygote, whose children they are. Forked from the zygote
    itself, each would cost a millisecond, and have all pages copied that the zygote writes to.
    """

    def __init__(self, host_pid):
        self.host_pid = host_pid
        self.start()

    def start(self):
        """Fork the helper, the first one or another in the place of one that was killed."""
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            try:
                signal.set_wakeup_fd(-1)
                close_all_but(theirs.fileno(), self.host_pid.descriptor)
                make_inits(theirs, self.host_pid)
            finally:
                os._exit(0)
        theirs.close()
        self.line.settimeout(PATIENCE_S)
        self.ask()

    def ask(self):
        """Have the next one made; where the helper is gone, `take` finds out."""
        with contextlib.suppress(OSError):
            self.line.send(b"1")

    def take(self):
        """Return the number of a new process 1, and its number as the emulator counts."""
        while True:
            try:
                answer = self.line.recv(64)
            except OSError:  # it was killed with our message unread, or who was to answer was
                answer = b""
            if not answer:
                self.line.close()
                self.start()
                continue
            self.ask()
            pid, host_pid = map(int, answer.split())
            with contextlib.suppress(ProcessLookupError):  # killed while it waited, and buried
                os.kill(pid, 0)
                return pid, host_pid


def close_all_but(*kept):
    """Close every descriptor but the standard ones and these."""
    last = 2
    for descriptor in sorted(kept):
        os.closerange(last + 1, descriptor)
        last = descriptor
    kernel.close_all(last + 1)


def make_inits(line, host_pid):
    """Make one for each message, until the zygote is gone."""
    while line.recv(1):
        if kernel.fork_sibling_as_init() == 0:
            be_init(line, host_pid)


def be_init(line, host_pid):
    """Tell both numbers, then sleep; the kernel buries the children of who ignores their end."""
    with contextlib.suppress(BaseException):
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        line.send("{} {}".format(os.readlink("/proc/self"), host_pid()).encode())
        kernel.close_all(0)
        signal.pause()
    os._exit(1)
