"""Processes of an environment without namespaces: found by descent, ended by signals."""

import contextlib
import os
import select
import signal
import time

KILL_ROUNDS = 5  # a process that forks while it is killed needs more than one
KILL_TIMEOUT_S = 1.0


def kill_family(pid, reap):
    """Kill a first process and all that it started, and wait until they are gone.

    reap: buries children of this process that ended.
    """
    # Stopped first, so that it starts no other process while its family is looked for.
    send(pid, signal.SIGSTOP)
    for _ in range(KILL_ROUNDS):
        family = descendants(pid)
        ends = [end for end in map(open_process, family) if end is not None]
        if not ends:
            return
        for member in family:
            send(member, signal.SIGKILL)
        await_ends(ends)
        reap()


def kill_orphans():
    """Kill what functions left behind: this process adopted it."""
    for _ in range(KILL_ROUNDS):
        orphans = descendants(os.getpid())[1:]
        for pid in orphans:
            send(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            for _ in orphans:
                os.waitpid(-1, 0)


def open_process(pid):
    """Return a descriptor that becomes readable when the process ends; None when it has."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # a Python built on an old kernel's headers lacks it
        return None


def await_ends(descriptors):
    """Wait until all these processes have ended, for a second at most; close the descriptors."""
    for descriptor in descriptors:
        end = select.poll()  # select() knows no descriptor above 1023
        end.register(descriptor, select.POLLIN)
        end.poll(KILL_TIMEOUT_S * 1000)
        os.close(descriptor)


def send(pid, number):
    """Signal a process that may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def signal_group(pid, number=signal.SIGKILL):
    """Signal a process group; False when nobody is in it any more."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def await_group_end(pid):
    """Wait until a killed process group is empty, for a second at most."""
    deadline = time.monotonic() + KILL_TIMEOUT_S
    # The kernel tells nobody but their parent, and that is process 1 of the machine now.
    while signal_group(pid, 0) and time.monotonic() < deadline:
        select.select([], [], [], 0.002)


def processes():
    """Return the numbers of all processes this zygote can see, without its own."""
    own = os.getpid()
    names = os.listdir("/proc") if os.path.isdir("/proc") else ()
    return [int(name) for name in names if name.isdigit() and int(name) != own]


def descendants(pid):
    """Return a process and those that come from it, as far as the system tells."""
    children = {}
    for other in processes():
        children.setdefault(parent_of(other), []).append(other)
    found = [pid]
    for parent in found:  # grows while it is walked
        found.extend(children.get(parent, ()))
    return found


def parent_of(pid):
    """Return the number of a process's parent; None when the process is gone."""
    try:
        with open("/proc/{}/stat".format(pid), "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None
