"""What a fork shares with the process it comes from, and an environment must have for itself.

An environment restored by Lambda is a copy of a whole machine; a fork shares open files (and so
their positions), pollers and connections with all the other forks.
"""

import contextlib
import gc
import os
import select
import socket
import stat
import sys
import threading

REOPENED_FLAGS = os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK
DESCRIPTORS = "/proc/self/fd"


def thread_names():
    """Return the names of all threads but this one; those that Python does not know are numbers."""
    own = threading.current_thread()
    known = {thread.native_id: thread.name for thread in threading.enumerate()}
    known.pop(own.native_id, None)
    with contextlib.suppress(OSError):  # not Linux
        tasks = map(int, os.listdir("/proc/self/task"))
        # Numbers of other namespaces than this one are no numbers in /proc.
        first = threading.get_native_id()
        return [known.get(task, "thread {}".format(task)) for task in tasks if task != first]
    return list(known.values())


class Inherited:
    """What is open when the snapshot is taken. Made before the forks; `renew` is for each of them.

    Connections end here: nobody can tell how far the other side and a later copy of this one are.
    Clients connect again, as they have to in Lambda, where the snapshot may be days old.
    """

    def __init__(self, own):
        """own: descriptors that stay as they are."""
        self.files = []
        self.pollers = []
        for fd in open_descriptors():
            if fd > 2 and fd not in own:
                self.note(fd)
        self.loops = event_loops()
        self.random = sys.modules.get("random")
        # Python seeds it anew in each fork. In Lambda all copies go on with the same numbers, which
        # is what makes them unfit for unique names there.
        if not hasattr(self.random, "getstate"):  # a module of the function's own
            self.random = None
        self.random_state = self.random and self.random.getstate()

    def note(self, fd):
        """Keep in mind what is to be renewed; end a connection."""
        try:
            mode = os.fstat(fd).st_mode
            if stat.S_ISSOCK(mode):
                end_connection(fd)
            elif stat.S_ISREG(mode):
                self.files.append(fd)
            elif os.readlink("{}/{}".format(DESCRIPTORS, fd)) == "anon_inode:[eventpoll]":
                self.pollers.append(fd)
        except OSError:
            pass  # it is the one that listed them, or the system has no such links

    def renew(self):
        """Have files, pollers, event loops and random numbers of this fork's own."""
        for fd in self.files:
            with contextlib.suppress(OSError):
                reopen(fd)
        for fd in self.pollers:
            with contextlib.suppress(OSError):
                renew_poller(fd)
        for loop in self.loops:
            with contextlib.suppress(Exception):  # asyncio's own affair, and may change
                loop._close_self_pipe()
                loop._make_self_pipe()
        if self.random is not None:
            self.random.setstate(self.random_state)


def open_descriptors():
    """Return the numbers of all open files."""
    return [int(name) for name in os.listdir("/dev/fd")]


def keep_only(*kept):
    """Close all descriptors but these."""
    for fd in open_descriptors():
        if fd not in kept:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(fd)


def end_connection(fd):
    """Shut a network connection down; both sides read its end."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as sock:
        # A pair of sockets within this process has no names.
        if sock.type == socket.SOCK_STREAM and (
            sock.family != socket.AF_UNIX or sock.getpeername()
        ):
            sock.shutdown(socket.SHUT_RDWR)


def reopen(fd):
    """Open the same file again, at the same place; one in /tmp is the copy of this environment."""
    import fcntl

    link = "{}/{}".format(DESCRIPTORS, fd)
    path = os.readlink(link)
    flags = fcntl.fcntl(fd, fcntl.F_GETFL) & REOPENED_FLAGS
    position = os.lseek(fd, 0, os.SEEK_CUR)
    is_copied = path.startswith("/tmp/") and os.path.isfile(path)
    new = os.open(path if is_copied else link, flags)
    try:
        os.lseek(new, position, os.SEEK_SET)
        os.dup2(new, fd, inheritable=os.get_inheritable(fd))
    finally:
        os.close(new)


def renew_poller(fd):
    """Make an epoll of this fork's own that watches the same descriptors."""
    with open("/proc/self/fdinfo/{}".format(fd)) as file:
        lines = [line.split() for line in file if line.startswith("tfd:")]
    with select.epoll() as new:
        for _, watched, _, events, *_ in lines:
            new.register(int(watched), int(events, 16) & 0xFFFFFFFF)
        os.dup2(new.fileno(), fd, inheritable=os.get_inheritable(fd))


def event_loops():
    """Return asyncio's event loops: each has a pipe that wakes it, and must not wake another."""
    kind = getattr(sys.modules.get("asyncio.selector_events"), "BaseSelectorEventLoop", None)
    if kind is None:
        return []
    return [each for each in gc.get_objects() if isinstance(each, kind) and not each.is_closed()]
