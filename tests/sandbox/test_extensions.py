"""Extensions in real environments: processes that register, hear of invocations and of the end."""

import json
import os
import queue
import re
import socket
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.invoke.response_channel import ResponseChannel
from emulator.model import CodePackage, FunctionVersion, Status
from emulator.observe import Activity, LogBook
from emulator.sandbox import Environments, shutdown
from emulator.sandbox.shutdown import Budget
from tests.sandbox.conftest import MakeFunction, Run
from tests.sandbox.streaming_runtimes import IN_PYTHON
from tests.sandbox.test_environment import error_of

CLIENT = """\
#!{python} -IS
import http.client, json, os, socket, sys
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
me = {{}}

def call(method, path, body=None, **headers):
    headers = {{name.replace("_", "-"): value for name, value in headers.items()}}
    api.request(method, "/2020-01-01/extension/" + path, body, {{**me, **headers}})
    answer = api.getresponse()
    return answer.status, answer.headers, answer.read()

def register(*events):
    name = os.path.basename(__file__)
    body = json.dumps({{"events": events}})
    status, headers, body = call("POST", "register", body, Lambda_Extension_Name=name)
    me["Lambda-Extension-Identifier"] = headers["Lambda-Extension-Identifier"]
    return json.loads(body)

def next_event():
    return json.loads(call("GET", "event/next")[2])

def say(*words):
    print(*words, flush=True)

def meet(word):
    host, port = os.environ["GATE"].split(":")
    with socket.create_connection((host, int(port))) as gate:
        gate.sendall(word.encode() + b"\\n")
        gate.recv(1)

"""
LOYAL = """
register("INVOKE", "SHUTDOWN")
while True:
    event = next_event()
    say("watcher got", json.dumps(event))
    if event["eventType"] == "SHUTDOWN":
        break
"""
HANDLER = "def handler(event, context):\n    print('handled')\n    return event"
RUNTIME = f"python3.{sys.version_info.minor}"
MakeWatched = Callable[..., FunctionVersion]
End = Callable[[FunctionVersion], None]
Logged = Callable[[], list[str]]


class Gate:
    """Where processes of a test come and wait until they may go on."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._server.getsockname()[:2])
        self._waiting: queue.Queue[tuple[str, socket.socket]] = queue.Queue()
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def meet(self, word: str) -> Callable[[], None]:
        """Wait until somebody comes with `word`; returns what lets him go on."""
        told, client = self._waiting.get(timeout=10)
        assert told == word
        return client.close

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()
        for client in self._held:
            client.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._held.append(client)
            self._waiting.put((client.recv(64).decode().strip(), client))


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give who ends by himself the time that a busy machine takes."""
    if "as_in_lambda" not in request.fixturenames:
        monkeypatch.setattr(shutdown, "EXTERNAL", Budget(total_s=30, runtime_s=15))
        monkeypatch.setattr(shutdown, "INTERNAL_ONLY", Budget(total_s=15, runtime_s=15))


@pytest.fixture
def as_in_lambda() -> None:
    """Keep the budgets of the shutdown phase."""


@pytest.fixture
def watched(tmp_path: Path, function: MakeFunction, gate: Gate) -> MakeWatched:
    """Make a function with external extensions: `watched(HANDLER, watcher=LOYAL)`."""

    def make(
        source: str = HANDLER, *, settings: dict[str, Any] | None = None, **extensions: str
    ) -> FunctionVersion:
        folder = tmp_path / "layer" / "extensions"
        folder.mkdir(parents=True)
        for name, text in extensions.items():
            path = folder / name
            client = CLIENT.format(python=os.path.realpath(sys.executable))
            path.write_text(text if text.startswith("#!") else client + textwrap.dedent(text))
            path.chmod(0o755)
        layer = CodePackage(folder=folder.parent, sha256="", size_bytes=1)
        more = dict(settings or {})
        variables = {"GATE": gate.address, **more.pop("environment", {})}
        return function(
            source,
            runtime=more.pop("runtime", RUNTIME),
            layers=(layer,),
            log_group=f"/tests/{tmp_path.name}",
            environment=variables,
            **more,
        )

    return make


@pytest.fixture
def logged(log_book: LogBook, tmp_path: Path) -> Logged:
    """What stands in the function's log by now."""
    return lambda: [event.message for event in log_book.tail(f"/tests/{tmp_path.name}").events]


@pytest.fixture
def end(environments: Environments, activity: Activity) -> End:
    """Have the environments of a function retire, and wait until they are gone."""

    def retire(version: FunctionVersion) -> None:
        assert activity.wait_idle(60), activity.pending()
        environments.retire(version)
        assert environments.settle()

    return retire


def events_of(lines: list[str]) -> list[dict[str, object]]:
    words = "watcher got "
    return [json.loads(line.removeprefix(words)) for line in lines if line.startswith(words)]


def test_an_external_extension_hears_of_each_invocation_and_of_the_end(
    watched: MakeWatched, run: Run, end: End, logged: Logged
) -> None:
    version = watched(watcher=LOYAL)
    results = [run(version, number) for number in (1, 2)]
    assert [result.payload for result in results] == [b"1", b"2"]
    end(version)
    *invokes, shutdown = events_of(logged())
    assert [list(event) for event in invokes] == [
        ["eventType", "deadlineMs", "requestId", "invokedFunctionArn", "tracing"]
    ] * 2
    assert invokes[0]["eventType"] == "INVOKE"
    assert invokes[0]["invokedFunctionArn"] == version.arn
    assert invokes[0]["tracing"] == {
        "type": "X-Amzn-Trace-Id",
        "value": "Root=1-00000000-000000000000000000000000;Sampled=0",
    }
    assert invokes[0]["requestId"] != invokes[1]["requestId"]
    assert shutdown["shutdownReason"] == "spindown"
    assert list(shutdown) == ["eventType", "shutdownReason", "deadlineMs"]


def test_the_log_tells_where_extensions_stand_before_the_first_invocation(
    watched: MakeWatched, run: Run, logged: Logged
) -> None:
    version = watched(a=LOYAL, b='register("SHUTDOWN")\nnext_event()')
    run(version)
    lines = logged()
    start = next(number for number, line in enumerate(lines) if line.startswith("START"))
    assert [line for line in lines if line.startswith("EXTENSION")] == lines[start - 2 : start]
    assert lines[start - 2 : start] == [
        "EXTENSION\tName: a\tState: Ready\tEvents: [INVOKE, SHUTDOWN]",
        "EXTENSION\tName: b\tState: Ready\tEvents: [SHUTDOWN]",
    ]


SLOW = """
register("INVOKE", "SHUTDOWN")
while next_event()["eventType"] == "INVOKE":
    meet("flushing")
"""


def test_the_caller_does_not_wait_for_extensions_but_the_environment_does(
    watched: MakeWatched,
    run: Run,
    gate: Gate,
    activity: Activity,
    logged: Logged,
) -> None:
    version = watched(watcher=SLOW, settings={"timeout_s": 60})
    first = run(version, 1)
    go_on = gate.meet("flushing")
    assert first.payload == b"1"
    assert not any(line.startswith("REPORT") for line in logged())
    go_on()
    assert activity.wait_idle(60), activity.pending()
    (report,) = [line for line in logged() if line.startswith("REPORT")]
    duration = re.search(r"\tDuration: ([\d.]+) ms", report)
    assert duration is not None
    assert float(duration[1]) > first.duration_ms
    second = run(version, 2, wants_log=False)
    gate.meet("flushing")()
    assert second.environment_id == first.environment_id
    assert report.encode() not in second.log.text


def test_who_wants_the_log_waits_for_its_end(watched: MakeWatched, run: Run, gate: Gate) -> None:
    version = watched(watcher=SLOW, settings={"timeout_s": 60})
    opener = threading.Thread(target=lambda: gate.meet("flushing")())
    opener.start()
    result = run(version, wants_log=True)
    opener.join()
    assert b"REPORT RequestId: " in result.log.text


def test_an_extension_that_outlasts_the_timeout_costs_the_environment_and_not_the_answer(
    watched: MakeWatched,
    run: Run,
    gate: Gate,
    activity: Activity,
    logged: Logged,
) -> None:
    source = """
    register("INVOKE", "SHUTDOWN")
    next_event()
    meet("flushing")
    say("then", next_event()["shutdownReason"])
    """
    version = watched(watcher=source, settings={"timeout_s": 2})
    assert run(version, 1).payload == b"1"  # the extension is held meanwhile
    go_on = gate.meet("flushing")
    deadline = time.monotonic() + 10
    while not any("Status: timeout" in line for line in logged()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    go_on()
    assert activity.wait_idle(60), activity.pending()
    assert "then timeout" in logged()
    again = run(version, 2)
    assert again.payload == b"2"
    gate.meet("flushing")()


CRASHES: dict[str, tuple[str, str, str]] = {
    "exits before it registers": ("sys.exit(3)", "Extension.Crash", "Error: exit code 3"),
    "exits before it is ready": ("register()\nsys.exit()", "Extension.Crash", "Error: exit code 0"),
    "is killed": (
        "os.kill(os.getpid(), 9)",
        "Extension.Crash",
        "Error: signal: killed",
    ),
    "tells of an init error": (
        "register()\n"
        "call('POST', 'init/error', '{}', Lambda_Extension_Function_Error_Type='App.NoKey')\n"
        "sys.exit()",
        "Extension.InitError",
        "Error: watcher: App.NoKey",
    ),
    "cannot be started": (
        "#!/no/such/interpreter\n",
        "Extension.LaunchError",
        "/extensions/watcher: no such file or directory",
    ),
}


@pytest.mark.parametrize("case", CRASHES)
def test_an_extension_that_fails_in_the_init_phase_fails_the_invocation(
    watched: MakeWatched, run: Run, logged: Logged, case: str
) -> None:
    source, error_type, message = CRASHES[case]
    result = run(watched(watcher=source))
    told, text = error_of(result)
    assert told == error_type
    assert text.startswith("RequestId: ")
    assert text.endswith(message)
    reports = [line for line in logged() if line.startswith("INIT_REPORT")]
    assert [line.split("\t")[1:] for line in reports] == [
        [f"Phase: {phase}", "Status: error", f"Error Type: {error_type}"]
        for phase in ("init", "invoke")
    ]
    states = [line for line in logged() if line.startswith("EXTENSION\tName: watcher\tState: ")]
    assert len(states) == 2


FAILS_ONCE = """
register("INVOKE", "SHUTDOWN")
next_event()
if os.path.exists("/tmp/{marker}"):
    next_event()
open("/tmp/{marker}", "w").close()
{failure}
"""


@pytest.mark.parametrize(
    ("failure", "error_type"),
    [
        ("sys.exit(1)", "Extension.Crash"),
        (
            "call('POST', 'exit/error', '', Lambda_Extension_Function_Error_Type='App.Gone')\n"
            "sys.exit()",
            "Extension.ExitError",
        ),
    ],
)
def test_an_extension_that_fails_in_an_invocation_fails_it_and_the_next_one_starts_anew(
    watched: MakeWatched,
    run: Run,
    activity: Activity,
    failure: str,
    error_type: str,
    tmp_path: Path,
) -> None:
    source = FAILS_ONCE.format(marker=f"{tmp_path.name}-{os.getpid()}", failure=failure)
    version = watched(
        "import threading\n"
        "def handler(event, context):\n"
        "    if event == 'wait':\n"
        "        threading.Event().wait(60)\n"
        "    return event",
        watcher=source,
        settings={"timeout_s": 30},
    )
    assert error_of(run(version, "wait"))[0] == error_type
    assert activity.wait_idle(60), activity.pending()
    assert run(version, "fine").payload == b'"fine"'


def test_a_timeout_ends_the_runtime_first_and_tells_the_extension_why(
    watched: MakeWatched, run: Run, activity: Activity, logged: Logged
) -> None:
    version = watched(
        "import signal, threading\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('asked to end', flush=True))\n"
        "def handler(event, context):\n    threading.Event().wait(60)",
        watcher=LOYAL,
        settings={"timeout_s": 1},
    )
    result = run(version)
    assert result.status is Status.TIMEOUT
    assert activity.wait_idle(60), activity.pending()
    assert events_of(logged())[-1]["shutdownReason"] == "timeout"
    assert "asked to end" not in logged()


def test_a_crash_of_the_runtime_is_a_failure_for_its_extensions(
    watched: MakeWatched, run: Run, activity: Activity, logged: Logged
) -> None:
    version = watched("import os\ndef handler(e, c):\n    os._exit(7)", watcher=LOYAL)
    assert error_of(run(version))[0] == "Runtime.ExitError"
    assert activity.wait_idle(60), activity.pending()
    assert events_of(logged())[-1]["shutdownReason"] == "failure"


HEARS_SIGNALS = """
import signal, sys
def end(number, frame):
    print("asked to end", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
def handler(event, context):
    return event
"""


def test_a_runtime_is_asked_to_end_only_beside_extensions(
    watched: MakeWatched,
    function: MakeFunction,
    run: Run,
    end: End,
    logged: Logged,
    tmp_path: Path,
) -> None:
    version = watched(HEARS_SIGNALS, watcher=LOYAL)
    run(version)
    end(version)
    lines = logged()
    assert lines.count("asked to end") == 1
    shutdown = next(line for line in lines if "SHUTDOWN" in line and "got" in line)
    assert lines.index("asked to end") < lines.index(shutdown)
    alone = function(HEARS_SIGNALS, runtime=RUNTIME, log_group=f"/tests/{tmp_path.name}")
    run(alone)
    end(alone)
    assert logged().count("asked to end") == 1


INTERNAL = """
import http.client, json, os, threading

heard = threading.Semaphore(0)

def watch(api, identity):
    while True:
        api.request("GET", "/2020-01-01/extension/event/next", headers=identity)
        event = json.loads(api.getresponse().read())
        print("watcher got", json.dumps(event), flush=True)
        heard.release()

def register(name, events):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    body = json.dumps({"events": events})
    api.request("POST", "/2020-01-01/extension/register", body, {"Lambda-Extension-Name": name})
    answer = api.getresponse()
    return api, answer, json.loads(answer.read())

api, answer, _ = register("inside", ["INVOKE"])
identity = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
threading.Thread(target=watch, args=(api, identity), daemon=True).start()

def handler(event, context):
    heard.acquire(timeout=10)
    return register("late", [])[2] if event == "register" else event
"""


def test_an_internal_extension_hears_of_invocations_and_late_ones_are_refused(
    watched: MakeWatched, run: Run, end: End, logged: Logged
) -> None:
    version = watched(INTERNAL)
    assert run(version, 1).payload == b"1"
    assert json.loads(run(version, "register").payload) == {
        "errorType": "Extension.RegistrationClosed",
        "errorMessage": "Extension registration closed already",
    }
    end(version)
    assert [event["eventType"] for event in events_of(logged())] == ["INVOKE", "INVOKE"]
    assert "EXTENSION\tName: inside\tState: Ready\tEvents: [INVOKE]" in logged()


def test_an_extension_shares_the_functions_variables_but_those_of_the_runtime(
    watched: MakeWatched, run: Run, logged: Logged
) -> None:
    source = """
    say("about", json.dumps(register()))
    say("variables", json.dumps(dict(os.environ)))
    say("where", os.getcwd())
    next_event()
    """
    version = watched(watcher=source, settings={"environment": {"MINE": "yes"}})
    run(version)
    told = dict(line.split(" ", 1) for line in logged() if line[:5] in ("about", "varia", "where"))
    assert json.loads(told["about"]) == {
        "functionName": "tested",
        "functionVersion": "$LATEST",
        "handler": "app.handler",
    }
    variables = json.loads(told["variables"])
    assert variables["MINE"] == "yes"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "tested"
    assert variables["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert not variables.keys() & {"_HANDLER", "AWS_EXECUTION_ENV", "_X_AMZN_TRACE_ID"}
    assert told["where"] == "/"


SHELL = """#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
id=$(curl -sS -D - -o /dev/null "$api/register" -H "Lambda-Extension-Name: $(basename "$0")" \\
  -d '{"events": ["INVOKE", "SHUTDOWN"]}' | grep -i lambda-extension-identifier \\
  | tr -d '[:space:]' | cut -d: -f2)
while true; do
  event=$(curl -sS "$api/event/next" -H "Lambda-Extension-Identifier: $id")
  echo "watcher got $event"
  case "$event" in *SHUTDOWN*) exit ;; esac
done
"""


def test_a_shell_script_with_curl_is_an_extension(
    watched: MakeWatched, run: Run, end: End, logged: Logged
) -> None:
    version = watched(watcher=SHELL)
    assert run(version, 1).payload == b"1"
    end(version)
    assert [event["eventType"] for event in events_of(logged())] == ["INVOKE", "SHUTDOWN"]


STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
register("SHUTDOWN")
say("pid", os.getpid())
next_event()
say("told")
meet("never")
"""


@pytest.mark.usefixtures("as_in_lambda")
def test_who_does_not_end_in_time_is_killed(
    watched: MakeWatched,
    run: Run,
    gate: Gate,
    end: End,
    logged: Logged,
) -> None:
    version = watched(
        "import signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "def handler(event, context):\n    return event",
        watcher=STUBBORN,
    )
    run(version)
    started = time.monotonic()
    end(version)
    assert time.monotonic() - started > 1.9
    assert "told" in logged()


@pytest.mark.usefixtures("as_in_lambda")
def test_at_the_stop_the_extensions_of_all_environments_are_told_at_once(
    watched: MakeWatched, make_environments: Callable[[], Environments], logged: Logged
) -> None:
    environments = make_environments()
    version = watched(
        watcher="""
        register("SHUTDOWN")
        say("watcher got", json.dumps(next_event()))
        meet("never")
        """
    )
    for _ in range(3):
        assert environments.prepare(version).failure is None
    environments.stop()
    told = events_of(logged())
    assert [event["shutdownReason"] for event in told] == ["spindown"] * 3
    deadlines_ms = [int(str(event["deadlineMs"])) for event in told]
    assert max(deadlines_ms) - min(deadlines_ms) < 2000  # not one after the other


def test_the_memory_of_extensions_counts(watched: MakeWatched, run: Run) -> None:
    source = """
    register("INVOKE")
    kept = b"x" * (100 * 1024 * 1024)
    while True:
        next_event()
    """
    result = run(watched(watcher=source, settings={"memory_mib": 512}), wants_log=True)
    assert result.max_memory_mib is None or result.max_memory_mib > 100


def test_a_caller_that_does_not_read_costs_no_environment_with_extensions(
    watched: MakeWatched, run: Run, activity: Activity
) -> None:
    settings = {"file": "bootstrap", "mode": 0o755, "runtime": "provided.al2023", "timeout_s": 1}
    version = watched(IN_PYTHON, settings=settings, watcher=LOYAL)
    run(version)
    channel = ResponseChannel()
    result = run(version, {"blocks": 1_000}, sink=channel)
    channel.finish(result)  # the extension has its shutdown phase meanwhile
    assert result.status is Status.TIMEOUT
    assert activity.wait_idle(60), activity.pending()
    assert run(version).environment_id == result.environment_id
    assert activity.wait_idle(60), activity.pending()
