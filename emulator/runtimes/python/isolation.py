"""Linux namespaces for functions: /var/task, /opt and /tmp as in Lambda, without root or Docker.

A zygote enters its own user, mount and process namespaces once and lays out a root with the
mount points Lambda has. Each execution environment then copies that mount namespace and binds
its own folders: two or three system calls on the way of a cold start.
"""

import contextlib
import ctypes
import os
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 0x2
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

TASK_ROOT = "/var/task"
RUNTIME_DIR = "/var/runtime"
LAYERS_DIR = "/opt"
TMP_DIR = "/tmp"
HOST_ROOT = "/.host"  # the host's own root, for binding from; each environment unmounts it

_KEPT_FLAGS = (
    os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC if hasattr(os, "ST_NODEV") else 0
)

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, what + ": " + os.strerror(code))


def _mount(source, target, kind=None, flags=0, data=None):
    def text(value):
        return None if value is None else os.fsencode(value)

    _check(
        _libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data)),
        "mount {} on {}".format(source, target),
    )


def _unmount(target):
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), "umount " + target)


def die_with_parent(signal_number):
    """Ask the kernel for `signal_number` when the process that forked this one ends."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def adopt_orphans():
    """Become the parent of descendants that lose theirs, as process 1 of a namespace is."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def unshare_all():
    """Enter new namespaces; the next fork is process 1 of the new process namespace.

    Raises OSError where the kernel does not allow it.
    """
    flags = CLONE_NEWNS | CLONE_NEWPID
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        flags |= CLONE_NEWUSER
    _check(_libc.unshare(flags), "unshare")
    if uid != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", "{0} {0} 1".format(uid))
        _write("/proc/self/gid_map", "{0} {0} 1".format(gid))


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


def build_root(scratch, runtime_folder, shown):
    """Make a root that shows the host, with Lambda's folders at their places.

    scratch: an empty folder of the host to build it on. runtime_folder: a folder of symbolic
    links to what stands in /var/runtime. shown: folders of the host that an interpreter needs,
    also where a folder of Lambda's covers them. The whole host stays reachable under `HOST_ROOT`
    until an environment leaves it behind. To be called by process 1 of the namespaces.
    """
    _mount(None, "/", flags=MS_REC | MS_PRIVATE)
    _mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    _show_children("/", scratch, leave_out={"proc", "tmp", "opt", "var", "lost+found"})
    _show_children("/var", scratch + "/var", leave_out={"task", "runtime"})
    for folder in (TASK_ROOT, RUNTIME_DIR, LAYERS_DIR, TMP_DIR, HOST_ROOT, "/proc"):
        os.makedirs(scratch + folder, exist_ok=True)
    for entry in os.scandir(runtime_folder):
        # Bound and not linked, so that it stays when a function's /tmp covers the host's.
        _show(os.path.realpath(entry.path), scratch + RUNTIME_DIR + "/" + entry.name)
    for folder in shown:
        if folder.startswith(LAYERS_DIR + "/"):
            os.makedirs(os.path.dirname(scratch + folder), exist_ok=True)
            _show(folder, scratch + folder)
    # Refused in a container that masks parts of /proc. The host's would not do: it numbers
    # processes otherwise than they number themselves.
    _mount("proc", scratch + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.chdir(scratch)
    _check(_libc.pivot_root(b".", os.fsencode(HOST_ROOT[1:])), "pivot_root")
    os.chdir("/")


def _show_children(folder, target, leave_out):
    os.makedirs(target, exist_ok=True)
    for entry in os.scandir(folder):
        if entry.name in leave_out:
            continue
        place = os.path.join(target, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
            continue
        with contextlib.suppress(OSError):  # this user may not bind it: the place stays empty
            _show(entry.path, place)


def _show(source, place):
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    else:
        os.close(os.open(place, os.O_CREAT))
    _mount(source, place, flags=MS_BIND | MS_REC)


def open_namespace():
    """Return a descriptor of the mount namespace this process is in; it keeps that alive."""
    return os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)


def enter_namespace(descriptor):
    """Go to the mount namespace `open_namespace` returned."""
    _check(_libc.setns(descriptor, CLONE_NEWNS), "setns")


def copy_namespace():
    """Go to a copy of the mount namespace this process is in."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")


def add_folders(code_folder, layers_folder, tmp_mib):
    """Bind the function's files to /var/task and /opt, read-only, and mount its /tmp.

    code_folder, layers_folder: real paths of the host; None for no layers. tmp_mib: what /tmp
    holds; it is memory, and no file of the host is left of it when the last process of the
    environment has ended. The host itself is left behind.
    """
    options = "mode=1777,size={}m".format(tmp_mib)
    _mount("tmpfs", TMP_DIR, "tmpfs", MS_NOSUID | MS_NODEV, options)
    _show_read_only(HOST_ROOT + code_folder, TASK_ROOT)
    if layers_folder is not None:
        _show_layers(HOST_ROOT + layers_folder)
    _unmount(HOST_ROOT)


def _show_layers(folder):
    """Bind a folder to /opt, or what is in it beside what stands there already.

    That is an interpreter of the host which lives below /opt: it must stay where it is.
    """
    if not os.listdir(LAYERS_DIR):
        _show_read_only(folder, LAYERS_DIR)
        return
    kept = [os.path.join(LAYERS_DIR, name) for name in os.listdir(LAYERS_DIR)]
    held = [(os.open(place, os.O_PATH), place) for place in kept]
    _mount("tmpfs", LAYERS_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    for descriptor, place in held:
        os.mkdir(place)
        _mount("/proc/self/fd/{}".format(descriptor), place, flags=MS_BIND | MS_REC)
        os.close(descriptor)
    for entry in os.scandir(folder):
        place = os.path.join(LAYERS_DIR, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
        elif not os.path.lexists(place):
            _show(entry.path, place)


def _show_read_only(folder, place):
    _mount(folder, place, flags=MS_BIND | MS_REC)
    # In a user namespace the flags the folder's file system has may not be dropped.
    kept = os.statvfs(place).f_flag & _KEPT_FLAGS
    _mount(None, place, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | kept)
