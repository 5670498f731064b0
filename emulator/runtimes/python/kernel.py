"""Calls of Linux that Python lacks: namespaces, mounts, capabilities. OSError where refused."""

import ctypes
import os
import sys

CLONE_PARENT = 0x00008000
CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2

# Numbers of system calls, the same on all processors; the C library may not have the calls.
SYS_OPEN_TREE = 428
SYS_MOVE_MOUNT = 429
SYS_CLONE3 = 435
SYS_CLOSE_RANGE = 436
SYS_MOUNT_SETATTR = 442

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
OPEN_TREE_CLONE = 0x1
MOVE_MOUNT_FROM_DESCRIPTOR = 0x4
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_IDMAP = 0x00100000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# The same, but called with the interpreter's lock held: a fork must not give that up.
_locked_libc = ctypes.PyDLL(None) if sys.platform == "linux" else None


def _check(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, what + ": " + os.strerror(code))
    return result


def _text(value):
    return None if value is None else os.fsencode(value)


def _system_call(number, what, *arguments):
    return _check(_libc.syscall(ctypes.c_long(number), *arguments), what)


def mount(source, target, kind=None, flags=0, data=None):
    """Mount `source` on `target`."""
    _check(
        _libc.mount(_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(data)),
        "mount {} on {}".format(source, target),
    )


def unmount(target):
    """Take what is mounted on `target` out of the tree."""
    _check(_libc.umount2(_text(target), MNT_DETACH), "umount " + target)


def pivot_root(new_root, old_root):
    """Make `new_root` the root and show the one until now at `old_root`."""
    _check(_libc.pivot_root(_text(new_root), _text(old_root)), "pivot_root")


def copy_tree(folder):
    """Return a descriptor of a copy of the mounts from `folder` on, not mounted anywhere yet."""
    flags = OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC
    return _system_call(SYS_OPEN_TREE, "open " + folder, AT_FDCWD, _text(folder), flags)


def mount_tree(descriptor, target):
    """Mount what `copy_tree` returned."""
    flags = MOVE_MOUNT_FROM_DESCRIPTOR
    what = "mount on " + target
    _system_call(SYS_MOVE_MOUNT, what, descriptor, b"", AT_FDCWD, _text(target), flags)


def make_read_only(descriptor, path=""):
    """Make a tree of mounts read-only: that of a descriptor, or of a path from AT_FDCWD."""
    _set_attributes(descriptor, path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID)


def ignore_suid(descriptor):
    """Have no program of a tree run with its owner's rights."""
    _set_attributes(descriptor, "", MOUNT_ATTR_NOSUID)


def map_owners(descriptor, users):
    """Show files of a tree as owned by others: as a user namespace maps them."""
    _set_attributes(descriptor, "", MOUNT_ATTR_IDMAP, users)


def _set_attributes(descriptor, path, attributes, users=0):
    settings = (ctypes.c_uint64 * 4)(attributes, 0, MS_PRIVATE, users)
    flags = AT_RECURSIVE | (0 if path else AT_EMPTY_PATH)
    size = ctypes.c_size_t(ctypes.sizeof(settings))
    what = "change the mount of " + (path or "a folder")
    _system_call(SYS_MOUNT_SETATTR, what, descriptor, _text(path), flags, settings, size)


def unshare(flags):
    """Go to new namespaces of the kinds in `flags`."""
    _check(_libc.unshare(flags), "unshare")


def set_namespace(descriptor, kind):
    """Go to the namespace of a descriptor."""
    _check(_libc.setns(descriptor, kind), "setns")


def open_namespace(kind, pid="self"):
    """Return a descriptor of a process's namespace ("mnt", "pid"); it keeps that alive."""
    return os.open("/proc/{}/ns/{}".format(pid, kind), os.O_RDONLY | os.O_CLOEXEC)


def fork_sibling_as_init():
    """Fork process 1 of a new process namespace, as a child of this process's own parent.

    Without what Python does after a fork: for a child that runs next to no Python.
    """
    arguments = (ctypes.c_uint64 * 8)(CLONE_PARENT | CLONE_NEWPID)
    size = ctypes.c_size_t(ctypes.sizeof(arguments))
    return _check(_locked_libc.syscall(ctypes.c_long(SYS_CLONE3), arguments, size), "clone")


def close_all(first):
    """Close every descriptor from `first` on."""
    _system_call(SYS_CLOSE_RANGE, "close", first, ctypes.c_uint(0xFFFFFFFF), 0)


def die_with_parent(signal_number):
    """Ask the kernel for `signal_number` when the process that forked this one ends."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def adopt_orphans():
    """Become the parent of descendants that lose theirs, as process 1 of a namespace is."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def show_in_proc():
    """Own the entries in /proc again, which a change of user gave to root."""
    _check(_libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def drop_capabilities():
    """Give up all capabilities, for programs executed later too."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
