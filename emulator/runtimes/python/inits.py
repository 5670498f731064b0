"""Processes 1 of process namespaces, made ahead of time: each adopts and buries orphans."""

import contextlib
import os
import signal
import socket

import kernel


class Inits:
    """Makes a process 1 while nobody waits for it. To be made while the zygote is still small.

    A helper process forks them for the zygote, whose children they are. Forked from the zygote
    itself, each would cost a millisecond, and have all pages copied that the zygote writes to.
    """

    def __init__(self, host_pid):
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            try:
                self.line.close()
                make_inits(theirs, host_pid)
            finally:
                os._exit(0)
        theirs.close()
        self.ask()

    def ask(self):
        """Have the next one made."""
        self.line.send(b"1")

    def take(self):
        """Return the number of a new process 1, and its number as the emulator counts."""
        answer = self.line.recv(64)
        if not answer:
            raise OSError("the process that makes namespaces is gone")
        self.ask()
        pid, host_pid = answer.split()
        return int(pid), int(host_pid)


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
