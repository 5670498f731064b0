"""Parent of execution environments: forks an initialised Python, or starts other programs.

The emulator starts one for each interpreter and talks to it over a socket: one JSON object a
message, file descriptors beside it. It runs on every CPython from 3.9 on with `-I -S`, so it
imports the standard library only, and the SDK where it is asked to preload that.

Requests (`op`):
  fork   start a Python environment in a copy of this process. With it come two descriptors:
         the log (stdout and stderr) and the exit pipe.
  exec   the same for another program (`argv`); a third descriptor, when given, is inherited
         under the number the variable LAMBDA_EMULATOR_STANDBY_FD then names.
  adopt  show its folders to an `exec`ed program that was started without them.
  signal  send a signal to the first process of a launch and its group.
  kill   end all processes of an environment; its mount namespace, and so its /tmp, stays.
  release  forget the namespace of an environment that has ended for good.
A launch is named by `id`; `environment` names what may be launched again after a `kill`, and
where several live together: a runtime and its extensions.
  end    end all processes; when the socket closes without it, the emulator was killed.
On the exit pipe this writes `pid N` (as the host counts), `refused TEXT` when a program could not
be started, then `exit N` or `signal N`; the pipe closes once the environment was killed.
"""

import array
import contextlib
import gc
import json
import os
import resource
import select
import shutil
import signal
import site
import socket
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bootstrap
import isolation

# The function must not find our modules: it may have its own of these names.
del sys.path[0], sys.modules["bootstrap"], sys.modules["isolation"], sys.modules["runtime_log"]

MAX_MESSAGE = 1 << 20
FDS_OF_A_MESSAGE = 3
KILL_ROUNDS = 5  # a process that forks while it is killed needs more than one
KILL_TIMEOUT_S = 1.0
EMULATOR_GONE = 3  # exit status of a zygote whose emulator did not end it
FILE_DESCRIPTORS = 1024


class Child:
    """The first process of one execution environment."""

    def __init__(self, environment, pid, exit_fd):
        self.environment = environment
        self.pid = pid
        self.exit_fd = exit_fd
        self.is_running = True

    def tell(self, text):
        """Write a line to the emulator; it may have stopped reading."""
        with contextlib.suppress(OSError):
            os.write(self.exit_fd, text.encode())


class Zygote:
    """The loop: requests from the socket, ends of children from SIGCHLD. One thread."""

    def __init__(self, control, options):
        self.control = control
        self.requests = Requests(control)
        self.isolated = options["isolated"]
        self.host_proc = options["host_proc"]
        self.children = {}  # id of a launch -> Child
        self.namespaces = {}  # environment -> descriptor of its mount namespace
        self.own_namespace = isolation.open_namespace() if self.isolated else None
        self.ids = {}  # pid of a running first process -> id of its launch
        self.wakeup = os.pipe()
        for fd in self.wakeup:
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self.wakeup[1])
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def run(self):
        """Serve until the emulator says that it ends, or False: closes the socket without that."""
        while True:
            ready, _, _ = select.select([self.control, self.wakeup[0]], [], [])
            if self.wakeup[0] in ready:
                os.read(self.wakeup[0], 4096)
                self.reap()
            if self.control in ready:
                requests = self.requests.receive()
                if requests is None:
                    return False
                for message, fds in requests:
                    if message["op"] == "end":
                        return True
                    self.handle(message, fds)

    def handle(self, message, fds):
        """Do what one request asks; what fails is told on the environment's exit pipe."""
        op = message["op"]
        if op in ("fork", "exec"):
            self.start(message, fds)
        elif op == "adopt":
            self.adopt(message, fds[0])
        elif op == "kill":
            self.kill(message["id"])
        elif op == "signal":
            self.signal(message["id"], message["signal"])
        elif op == "release":
            namespace = self.namespaces.pop(message["environment"], None)
            if namespace is not None:
                os.close(namespace)

    def start(self, message, fds):
        """Fork; the child becomes the environment and never comes back here."""
        try:
            self.enter_namespace(message)
            pid = os.fork()
        except OSError as error:  # no such folder any more, or no more processes
            self.refuse(error, fds)
            return
        if pid == 0:
            code = 1
            try:
                self.become(message, fds)
                code = 0
            except SystemExit as stop:
                code = exit_status(stop)
            except BaseException as error:  # noqa: BLE001 - top of the new process
                os.write(2, traceback_text(error).encode("utf-8", "backslashreplace"))
            finally:
                os._exit(code)
        self.leave_namespace()
        for fd in fds[:1] + fds[2:]:
            os.close(fd)
        self.children[message["id"]] = Child(message["environment"], pid, fds[1])
        self.ids[pid] = message["id"]

    def enter_namespace(self, message):
        """Go where the next child is to live: back to its namespace, or into a new one."""
        if not self.isolated:
            return
        known = self.namespaces.get(message["environment"])
        if known is not None:
            isolation.enter_namespace(known)
            return
        isolation.copy_namespace()
        if "code_folder" in message:
            add_folders(message)
        self.namespaces[message["environment"]] = isolation.open_namespace()

    def leave_namespace(self):
        """Come back."""
        if self.isolated:
            isolation.enter_namespace(self.own_namespace)

    def refuse(self, error, fds):
        """Tell that an environment cannot be had; its exit pipe closes with the descriptors."""
        self.leave_namespace()
        os.write(fds[0], "lambda-emulator: cannot start: {}\n".format(error).encode())
        os.write(fds[1], b"exit 1\n")
        for fd in fds:
            os.close(fd)

    def become(self, message, fds):
        """Turn this fresh child into the environment's first process."""
        log_fd, exit_fd = fds[:2]
        self.leave_zygote()
        os.dup2(log_fd, 1)
        os.dup2(log_fd, 2)
        os.close(log_fd)
        os.write(exit_fd, "pid {}\n".format(self.host_pid()).encode())
        os.setsid()
        if not self.isolated:
            isolation.die_with_parent(signal.SIGKILL)
        os.chdir(message["cwd"])
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILE_DESCRIPTORS, FILE_DESCRIPTORS))
        if message["op"] == "exec":
            self.execute(message, exit_fd, fds[2:])
        os.close(exit_fd)
        os.environ.clear()
        os.environ.update(message["env"])
        time.tzset()
        sys.argv[:] = [""]
        sys.path[:0] = message["search_path"]
        bootstrap.main()

    def leave_zygote(self):
        """Give up what belongs to the zygote: its handlers, socket and pipe."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.control.close()
        for fd in self.wakeup:
            os.close(fd)
        for child in self.children.values():
            os.close(child.exit_fd)
        for namespace in self.namespaces.values():
            os.close(namespace)
        if self.own_namespace is not None:
            os.close(self.own_namespace)

    def host_pid(self):
        """The number of this process as the emulator sees it."""
        if self.host_proc is None:
            return os.getpid()
        pid = int(os.readlink("self", dir_fd=self.host_proc))
        os.close(self.host_proc)
        return pid

    def execute(self, message, exit_fd, extra_fds):
        """Become another program; what prevents it is told on the exit pipe."""
        env = dict(message["env"])
        for fd in extra_fds:
            os.set_inheritable(fd, True)
            env["LAMBDA_EMULATOR_STANDBY_FD"] = str(fd)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores them, and a program inherits it
        try:
            os.execve(message["argv"][0], message["argv"], env)
        except OSError as error:
            text = "fork/exec {}: {}\n".format(message["argv"][0], os.strerror(error.errno).lower())
            os.write(exit_fd, ("refused " + text).encode())
            os._exit(127)

    def adopt(self, message, line_fd):
        """Mount the folders in the program's namespace, then wake it."""
        namespace = self.namespaces.pop(message["id"], None)
        if namespace is not None:
            self.namespaces[message["environment"]] = namespace
            isolation.enter_namespace(namespace)
            try:
                add_folders(message)
            except OSError as error:
                os.write(2, "lambda-emulator: {}\n".format(error).encode())
            self.leave_namespace()
        with contextlib.suppress(OSError):  # the program is gone, and its exit says so
            os.write(line_fd, message["line"].encode())
        os.close(line_fd)

    def reap(self):
        """Tell the emulator about every first process that ended; adopt and bury orphans."""
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.bury(pid, status)

    def bury(self, pid, status):
        """Tell the emulator that a first process ended."""
        launch = self.ids.pop(pid, None)
        if launch is None:
            return  # a process some function left behind: this is its new parent
        child = self.children[launch]
        child.is_running = False
        if os.WIFSIGNALED(status):
            child.tell("signal {}\n".format(os.WTERMSIG(status)))
        else:
            child.tell("exit {}\n".format(os.WEXITSTATUS(status)))

    def signal(self, launch, number):
        """Signal the process group of a launch, unless its first process has ended."""
        child = self.children.get(launch)
        if child is not None and child.is_running and not signal_group(child.pid, number):
            send(child.pid, number)  # it has not come to `setsid` yet

    def kill(self, launch):
        """End all processes of the environment, the ones that hide in sessions of their own too."""
        child = self.children.get(launch)
        if child is None:
            return
        self.kill_family(child)
        if not self.isolated:
            signal_group(child.pid)  # those that had lost their parent before
        if child.is_running:
            self.bury(*os.waitpid(child.pid, 0))
        self.reap()
        if not self.isolated:
            await_group_end(child.pid)
        del self.children[launch]
        os.close(child.exit_fd)

    def kill_family(self, child):
        """Kill the first process and all that it started, and wait until they are gone."""
        if child.is_running:
            # Stopped first, so that it starts no other process while its family is looked for.
            send(child.pid, signal.SIGSTOP)
        for _ in range(KILL_ROUNDS):
            family = self.family(child)
            if not family:
                return
            ends = [end for end in map(open_process, family) if end is not None]
            for pid in family:
                send(pid, signal.SIGKILL)
            await_ends(ends)
            self.reap()

    def family(self, child):
        """Return the processes of the environment, and of others whose first processes are gone.

        Every process lives in the mount namespace of its environment, so it is one whose
        namespace belongs to no other environment's running first process. Without namespaces
        descent is all there is to go by.
        """
        if not self.isolated:
            return descendants(child.pid) if child.is_running else []
        others = [item for item in self.children.values() if item.environment != child.environment]
        spared = {namespace_of(item.pid) for item in others if item.is_running}
        spared.add(namespace_of(os.getpid()))  # of children that have just been forked, too
        spared.add(None)
        family = [pid for pid in processes() if namespace_of(pid) not in spared]
        if child.is_running and child.pid not in family:
            family.append(child.pid)
        return family

    def kill_orphans(self):
        """Kill what functions left behind without namespaces: this process adopted it."""
        for _ in range(KILL_ROUNDS):
            orphans = descendants(os.getpid())[1:]
            for pid in orphans:
                send(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                for _ in orphans:
                    os.waitpid(-1, 0)


def add_folders(message):
    """Show an environment, in the namespace this process is in, what its launch names."""
    isolation.add_folders(message["code_folder"], message["layers_folder"], message["tmp_mib"])


def exit_status(stop):
    """Return the status a SystemExit asks for; write its text, where it has one, as Python does."""
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    os.write(2, "{}\n".format(stop.code).encode("utf-8", "backslashreplace"))
    return 1


def traceback_text(error):
    """Return the traceback from the function's own code on, as Python prints it."""
    own = os.path.dirname(os.path.abspath(__file__))
    frames = error.__traceback__
    while frames is not None and os.path.dirname(frames.tb_frame.f_code.co_filename) == own:
        frames = frames.tb_next
    error.__traceback__ = frames or error.__traceback__  # all our own: our bug, shown whole
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


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


def namespace_of(pid):
    """Return the mount namespace of a process; None when it is gone or only a zombie."""
    try:
        return os.readlink("/proc/{}/ns/mnt".format(pid))
    except OSError:
        return None


class Requests:
    """Reads requests off the socket, which may hand out several at a time, or a part of one."""

    def __init__(self, control):
        self.control = control
        self.text = b""
        self.fds = []  # in the order in which their messages came

    def receive(self):
        """Return complete requests, each with its descriptors; None when the emulator is gone."""
        fds = array.array("i")
        space = socket.CMSG_SPACE(FDS_OF_A_MESSAGE * fds.itemsize)
        try:
            data, ancillary, _, _ = self.control.recvmsg(MAX_MESSAGE, space)
        except ConnectionError:
            return None
        if not data:
            return None
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
        for fd in fds:
            os.set_inheritable(fd, False)
        self.fds += fds
        *lines, self.text = (self.text + data).split(b"\n")
        return [self.with_fds(json.loads(line)) for line in lines]

    def with_fds(self, message):
        """Pair a message with as many descriptors as it says."""
        count = message["fds"]
        fds, self.fds = self.fds[:count], self.fds[count:]
        return message, fds


def isolate(scratch, runtime_folder, shown):
    """Go on as process 1 of new namespaces, while the process that called waits for its end.

    Returns True there; False, in the process that called and with nothing changed, where the
    kernel does not allow it: half of a namespace is worse than none.
    """
    ready, tell = os.pipe()
    outer = os.fork()
    if outer != 0:
        os.close(tell)
        if os.read(ready, 1):
            wait_and_clean(outer)
        os.close(ready)
        os.waitpid(outer, 0)
        return False
    isolation.die_with_parent(signal.SIGKILL)
    try:
        isolation.unshare_all()
        pid = os.fork()
        if pid != 0:
            os._exit(wait_alone(pid))
        isolation.die_with_parent(signal.SIGKILL)
        isolation.build_root(scratch, runtime_folder, shown)
    except OSError as error:
        os.write(2, "lambda-emulator: no namespaces: {}\n".format(error).encode())
        os._exit(1)
    os.write(tell, b"1")
    os.close(ready)
    os.close(tell)
    return True


def wait_alone(pid):
    """Wait for a child, holding no descriptor, and return its exit status."""
    # Only the zygote may hold the socket, or it would never see the emulator go.
    os.closerange(3, FILE_DESCRIPTORS)
    _, status = os.waitpid(pid, 0)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1


def wait_and_clean(pid):
    """Wait for the zygote; when the emulator is gone too, remove the folder it used."""
    emulator = os.getppid()
    code = wait_alone(pid)
    if code == EMULATOR_GONE or os.getppid() != emulator:
        shutil.rmtree(OPTIONS["run_folder"], ignore_errors=True)
    os._exit(code)


def preload(modules):
    """Import what every environment would import anyway, once, before the first fork.

    Returns False when the SDK does not run on this Python.
    """
    try:
        for name in modules:
            __import__(name)
        works = True
    except Exception:  # noqa: BLE001 - an SDK made for newer Pythons fails in its own ways
        for name in [name for name in sys.modules if name.partition(".")[0] in modules]:
            del sys.modules[name]
        works = False
    gc.collect()
    gc.freeze()  # keep the collector from touching, and so copying, shared pages
    return works


def main():
    """Follow the options of the command line, announce readiness, serve."""
    control = socket.socket(fileno=OPTIONS["control_fd"])
    control.set_inheritable(False)
    host_proc = None
    if OPTIONS["isolate"] and sys.platform == "linux":
        host_proc = os.open("/proc", os.O_RDONLY | os.O_CLOEXEC)
        isolated = isolate(OPTIONS["scratch"], OPTIONS["runtime_folder"], OPTIONS["shown"])
    else:
        isolated = False
    sdk_path = isolation.RUNTIME_DIR if isolated else OPTIONS["runtime_folder"]
    sys.path.append(sdk_path)
    for add_builtins in (site.setquit, site.setcopyright, site.sethelper):
        add_builtins()  # `exit` and its kin, which -S leaves out
    has_sdk = preload(OPTIONS["preload"])
    if not isolated:
        isolation.adopt_orphans()
    zygote = Zygote(control, {"isolated": isolated, "host_proc": host_proc})
    answer = {"isolated": isolated, "has_sdk": has_sdk}
    control.sendall(json.dumps(answer).encode() + b"\n")
    was_ended = zygote.run()
    if not isolated:  # else the kernel ends what lives in the namespace
        for environment_id in list(zygote.children):
            zygote.kill(environment_id)
        zygote.kill_orphans()
        if not was_ended:
            shutil.rmtree(OPTIONS["run_folder"], ignore_errors=True)
    sys.exit(0 if was_ended else EMULATOR_GONE)


if __name__ == "__main__":
    OPTIONS = json.loads(sys.argv[1])
    main()
