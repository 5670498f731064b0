"""The emulator under test: a process of its own, started as a user would start it."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks import project
from benchmarks.client import Connection, expect_success, invoke, request

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 15.0
ACTIVE_TIMEOUT_S: Final = 10.0
READY: Final = "Ready on http://127.0.0.1:"
KEPT_LINES: Final = 30


class Api(Connection):
    """One caller of the emulator. Not for several threads."""

    def create(self, function: str, source: str) -> None:
        """Create a function by API and wait until it is active."""
        body = project.create_request(function, source)
        expect_success(self.call(request("POST", "/2015-03-31/functions", body)))
        ask = request("GET", f"/2015-03-31/functions/{function}/configuration")
        give_up = time.perf_counter() + ACTIVE_TIMEOUT_S
        while self.call(ask).json().get("State") != "Active":
            if time.perf_counter() > give_up:
                raise RuntimeError(f"{function} did not become active")
            pause(0.002)

    def publish_with_snap_start(self, function: str) -> str:
        """Make a version, of which a snapshot is taken; return how it is called."""
        path = f"/2015-03-31/functions/{function}"
        settings = {"Runtime": "python3.12", "SnapStart": {"ApplyOn": "PublishedVersions"}}
        body = json.dumps(settings).encode()
        expect_success(self.call(request("PUT", f"{path}/configuration", body)))
        expect_success(self.call(request("POST", f"{path}/versions", b"{}")))
        return f"{function}:1"

    def settle(self) -> None:
        """Wait until nothing runs and nothing is due."""
        ask = request("POST", "/_emulator/settle?timeout=30", service=None)
        expect_success(self.call(ask))

    def invocations(self, function: str, limit: int) -> list[dict[str, Any]]:
        """Return the newest records of a function."""
        path = f"/_emulator/invocations?function={function}&limit={limit}"
        answer = self.call(request("GET", path, service=None))
        expect_success(answer)
        records = answer.json()
        return list(records["invocations"] if isinstance(records, dict) else records)

    def warm(self, function: str) -> None:
        """Invoke once, so that an environment waits."""
        expect_success(self.call(invoke(function)))


class Emulator:
    """A running emulator, and a connection to it. Use from one thread."""

    def __init__(self, folder: Path, *, keeps: bool = False) -> None:
        self.folder = folder
        kept = ["--data-dir", str(folder / "data")] if keeps else []
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "emulator", "start", "--port", "0", *kept, str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._is_ready = threading.Event()
        self.port = 0
        self._reader = threading.Thread(target=self._read_lines, name="stderr", daemon=True)
        self._reader.start()
        if not self._is_ready.wait(START_TIMEOUT_S) or not self.port:
            self._process.kill()
            raise RuntimeError("the emulator did not start:\n" + "".join(self._lines))
        self.api = Api(self.port)
        expect_success(self.api.call(request("GET", "/_emulator/health", service=None)))
        self.start_s = time.perf_counter() - started

    def _read_lines(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.append(line)
            if line.startswith(READY):
                self.port = int(line.removeprefix(READY).split()[0].rstrip("/"))
                self._is_ready.set()
        self._is_ready.set()

    def stop(self) -> None:
        """Stop as Ctrl-C would; raise when it does not end in time."""
        self.api.socket.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            self._reader.join()
            assert self._process.stderr is not None
            self._process.stderr.close()

    def memory_mib(self, *, rest_s: float = 0.0) -> float | None:
        """Proportional set size of the emulator and all it started, after `rest_s` of rest.

        None where the system does not tell.
        """
        self.api.settle()
        pause(rest_s)
        try:
            return sum(_pss_kib(process_id) for process_id in _tree(self._process.pid)) / 1024
        except OSError:
            return None


@contextmanager
def running(
    functions: Collection[str], more: str = "", *, keeps: bool = False
) -> Iterator[Emulator]:
    """Run the emulator on a project of its own with `functions`.

    more: lines of its emulator.toml. keeps: with a `--data-dir`.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        project.write(Path(name), functions, more)
        emulator = Emulator(Path(name), keeps=keeps)
        try:
            yield emulator
        finally:
            emulator.stop()


def pause(seconds: float) -> None:
    """Let the emulator do what it does when nobody asks."""
    threading.Event().wait(seconds)


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [root]
    for process_id in found:
        found += children.get(process_id, [])
    return found


def _pss_kib(process_id: int) -> int:
    try:
        text = Path(f"/proc/{process_id}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it ended meanwhile
    return int(text.partition("\nPss:")[2].split()[0])
