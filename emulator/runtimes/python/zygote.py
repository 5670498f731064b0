"""Parent of execution environments: forks an initialised Python, or starts other programs.

The emulator starts one for each interpreter and talks to it over a socket: one JSON object a
message, file descriptors beside it. It runs on every CPython from 3.9 on with `-I -S`, so it
imports the standard library only, and the SDK where it is asked to preload that.

Requests (`op`):
  fork   start a Python environment in a copy of this process. With it come three descriptors:
         the log (stdout and stderr), the exit pipe, and a file with the spec, a JSON object:
         `env`, `cwd`, `search_path`, `argv`. Only the child reads that. A fourth descriptor, when
         given, makes it a snapshot: the socket over which that is asked (snapshot.py).
  exec   the same for another program (`argv`); a fourth descriptor, when given, is inherited
         under the number the variable LAMBDA_EMULATOR_STANDBY_FD then names.
  adopt  show its folders to an `exec`ed program that was started without them, then send it
         the content of a file. Two descriptors: where it waits, and the file.
  signal  send a signal to the first process of a launch and its group.
  kill   end all processes of an environment; its mount namespace, and so its /tmp, stays.
  release  forget the namespace of an environment that has ended for good.
A launch is named by `id`; `environment` names what may be launched again after a `kill`. What is
launched while a process of the environment runs, as an extension, joins its namespaces.
  end    end all processes; when the socket closes without it, the emulator was killed.
On the exit pipe this writes `init N`, the process that adopts orphans where there is one, `pid N`
(as the host counts both), `refused TEXT` when a program could not
be started, then `exit N` or `signal N`; the pipe closes once the environment was killed.
"""

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

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import control_socket
import families
import first_process
import isolation
import kernel
import own_namespaces

# The function must not find our modules: it may have its own of these names.
for own in os.listdir(sys.path.pop(0)):
    sys.modules.pop(own.partition(".")[0], None)

DESCRIPTORS = 65536  # two for each environment


class Child:
    """The first process of one execution environment, or one that joined it."""

    def __init__(self, pid, exit_fd, environment):
        self.pid = pid
        self.exit_fd = exit_fd
        self.environment = environment
        self.is_running = True

    def tell(self, text):
        """Write a line to the emulator."""
        tell(self.exit_fd, text)


class Zygote:
    """The loop: requests from the socket, ends of children from SIGCHLD. One thread."""

    def __init__(self, control, view, host_pid):
        self.control = control
        self.requests = control_socket.Requests(control)
        self.view = view  # None without namespaces
        self.host_pid = host_pid  # tells the number of the process that calls
        self.children = {}  # id of a launch -> Child
        self.environments = {}  # id of an environment -> its namespaces
        self.ids = {}  # pid of a running first process -> id of its launch
        self.inits = {}  # pid of a process 1 -> id of its environment
        self.doomed = {}  # id of an environment -> launches in it that are being killed
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
            self.adopt(message, *fds)
        elif op == "kill":
            self.kill(message["id"])
        elif op == "signal":
            self.signal(message["id"], message["signal"])
        elif op == "release":
            self.abandon(message["environment"])

    def start(self, message, fds):
        """Fork; the child becomes the environment and never comes back here."""
        log_fd, exit_fd, spec_fd = fds[:3]
        try:
            self.enter(message, exit_fd)
            pid = os.fork()
        except OSError as error:  # no such folder any more, or no more processes
            self.refuse(message, error, fds)
            return
        if pid == 0:
            first_process.run(
                log_fd,
                exit_fd,
                spec_fd,
                fds[3:],
                is_program=message["op"] == "exec",
                view=self.view,
                host_pid=self.host_pid,
            )
        self.leave()
        if self.view is not None:
            self.environments[message["environment"]].has_run = True
        for fd in (log_fd, spec_fd, *fds[3:]):
            os.close(fd)
        self.children[message["id"]] = Child(pid, exit_fd, message["environment"])
        self.ids[pid] = message["id"]

    def enter(self, message, exit_fd):
        """Go where the next child is to live: back to its namespaces, or into new ones."""
        if self.view is None:
            return
        name = message["environment"]
        environment = self.environments.get(name)
        if environment is None:
            environment = self.environments[name] = isolation.Environment(self.view)
        try:
            environment.enter(message)
        finally:
            if environment.init_pid is not None:
                self.inits[environment.init_pid] = name
        tell(exit_fd, "init {}\n".format(environment.init_host_pid))

    def leave(self):
        """Come back."""
        if self.view is not None:
            self.view.leave_environment()

    def refuse(self, message, error, fds):
        """Tell that a process cannot be had; its exit pipe closes with the descriptors."""
        self.leave()
        tell(fds[0], "lambda-emulator: cannot start: {}\n".format(error))
        tell(fds[1], "exit 1\n")
        for fd in fds:
            os.close(fd)
        environment = self.environments.get(message["environment"])
        if environment is not None and not environment.has_run:
            self.abandon(message["environment"])

    def abandon(self, name):
        """Let an environment go that nothing will be launched in any more."""
        environment = self.environments.pop(name, None)
        if environment is None:
            return
        environment.close()
        if environment.init_pid is not None:  # nothing came to run beside it
            families.send(environment.init_pid, signal.SIGKILL)

    def adopt(self, message, line_fd, file_fd):
        """Mount the folders in the program's namespace, then wake it."""
        environment = self.environments.pop(message["id"], None)
        if environment is not None:
            self.environments[message["environment"]] = environment
            self.children[message["id"]].environment = message["environment"]
            if environment.init_pid is not None:
                self.inits[environment.init_pid] = message["environment"]
            try:
                environment.add_folders(message)
            except OSError as error:
                os.write(2, "lambda-emulator: {}\n".format(error).encode())
        with contextlib.suppress(OSError):  # the program is gone, and its exit says so
            os.sendfile(line_fd, file_fd, 0, os.fstat(file_fd).st_size)
        os.close(line_fd)
        os.close(file_fd)

    def reap(self):
        """Tell the emulator about every first process that ended; adopt and bury orphans."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.bury(pid, status)

    def bury(self, pid, status):
        """Tell the emulator that a first process ended, or that nothing is left of a killed one."""
        if pid in self.inits:
            self.bury_init(pid)
            return
        launch = self.ids.pop(pid, None)
        if launch is None:
            return  # a process some function left behind: this is its new parent
        child = self.children[launch]
        child.is_running = False
        if os.WIFSIGNALED(status):
            child.tell("signal {}\n".format(os.WTERMSIG(status)))
        else:
            child.tell("exit {}\n".format(os.WEXITSTATUS(status)))

    def bury_init(self, pid):
        """Take note that all processes of an environment are gone."""
        name = self.inits.pop(pid)
        environment = self.environments.get(name)
        if environment is not None:
            if environment.init_pid != pid:
                return  # nothing could be started beside it, and there is a new one
            environment.init_pid = None
        for launch in self.doomed.pop(name, ()):
            self.forget(launch)

    def forget(self, launch):
        """Close the exit pipe: no process is left."""
        os.close(self.children.pop(launch).exit_fd)

    def signal(self, launch, number):
        """Signal the process group of a launch, unless its first process has ended."""
        child = self.children.get(launch)
        if child is None or not child.is_running:
            return
        if not families.signal_group(child.pid, number):
            families.send(child.pid, number)  # it has not come to `setsid` yet

    def kill(self, launch):
        """End all processes of the environment, the ones that hide in sessions of their own too."""
        child = self.children.get(launch)
        if child is None:
            return
        if self.view is None:
            self.kill_without_namespaces(child)
            self.forget(launch)
            return
        environment = self.environments.get(child.environment)
        if environment is None or environment.init_pid is None:
            self.forget(launch)
            return
        # With it the kernel kills all others; it ends when they have ended, and `bury` hears.
        self.doomed.setdefault(child.environment, []).append(launch)
        families.send(environment.init_pid, signal.SIGKILL)

    def kill_without_namespaces(self, child):
        """End the processes that descend from a first process, or are in its group."""
        if child.is_running:
            families.kill_family(child.pid, self.reap)
        families.signal_group(child.pid)  # those that had lost their parent before
        if child.is_running:
            self.bury(*os.waitpid(child.pid, 0))
        self.reap()
        families.await_group_end(child.pid)


def tell(fd, text):
    """Write to a pipe of the emulator, which may be gone: the socket says so soon enough."""
    with contextlib.suppress(OSError):
        os.write(fd, text.encode())


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
    # What the first connection of every function would import: 3 ms of a cold start.
    "localhost".encode("idna")
    gc.collect()
    gc.freeze()  # keep the collector from touching, and so copying, shared pages
    return works


def main():
    """Follow the options of the command line, announce readiness, serve."""
    control = socket.socket(fileno=OPTIONS["control_fd"])
    control.set_inheritable(False)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, most), most))
    host_pid, view = os.getpid, None
    if OPTIONS["isolate"] and sys.platform == "linux":
        host_pid = own_namespaces.HostCount()
        view = own_namespaces.isolate(host_pid, OPTIONS)
    sys.path.append(OPTIONS["runtime_folder"] if view is None else isolation.RUNTIME_DIR)
    if view is not None:
        first_process.name_places(isolation.RUNTIME_DIR)
    for add_builtins in (site.setquit, site.setcopyright, site.sethelper):
        add_builtins()  # `exit` and its kin, which -S leaves out
    has_sdk = preload(OPTIONS["preload"])
    if view is None:
        kernel.adopt_orphans()
    zygote = Zygote(control, view, host_pid)
    answer = {
        "isolated": view is not None,
        "has_sdk": has_sdk,
        "limits_processes": view is not None and view.limits_processes,
    }
    control.sendall(json.dumps(answer).encode() + b"\n")
    was_ended = zygote.run()
    if view is None:  # else the kernel ends what lives in the namespace
        for launch in list(zygote.children):
            zygote.kill(launch)
        families.kill_orphans()
        if not was_ended:
            shutil.rmtree(OPTIONS["run_folder"], ignore_errors=True)
    sys.exit(0 if was_ended else own_namespaces.EMULATOR_GONE)


if __name__ == "__main__":
    OPTIONS = json.loads(sys.argv[1])
    main()
