"""What the first process of an environment gives up before it runs a line of the function."""

import contextlib
import os
import re
import resource
import signal

import kernel

FILE_DESCRIPTORS = 1024
PROCESSES = 1024
STACK_BYTES = 8 * 1024 * 1024
# When the machine runs out of memory, functions end before anything else of the user's.
FIRST_TO_GO = "800"
NOBODY = 65534  # who functions run as when root runs the emulator
# From here on the kernel counts a user's processes in each user namespace by itself.
COUNTS_BY_NAMESPACE = (5, 14)


def limit():
    """Set Lambda's limits that hold for a process wherever it runs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILE_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(FILE_DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if hard == resource.RLIM_INFINITY or hard > STACK_BYTES:
        resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, STACK_BYTES))
    with contextlib.suppress(OSError):  # not Linux
        _write("/proc/self/oom_score_adj", FIRST_TO_GO)


def drop(log_fd, in_own_namespace, may_nest=False):
    """Become nobody who may do anything: another user than root, without capabilities.

    log_fd: what the function may open again, as /dev/stdout. in_own_namespace: enter a user
    namespace, in which the kernel counts the processes of this environment alone. may_nest: it is
    a snapshot, and so the limit of its environments' processes together, which is not Lambda's.
    """
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        uid = gid = NOBODY
        os.fchown(log_fd, uid, gid)
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        kernel.show_in_proc()
    if in_own_namespace:
        kernel.unshare(kernel.CLONE_NEWUSER)
        map_user(uid, gid)
        limit_processes(for_good=not may_nest)
    kernel.drop_capabilities()
    kernel.show_in_proc()


def limit_processes(for_good=True):
    """Set Lambda's limit of processes, for good or so that `lift_process_limit` can lift it."""
    most = PROCESSES if for_good else resource.getrlimit(resource.RLIMIT_NPROC)[1]
    resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, most))


def lift_process_limit():
    """Allow as many processes as this process may allow itself."""
    most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def counts_processes():
    """Tell whether this kernel counts processes by user namespace."""
    major, minor = re.match(r"(\d+)\.(\d+)", os.uname().release).groups()  # 6.12-rc3, too
    return (int(major), int(minor)) >= COUNTS_BY_NAMESPACE


def map_user(uid, gid):
    """Let the one user of a new user namespace have the number it has outside."""
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", "{0} {0} 1".format(uid))
    _write("/proc/self/gid_map", "{0} {0} 1".format(gid))


def open_owner_map(uid, gid):
    """Return a descriptor of a user namespace that has an owner's files be nobody's."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kernel.unshare(kernel.CLONE_NEWUSER)
            os.write(tell, b"1")
            signal.pause()
        finally:
            os._exit(1)
    os.close(tell)
    try:
        os.read(ready, 1)
        _write("/proc/{}/uid_map".format(pid), "{} {} 1".format(uid, NOBODY))
        _write("/proc/{}/gid_map".format(pid), "{} {} 1".format(gid, NOBODY))
        return kernel.open_namespace("user", pid)
    finally:
        os.close(ready)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _write(path, text):
    descriptor = os.open(path, os.O_WRONLY)  # `open` makes five calls more
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
