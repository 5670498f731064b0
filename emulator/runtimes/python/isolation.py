"""What a function sees: Lambda's folders, and of the host only what programs need.

A zygote enters user, mount and process namespaces once and lays out a root there, the template.
Each execution environment gets a copy of its mounts with the function's own folders, and a process
namespace of its own.
"""

import contextlib
import os
import shutil

import kernel
import privileges
from inits import Inits

TASK_ROOT = "/var/task"
RUNTIME_DIR = "/var/runtime"
LAYERS_DIR = "/opt"
TMP_DIR = "/tmp"
MOUNTS_DIR = "/mnt"

# What programs need of a system. Everything else of the host, homes above all, is left out.
SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "sys")
# Outside of them, but links in /etc lead there.
SYSTEM_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/localtime")
DEVICES = ("null", "zero", "full", "random", "urandom")
DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
# An ES module is not looked for in NODE_PATH, but in each folder above the one that imports it:
# Lambda's own Node finds layers and the SDK all the same.
NODE_MODULES = {
    "/var/node_modules": LAYERS_DIR + "/nodejs/node_modules",
    "/node_modules": RUNTIME_DIR + "/node_modules",
}


def unshare_all():
    """Enter new namespaces; the next fork is process 1 of the new process namespace.

    Raises OSError where the kernel does not allow it.
    """
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        kernel.unshare(flags)
    else:
        kernel.unshare(flags | kernel.CLONE_NEWUSER)
        privileges.map_user(uid, gid)
    kernel.mount(None, "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)


def build_root(scratch, runtime_folder, shown, hidden):
    """Leave the host's root for one that is laid out for functions, all of it read-only.

    scratch: an empty folder of the host to build it on. runtime_folder: a folder of symbolic
    links to what stands in /var/runtime. shown: folders of the host that an interpreter needs.
    hidden: folders that are empty even if they stand in one of those. To be called by process 1
    of the namespaces.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("tmpfs", scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755")
    for folder in (TASK_ROOT, RUNTIME_DIR, LAYERS_DIR, TMP_DIR, MOUNTS_DIR, "/proc", "/dev"):
        os.makedirs(scratch + folder)
    _show_system(scratch)
    _name_environment(scratch)
    _show_devices(scratch + "/dev")
    for entry in os.scandir(runtime_folder):
        _show(os.path.realpath(entry.path), scratch + RUNTIME_DIR + "/" + entry.name)
    if os.path.isdir(runtime_folder + "/node"):
        for place, target in NODE_MODULES.items():
            os.symlink(target, scratch + place)
    for folder in shown:
        if not os.path.exists(scratch + folder):  # else it stands in a folder of the system
            _show(folder, scratch + folder)
    for folder in hidden:
        _hide(scratch, folder)
    kernel.make_read_only(kernel.AT_FDCWD, scratch)
    # Refused in a container that masks parts of /proc. The host's would not do: it numbers
    # processes otherwise than they number themselves.
    mount_proc(scratch + "/proc")
    os.chdir(scratch)
    kernel.pivot_root(".", ".")  # the old root is on top of the new one now
    kernel.unmount(".")
    os.chdir("/")


def _show_system(scratch):
    for name in SYSTEM_FOLDERS:
        folder, place = "/" + name, scratch + "/" + name
        if os.path.islink(folder):  # bin -> usr/bin
            os.symlink(os.readlink(folder), place)
        elif os.path.isdir(folder):
            _show(folder, place)
    for path in SYSTEM_FILES:
        target = os.path.realpath(path)
        if os.path.isfile(target) and not os.path.exists(scratch + target):
            _show(target, scratch + target)


def _name_environment(scratch):
    """Have `sandbox.localdomain` be the environment itself: its extensions listen there."""
    place = scratch + os.path.realpath("/etc/hosts")
    if not os.path.isfile(place):
        return
    own = scratch + "/.hosts"
    with open(place) as hosts, open(own, "w") as file:
        file.write(hosts.read() + "\n127.0.0.1 sandbox.localdomain sandbox\n")
    kernel.mount(own, place, flags=kernel.MS_BIND)
    os.unlink(own)


def _show_devices(folder):
    for name in DEVICES:
        _show("/dev/" + name, os.path.join(folder, name))
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, os.path.join(folder, name))


def _show(source, place):
    _make_place(place, os.path.isdir(source))
    kernel.mount(source, place, flags=kernel.MS_BIND | kernel.MS_REC)


def _make_place(place, is_folder):
    if is_folder:
        os.makedirs(place, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.close(os.open(place, os.O_CREAT))


def _hide(scratch, folder):
    if os.path.isdir(scratch + folder):
        flags = kernel.MS_NOSUID | kernel.MS_NODEV
        kernel.mount("tmpfs", scratch + folder, "tmpfs", flags, "mode=0755,size=4k")


def mount_proc(target="/proc"):
    """Mount a /proc that shows the process namespace of the process that calls."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", target, "proc", flags)


class HostView:
    """The namespaces of a zygote: where it sees the host's files, and where it lives itself."""

    def __init__(self, host, host_pid):
        self.host = host  # descriptor of the mount namespace of the host
        self.inits = Inits(host_pid)
        self.template = kernel.open_namespace("mnt")
        self.processes = kernel.open_namespace("pid")
        self.proc_device = os.stat("/proc").st_dev
        self.owner_maps = {}  # by user and group
        self.limits_processes = can_limit_processes(self.proc_device)

    def tree(self, folder, is_writable=False):
        """Return a descriptor of a folder of the host, to be mounted."""
        kernel.set_namespace(self.host, kernel.CLONE_NEWNS)
        try:
            tree = kernel.copy_tree(folder)
        finally:
            kernel.set_namespace(self.template, kernel.CLONE_NEWNS)
        try:
            if is_writable:
                kernel.ignore_suid(tree)
            else:
                kernel.make_read_only(tree)
        except OSError:
            os.close(tree)
            raise
        if os.geteuid() == 0:
            # Files that only root may read are the function's own for the function. Where the
            # file system cannot do that, all must be allowed to read them, as in AWS.
            with contextlib.suppress(OSError):
                kernel.map_owners(tree, self.owner_map(tree))
        return tree

    def owner_map(self, tree):
        """Return the descriptor that has the files of a tree's owner be those of functions."""
        status = os.fstat(tree)
        owner = (status.st_uid, status.st_gid)
        if owner not in self.owner_maps:
            self.owner_maps[owner] = privileges.open_owner_map(*owner)
        return self.owner_maps[owner]

    def leave_environment(self):
        """Come back from where `Environment.enter` went."""
        kernel.set_namespace(self.template, kernel.CLONE_NEWNS)
        kernel.set_namespace(self.processes, kernel.CLONE_NEWPID)


class Environment:
    """The namespaces of one execution environment, as its zygote holds them.

    The mounts, and so /tmp, outlive its processes. These have a namespace with a process 1 of
    its own, which buries orphans; when it is killed the kernel kills all others.
    """

    def __init__(self, view):
        self.view = view
        self.mounts = None  # descriptor of the mount namespace
        self.init_pid = None  # process 1, while it runs
        self.init_host_pid = None  # the same as the emulator counts
        self.has_run = False  # something that may have left files in /tmp

    def enter(self, message):
        """Go where the next child is to live; make what is not there yet.

        message: `code_folder`, `layers_folder`, `tmp_mib` and `mounts`, or none of them for a
        program that waits for them.
        """
        is_first = self.init_pid is None
        if is_first:
            self.init_pid, self.init_host_pid = self.view.inits.take()
        processes = kernel.open_namespace("pid", self.init_pid)
        try:
            if self.mounts is None:
                self._make_mounts(message)
            else:
                kernel.set_namespace(self.mounts, kernel.CLONE_NEWNS)
            # Of processes that were killed; two that started at the same time mounted two.
            while is_first and os.stat("/proc").st_dev != self.view.proc_device:
                kernel.unmount("/proc")
            kernel.set_namespace(processes, kernel.CLONE_NEWPID)
        finally:
            os.close(processes)

    def _make_mounts(self, message):
        trees = self._trees(message) if "code_folder" in message else None
        kernel.unshare(kernel.CLONE_NEWNS)
        self.mounts = kernel.open_namespace("mnt")
        if trees is not None:
            add_folders(*trees, message["tmp_mib"])

    def _trees(self, message):
        trees = []
        try:
            trees.append(self.view.tree(message["code_folder"]))
            layers = message["layers_folder"]
            if layers is not None:
                layers = self.view.tree(layers)
                trees.append(layers)
            mounts = []
            for folder, place in message["mounts"]:
                mounts.append((self.view.tree(folder, is_writable=True), place))
                trees.append(mounts[-1][0])
        except OSError:
            for tree in trees:
                os.close(tree)
            raise
        return trees[0], layers, mounts

    def add_folders(self, message):
        """Show its folders to a program that was started without them."""
        trees = self._trees(message)
        kernel.set_namespace(self.mounts, kernel.CLONE_NEWNS)
        try:
            add_folders(*trees, message["tmp_mib"])
        finally:
            kernel.set_namespace(self.view.template, kernel.CLONE_NEWNS)

    def close(self):
        """Let the mounts go; running processes still keep them."""
        if self.mounts is not None:
            os.close(self.mounts)
            self.mounts = None


def add_folders(code, layers, mounts, tmp_mib):
    """Mount the trees of a function's code, layers and file systems, and its /tmp.

    layers: None when there are none. mounts: trees with their places below /mnt. tmp_mib: what
    /tmp holds; it is memory, and no file of the host is left of it when the last process of the
    environment has ended.
    """
    if layers is not None:
        show_layers(layers)
        os.close(layers)
    kernel.mount_tree(code, TASK_ROOT)
    os.close(code)
    if mounts:
        flags = kernel.MS_NOSUID | kernel.MS_NODEV
        kernel.mount("tmpfs", MOUNTS_DIR, "tmpfs", flags, "mode=0755,size=64k")
    for tree, place in mounts:
        os.mkdir(place)
        kernel.mount_tree(tree, place)
        os.close(tree)
    held = _hold(TMP_DIR)  # an interpreter that lives below /tmp
    mount_tmp(tmp_mib)
    _put_back(held)


def _hold(folder):
    """Return the trees in a folder, with their places, before something is mounted on it."""
    return [(kernel.copy_tree(entry.path), entry) for entry in os.scandir(folder)]


def _put_back(held):
    # Not by way of /proc/self: whose /proc it is here depends on who entered these mounts.
    for tree, entry in held:
        _make_place(entry.path, entry.is_dir())
        kernel.mount_tree(tree, entry.path)
        os.close(tree)


def show_layers(layers):
    """Mount a tree on /opt, or what is in it beside what stands there already.

    That is an interpreter of the host which lives below /opt: it must stay where it is.
    """
    held = _hold(LAYERS_DIR)
    if not held:
        kernel.mount_tree(layers, LAYERS_DIR)
        return
    kernel.mount("tmpfs", LAYERS_DIR, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755")
    _put_back(held)
    kernel.mount_tree(layers, TASK_ROOT)  # for a moment: to be shown from
    for entry in os.scandir(TASK_ROOT):
        place = os.path.join(LAYERS_DIR, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
        elif not os.path.lexists(place):
            _show(entry.path, place)
    kernel.unmount(TASK_ROOT)
    kernel.make_read_only(kernel.AT_FDCWD, LAYERS_DIR)


def nest(tmp_mib):
    """Enter new namespaces as a process without privileges, with a copy of its /tmp.

    The next fork is process 1 of the new process namespace, and has a /proc to mount.
    """
    old = os.open(TMP_DIR, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    uid, gid = os.geteuid(), os.getegid()
    privileges.lift_process_limit()  # the new namespace takes over what is allowed now
    kernel.unshare(
        kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC
    )
    privileges.map_user(uid, gid)
    mount_tmp(tmp_mib)
    copy_folder("/proc/self/fd/{}".format(old), TMP_DIR)
    os.close(old)
    os.chdir(os.getcwd())  # which may be below the new /tmp


def mount_tmp(mib):
    """Mount an empty /tmp that holds so much."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("tmpfs", TMP_DIR, "tmpfs", flags, "mode=1777,size={}m".format(mib))


def copy_folder(source, place):
    """Copy what is in a folder: files, folders and links."""
    for entry in os.scandir(source):
        target = os.path.join(place, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), target)
        elif entry.is_dir():
            os.mkdir(target)
            copy_folder(entry.path, target)
            shutil.copystat(entry.path, target)
        elif entry.is_file():
            shutil.copy2(entry.path, target)


def can_limit_processes(proc_device):
    """Tell whether an environment can have a user namespace of its own, by trying it."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            kernel.unshare(kernel.CLONE_NEWNS)
            settle_in(proc_device)
            privileges.drop(os.pipe()[1], in_own_namespace=True)
            os._exit(0)
        os._exit(1)
    return os.waitpid(pid, 0)[1] == 0 and privileges.counts_processes()


def settle_in(proc_device):
    """Finish the namespaces from within, as their first process or one that joins it."""
    kernel.unshare(kernel.CLONE_NEWIPC)
    if os.stat("/proc").st_dev == proc_device:
        try:
            mount_proc()
        except OSError:  # some kernels refuse it to one of two that start at the same time
            if os.stat("/proc").st_dev == proc_device:
                raise
