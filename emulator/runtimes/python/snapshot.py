"""SnapStart: after its init phase this process waits, and each fork of it is an environment.

The emulator asks for one over a socket, as it asks a zygote (`control_socket`). Its one request,
`restore`, brings the address of the environment's Runtime API, where its /tmp is to be and how
large, and two descriptors: the log, and a socket that tells what an exit pipe of a zygote tells.
The kernel adds to each message on it who sent it, as the emulator counts processes; so the numbers
in the messages do not matter. When the emulator ends its side of that socket, the environment ends.

    this process --fork--> maker, which enters new namespaces --fork--> their process 1, which
    waits --fork--> the runtime

The maker ends at once. Without namespaces there is none, and the one that waits adopts orphans.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys

import bootstrap
import control_socket
import families
import inherited
import isolation
import kernel
import privileges
import runtime_client

RESTORE_NEXT = runtime_client.API + "restore/next"
RESTORE_ERROR = runtime_client.API + "restore/error"
FACTS_PATH = "/2026-11-22/snapshot"
ERROR_HEADERS = (
    "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: Runtime.{}\r\n"
)
BEFORE_SNAPSHOT_FAILED = 64  # exit statuses, as those of AWS's runtime
AFTER_RESTORE_FAILED = 65


class Snapshot:
    """One process that is going to be a snapshot."""

    def __init__(self, control_fd, is_isolated):
        self.control_fd = control_fd
        self.is_isolated = is_isolated

    def take(self, api, log):
        """Be a snapshot from here on; return, in every environment forked of it, its API."""
        try:
            run_hooks("get_before_snapshot", reverse=True)
        except BaseException as error:  # noqa: BLE001 - whatever a hook raises is told
            fault = write_fault(error, log)
            api.init_error(bootstrap.error_body(fault), ERROR_HEADERS.format("BeforeSnapshotError"))
            sys.exit(BEFORE_SNAPSHOT_FAILED)
        bootstrap.flush_output()
        tell_facts(api, self.find_obstacle())
        kept = inherited.Inherited([self.control_fd, api.socket.fileno()])
        gc.collect()
        gc.freeze()  # keep the collector from touching, and so copying, shared pages
        leave_threads()
        api.socket.sendall(api.request("GET", RESTORE_NEXT))
        address = self.serve()
        api.socket.close()
        kept.renew()
        api = runtime_client.RuntimeApi(address)
        try:
            run_hooks("get_after_restore")
        except BaseException as error:  # noqa: BLE001
            fault = write_fault(error, log)
            body, headers = bootstrap.error_body(fault), ERROR_HEADERS.format("AfterRestoreError")
            api.post(RESTORE_ERROR, body, headers)
            sys.exit(AFTER_RESTORE_FAILED)
        return api

    def find_obstacle(self):
        """Return why no environment could be made of this process; None: nothing is in the way."""
        if not self.is_isolated:
            return None
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                isolation.nest(1)
                if os.fork() == 0:
                    isolation.mount_proc()
                    os.write(writing, b"1")
            finally:
                os._exit(0)
        await_maker(pid)
        os.close(writing)
        works = os.read(reading, 1)
        os.close(reading)
        return None if works else "this machine allows no namespaces within namespaces"

    def serve(self):
        """Fork an environment for each request; return, in each, where its Runtime API is."""
        control = socket.socket(fileno=self.control_fd)
        control.settimeout(None)
        requests = control_socket.Requests(control)
        while True:
            received = requests.receive()
            if received is None:
                os._exit(0)
            for message, fds in received:
                if self.fork(message, *fds) == 0:
                    control.close()
                    return message["runtime_api"]

    def fork(self, message, log_fd, exit_fd):
        """Fork an environment; return 0 in its runtime."""
        pid = os.fork()
        if pid == 0:
            try:
                self.become(message, log_fd, exit_fd)
                return 0
            except BaseException as error:  # noqa: BLE001 - top of the new process
                text = "lambda-emulator: cannot restore: {}\n".format(error)
                os.write(log_fd, text.encode("utf-8", "backslashreplace"))
                tell(exit_fd, "exit 1")
                os._exit(1)
        os.close(log_fd)
        os.close(exit_fd)
        if self.is_isolated:
            await_maker(pid)
        else:
            bury()
        return pid

    def become(self, message, log_fd, exit_fd):
        """Turn this fork into the runtime of an environment, with who waits for it."""
        if self.is_isolated:
            isolation.nest(message["tmp_mib"])
            if os.fork() != 0:
                os._exit(0)
            tell(exit_fd, "init 1")
            isolation.mount_proc()
            kernel.drop_capabilities()
        else:
            kernel.die_with_parent(signal.SIGKILL)
            kernel.adopt_orphans()
        of_children = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, they had no status
        pid = os.fork()
        if pid != 0:
            await_end(pid, exit_fd, self.is_isolated)
        signal.signal(signal.SIGCHLD, of_children or signal.SIG_DFL)
        if self.is_isolated:
            privileges.limit_processes()
            kernel.show_in_proc()
        else:
            kernel.die_with_parent(signal.SIGKILL)
            move_tmp(message["tmp_folder"])
        os.setsid()
        tell(exit_fd, "pid {}".format(os.getpid()))
        os.dup2(log_fd, 1)
        os.dup2(log_fd, 2)
        os.close(log_fd)
        os.close(exit_fd)
        os.environ["AWS_LAMBDA_RUNTIME_API"] = message["runtime_api"]


def run_hooks(getter, reverse=False):
    """Call what the function registered, with the module in /var/runtime or one of its own."""
    registered = getattr(sys.modules.get("snapshot_restore_py"), getter, None)
    if registered is None:
        return
    hooks = list(registered())
    for hook, arguments, named in reversed(hooks) if reverse else hooks:
        hook(*arguments, **named)


def write_fault(error, log):
    """Log what a hook raised; return the error object."""
    fault = bootstrap.describe(error, "", own_frames=2)
    log.write_fault(fault)
    return fault


def tell_facts(api, obstacle):
    """Tell the emulator what it may have to tell the user."""
    facts = {"threads": inherited.thread_names(), "obstacle": obstacle}
    api.post(FACTS_PATH, json.dumps(facts).encode())


def leave_threads():
    """Go on in a fork where there are other threads; they never run again."""
    if not inherited.thread_names():
        return
    if os.fork() != 0:
        while True:
            os.kill(os.getpid(), signal.SIGSTOP)
    kernel.die_with_parent(signal.SIGKILL)


def tell(exit_fd, text):
    """Write a line to the emulator, which may be gone."""
    with contextlib.suppress(OSError):
        os.write(exit_fd, (text + "\n").encode())


def await_maker(pid):
    """Wait until a process that makes namespaces has ended."""
    with contextlib.suppress(ChildProcessError):  # the function ignores the ends of children
        os.waitpid(pid, 0)


def bury():
    """Bury those who waited for environments that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def await_end(pid, exit_fd, is_isolated):
    """Wait, as the parent of a runtime, until it or the emulator's interest has ended; tell; end.

    As process 1 it takes all processes of the environment along.
    """
    try:
        reading, writing = os.pipe()
        for fd in (reading, writing):
            os.set_blocking(fd, False)
        inherited.keep_only(exit_fd, reading, writing)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
            with contextlib.suppress(OSError):
                signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        while True:
            status = status_of(pid)
            if status is not None:
                tell(exit_fd, status)
                break
            if exit_fd in select.select([exit_fd, reading], [], [])[0]:
                break
            os.read(reading, 4096)
        if not is_isolated:
            end_family(pid, status is None)
    finally:
        os._exit(0)


def status_of(pid):
    """Bury all that ended; return how the runtime ended, in the words of an exit pipe, or None."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == 0:
                break
            if ended == pid:
                signalled = os.WIFSIGNALED(status)
                number = os.WTERMSIG(status) if signalled else os.WEXITSTATUS(status)
                found = "{} {}".format("signal" if signalled else "exit", number)
    return found


def end_family(pid, is_running):
    """End what belongs to a runtime, where no namespace does it."""
    if is_running:
        families.kill_family(pid, lambda: status_of(pid))
    families.signal_group(pid)
    families.kill_orphans()


def move_tmp(folder):
    """Have temporary files made in a folder of this environment's own, where they are by TMPDIR."""
    old = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = folder
    if old is not None and os.path.isdir(old):
        isolation.copy_folder(old, folder)
    tempfile = sys.modules.get("tempfile")
    if getattr(tempfile, "tempdir", None) == old:
        tempfile.tempdir = folder
