"""A real emulator in a process of its own, as a user starts and stops it."""

import codecs
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

from tests.api.output_shape import refuse_foreign_answers

REPOSITORY = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20


class RunningEmulator:
    """What a test needs of a started emulator; made by `running_emulator`."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", output: "_Output", scratch: Path, stack: ExitStack
    ) -> None:
        self.process = process
        self.endpoint = output.wait_for_endpoint()
        self.scratch = scratch  # where all its temporary files are
        self._output = output
        self._stack = stack

    @property
    def output(self) -> str:
        """Everything written to stderr so far."""
        return self._output.text()

    def whole_output(self) -> str:
        """Everything written to stderr by an emulator that was stopped."""
        self._output.wait_for_end()
        return self.output

    def wait_for_output(self, text: str, timeout_s: float = 30) -> None:
        """Wait until `text` has been written to stderr."""
        assert self._output.wait_for(text, timeout_s), f"no {text!r} in:\n{self.output}"

    def client(self, service: str, **options: Any) -> Any:
        """Make a boto3 client that fails at the first error rather than try again.

        A client of Lambda fails at an answer that is not of the service model's form, too.
        """
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        defaults = {"endpoint_url": self.endpoint, "region_name": "us-east-1", "config": config}
        make: Any = boto3.client  # its stubs want to know the service's name beforehand
        made = make(service, **defaults | credentials | options)
        if service == "lambda":
            refuse_foreign_answers(made)
        return self._stack.enter_context(closing(made))

    def request(self, method: str, path: str) -> Any:
        """Return the JSON that a page of the emulator answers with; raise on a status over 399."""
        request = urllib.request.Request(self.endpoint + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            error.add_note(f"{error.read().decode(errors='replace')}\n{self.output[-4_000:]}")
            raise

    def settle(self, timeout_s: float = 30) -> None:
        """Wait until nothing runs and nothing is due."""
        self.request("POST", f"/_emulator/settle?timeout={timeout_s}")

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock on."""
        body = json.dumps({"advance": seconds}).encode()
        request = urllib.request.Request(f"{self.endpoint}/_emulator/clock", body, method="POST")
        with urllib.request.urlopen(request, timeout=60):
            pass

    def reset(self) -> None:
        """Empty everything and load the project again."""
        self.request("POST", "/_emulator/reset")

    def invocations(self, function: str) -> list[dict[str, Any]]:
        """Return what is recorded of a function's invocations, newest first."""
        records: list[dict[str, Any]] = self.request(
            "GET", f"/_emulator/invocations?function={function}"
        )
        return records


@contextmanager
def running_emulator(project: Path, *arguments: str, **variables: str) -> Iterator[RunningEmulator]:
    """Start an emulator on a free port; at the end stop it as Ctrl-C does.

    Asserts that it exits with 0, leaves no process and no temporary file, and that nothing of its
    own raised.
    """
    with started_emulator(project, *arguments, **variables) as emulator:
        yield emulator
        _stop(emulator.process)
        # A function that raised shows a traceback too, without a line of ours in it.
        assert f'File "{REPOSITORY / "emulator"}' not in emulator.whole_output(), emulator.output
        assert os.listdir(emulator.scratch) == [], "temporary files are left"


@contextmanager
def started_emulator(
    project: Path,
    *arguments: str,
    command: Sequence[str] = (sys.executable, "-m", "emulator"),
    **variables: str,
) -> Iterator[RunningEmulator]:
    """Start an emulator that may end in any way; kill it when it still runs at the end."""
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="emulator-test-"))
        environment = _inherited() | {"TMPDIR": scratch} | variables
        process = subprocess.Popen(
            [*command, "start", "--port", "0", *arguments, str(project)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
        output = stack.enter_context(_Output(process))
        try:
            yield RunningEmulator(process, output, Path(environment["TMPDIR"]), stack)
        finally:
            process.kill()  # does nothing to a process that was waited for
            process.wait()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Interrupt the emulator and see that all it started ends with it."""
    is_running = process.poll() is None
    children = psutil.Process(process.pid).children(recursive=True) if is_running else []
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(STOP_TIMEOUT_S) == 0
    finally:
        process.kill()
        _, left = psutil.wait_procs(children, timeout=2)
        for child in left:
            child.kill()
    assert left == [], "processes are left"


def _inherited() -> dict[str, str]:
    """The test's own environment without its AWS settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


class _Output:
    """Collects a process's stderr on a thread, which ends when the process closes it."""

    def __init__(self, process: "subprocess.Popen[bytes]"):
        self._process = process
        self._text = ""  # guarded by `_changed`, as is the next
        self._has_ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="emulator-stderr")

    def __enter__(self) -> "_Output":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def text(self) -> str:
        with self._changed:
            return self._text

    def wait_for(self, text: str, timeout_s: float) -> bool:
        """Wait until `text` was written, or can be no more; tell which."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or text in self._text, timeout_s)
            return text in self._text

    def wait_for_end(self) -> None:
        """Wait until nobody can write any more."""
        self._thread.join(STOP_TIMEOUT_S)
        assert not self._thread.is_alive(), "something still holds the emulator's stderr"

    def wait_for_endpoint(self) -> str:
        """Wait for the line that says where the emulator answers."""
        self.wait_for("Ready on ", START_TIMEOUT_S)
        ready = re.search(r"^Ready on (\S+)$", self.text(), re.MULTILINE)
        assert ready is not None, f"the emulator did not start:\n{self.text()}"
        return ready[1]

    def _read(self) -> None:
        assert self._process.stderr is not None
        # As much as there is at a time: who waits searches everything for each piece.
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        while piece := os.read(self._process.stderr.fileno(), 1 << 20):
            with self._changed:
                self._text += decoder.decode(piece)
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()
