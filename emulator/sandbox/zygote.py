"""The emulator's side of a zygote: start it, send it requests, read what it tells."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from emulator.sandbox.interpreters import Interpreter
from emulator.sandbox.process import Exit, LaunchSpec

SCRIPT = Path(__file__).parent.parent / "runtimes" / "python" / "zygote.py"
KILL_TIMEOUT_S = 5.0
START_TIMEOUT_S = 20.0
SEND_TIMEOUT_S = 1.0


class ZygoteError(RuntimeError):
    """A zygote did not start, or is gone."""


class ZygoteProcess:
    """A runtime process started by a zygote (see `RuntimeProcess`)."""

    log_lag_s = 0.0  # a pipe holds what was written before

    def __init__(self, zygote: "Zygote", process_id: str, log_fd: int, exit_fd: int) -> None:
        self._zygote = zygote
        self._id = process_id
        self.log_fd = log_fd
        self.exit_fd = exit_fd
        self.pid: int | None = None
        self.init_pid: int | None = None
        self._text = b""
        self._exit: Exit | None = None
        self._refusal: str | None = None
        self._is_gone = False  # the pipe is closed: no process is left

    def poll(self) -> Exit | None:
        """Read what the zygote told; see `RuntimeProcess.poll`."""
        while not self._is_gone:
            try:
                data = os.read(self.exit_fd, 4096)
            except BlockingIOError:
                break
            if not data:
                self._is_gone = True
                # A zygote that died took its children along.
                self._exit = self._exit or Exit(signal=signal.SIGKILL)
            self._text += data
            self._take_lines()
        return self._exit

    def _take_lines(self) -> None:
        *lines, self._text = self._text.split(b"\n")
        for line in lines:
            word, _, rest = line.partition(b" ")
            if word == b"pid":
                self.pid = int(rest)
            elif word == b"init":
                self.init_pid = int(rest)
            elif word == b"refused":
                self._refusal = rest.decode()
            elif word == b"exit":
                self._exit = Exit(status=int(rest), refusal=self._refusal)
            else:
                self._exit = Exit(signal=int(rest))

    def signal(self, number: int) -> None:
        """Signal the process group; see `RuntimeProcess.signal`."""
        if self.poll() is None:
            with contextlib.suppress(ZygoteError):  # it died, and took its children along
                self._zygote.send({"op": "signal", "id": self._id, "signal": number})

    def kill(self) -> None:
        """End all processes; see `RuntimeProcess.kill`."""
        self.poll()
        if self._is_gone:
            return
        with contextlib.suppress(ZygoteError):  # it died, and took its children along
            self._zygote.send({"op": "kill", "id": self._id})
        poller = select.poll()
        poller.register(self.exit_fd, select.POLLIN)
        while not self._is_gone:
            if not poller.poll(KILL_TIMEOUT_S * 1000):
                self._zygote.close()  # it hangs: end it, and with it all that it started
            self.poll()

    def close(self) -> None:
        """Free the descriptors."""
        os.close(self.log_fd)
        os.close(self.exit_fd)


class Zygote:
    """One zygote process. Any thread may call; `_lock` guards the order on the socket."""

    def __init__(
        self,
        interpreter: Interpreter,
        *,
        preload: Sequence[str],
        isolate: bool,
        run_folder: Path,
        runtime_folder: Path,
        shown: Sequence[Path],
        hidden: Sequence[Path] = (),
    ) -> None:
        self.interpreter = interpreter
        self._lock = threading.Lock()
        self._environments: set[str] = set()  # whose namespaces it keeps
        scratch = tempfile.mkdtemp(prefix="root-", dir=run_folder)
        self._socket, theirs = socket.socketpair()
        options = {
            "control_fd": theirs.fileno(),
            "isolate": isolate,
            "preload": list(preload),
            "run_folder": str(run_folder),
            "scratch": scratch,
            "runtime_folder": str(runtime_folder),
            "shown": [str(folder) for folder in shown],
            "hidden": [str(folder) for folder in hidden],
        }
        with theirs:
            self._process = subprocess.Popen(
                [str(interpreter.path), "-I", "-S", str(SCRIPT), json.dumps(options)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={"PATH": os.environ.get("PATH", ""), "LANG": "en_US.UTF-8"},
                start_new_session=True,  # Ctrl-C in the terminal is the emulator's business
            )
        greeting = self._greeting()
        self.is_isolated = bool(greeting["isolated"])
        self.has_sdk = bool(greeting["has_sdk"])
        self.limits_processes = bool(greeting["limits_processes"])

    def _greeting(self) -> dict[str, Any]:
        self._socket.settimeout(START_TIMEOUT_S)
        try:
            line = self._socket.makefile("rb").readline()
        except TimeoutError:
            line = b""
        self._socket.settimeout(None)
        if not line:
            self.close()
            raise ZygoteError(f"{self.interpreter.path} did not start (see its error above)")
        greeting: dict[str, Any] = json.loads(line)
        return greeting

    @property
    def is_alive(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def launch(self, spec: LaunchSpec, snapshot_fd: int | None = None) -> ZygoteProcess:
        """Start a process in an environment; snapshot_fd: see `Launch`."""
        self._environments.add(spec.environment_id)
        content = {
            "argv": list(spec.argv),
            "env": dict(spec.variables),
            "cwd": spec.cwd or spec.variables["LAMBDA_TASK_ROOT"],
            "search_path": list(spec.search_path),
        }
        fds = [] if snapshot_fd is None else [snapshot_fd]
        message = {"op": _operation(spec.argv), **_folders(spec)}
        return self._send_launch(message, content, uuid.uuid4().hex, fds)

    def launch_standby(
        self, process_id: str, argv: Sequence[str], variables: Mapping[str, str], fd: int
    ) -> ZygoteProcess:
        """Start one that waits on `fd` for the function it is to run."""
        self._environments.add(process_id)
        content = {"argv": list(argv), "env": dict(variables), "cwd": "/", "waits": True}
        message = {"op": _operation(argv), "environment": process_id}
        return self._send_launch(message, content, process_id, [fd])

    def has(self, environment_id: str) -> bool:
        """Tell whether an environment lived here before, so that its /tmp is here."""
        return environment_id in self._environments

    def release(self, environment_id: str) -> None:
        """Let the namespace of an environment go that will not be launched again."""
        if environment_id in self._environments:
            self._environments.discard(environment_id)
            self.send({"op": "release", "environment": environment_id})

    def adopt(self, process_id: str, spec: LaunchSpec, line_fd: int, line: bytes) -> None:
        """Show a waiting program its folders, then write `line` to the descriptor it waits on."""
        self._environments.discard(process_id)
        self._environments.add(spec.environment_id)
        with _private_file(line) as file:
            self.send({"op": "adopt", "id": process_id, **_folders(spec)}, [line_fd, file.fileno()])

    def _send_launch(
        self,
        message: Mapping[str, Any],
        content: Mapping[str, Any],
        process_id: str,
        fds: Sequence[int],
    ) -> ZygoteProcess:
        log_read, log_write = os.pipe()
        exit_read, exit_write = os.pipe()
        os.set_blocking(log_read, False)
        os.set_blocking(exit_read, False)
        try:
            with _private_file(json.dumps(content).encode()) as file:
                self.send(
                    {**message, "id": process_id}, [log_write, exit_write, file.fileno(), *fds]
                )
        except BaseException:
            os.close(log_read)
            os.close(exit_read)
            raise
        finally:
            os.close(log_write)
            os.close(exit_write)
        return ZygoteProcess(self, process_id, log_read, exit_read)

    def send(self, message: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        """Send one request; raise ZygoteError when the zygote is gone."""
        data = json.dumps({**message, "fds": len(fds)}).encode() + b"\n"
        try:
            with self._lock:
                sent = socket.send_fds(self._socket, [data], fds) if fds else 0
                self._socket.sendall(data[sent:])
        except OSError as error:
            self.close()  # it is dying: from here on `is_alive` says so
            raise ZygoteError(f"the zygote of {self.interpreter.runtime} is gone") from error

    def close(self) -> None:
        """End the zygote and everything it started."""
        with contextlib.suppress(OSError):  # it has ended already, or does not listen
            self._socket.settimeout(SEND_TIMEOUT_S)
            # Without the lock: who sends at the same time sends in vain anyhow.
            self._socket.sendall(b'{"op": "end", "fds": 0}\n')
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_TIMEOUT_S)
            return
        self._process.kill()
        self._process.wait()


def _private_file(content: bytes) -> IO[bytes]:
    """Return a file without a name for what only one child of the zygote may read.

    All children inherit the zygote's memory, and could find there what it was sent for others.
    """
    file: IO[bytes]
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("spec"), "w+b", buffering=0)
    else:
        file = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115 - the caller closes it
    file.write(content)
    return file


def _operation(argv: Sequence[str]) -> str:
    return "exec" if argv else "fork"


def _folders(spec: LaunchSpec) -> dict[str, Any]:
    # Seen from the zygote's root a symbolic link may lead elsewhere.
    layers = spec.layers_folder
    return {
        "code_folder": os.path.realpath(spec.code_folder),
        "layers_folder": None if layers is None else os.path.realpath(layers),
        "environment": spec.environment_id,
        "tmp_mib": spec.tmp_mib,
        "mounts": [(os.path.realpath(each.folder), each.place) for each in spec.mounts],
    }
