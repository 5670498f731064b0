"""`--data-dir`: what was acknowledged is there after `kill -9`."""

import itertools
import signal
import socketserver
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from typing_extensions import override

from tests.end_to_end.calls import invoke
from tests.end_to_end.project_folder import RUNTIME, ProjectFolder
from tests.end_to_end.test_function_life import ROLE, archive
from tests.running_emulator import REPOSITORY, RunningEmulator, running_emulator, started_emulator

EVENTS = 2_000
CALLERS = 32
NOTING = """
import os, socket, time

def handler(event, context):
    time.sleep(3 if event % 500 >= 480 else 0)  # so of the last ones some have not run yet
    with socket.create_connection(("127.0.0.1", int(os.environ["NOTES"]))) as notes:
        notes.sendall(f"{event} {context.aws_request_id}\\n".encode())
        notes.shutdown(socket.SHUT_WR)
        notes.recv(1)  # closed: it is noted
"""
FAILING = """
def handler(event, context):
    raise ValueError("as ever")
"""
PUBLISHER = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/mine/0123456789"
NEW: dict[str, Any] = {"Runtime": RUNTIME, "Handler": "app.handler", "Role": ROLE}

# The connections of a killed emulator: urllib3 leaves them to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

Start = Callable[[], AbstractContextManager[RunningEmulator]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path) -> ProjectFolder:
    return ProjectFolder(tmp_path / "project")


@pytest.fixture
def start(folder: ProjectFolder, data: Path) -> Start:
    """Start an emulator that the test may kill."""
    return partial(started_emulator, folder.path, "--data-dir", str(data))


class Notes:
    """What functions noted, outside of any emulator: a line for each connection."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        notes = self

        class Handler(socketserver.StreamRequestHandler):
            @override
            def handle(self) -> None:
                notes.lines.extend(self.rfile.read().decode().splitlines())

        class Server(socketserver.ThreadingTCPServer):
            request_queue_size = 1_000  # all functions may come at once
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)

    @property
    def ran(self) -> list[tuple[int, str]]:
        """Each event that ran, with its request id."""
        return [(int(number), id_) for number, id_ in (line.split() for line in self.lines)]


@pytest.fixture
def notes(folder: ProjectFolder) -> Iterator[Notes]:
    notes = Notes()
    thread = threading.Thread(target=notes.server.serve_forever, args=(0.01,))
    thread.start()
    port = notes.server.server_address[1]
    folder.add("noting", NOTING, f'timeout_s = 30\nenvironment = {{ NOTES = "{port}" }}')
    yield notes
    notes.server.shutdown()
    thread.join()
    notes.server.server_close()


def kill(emulator: RunningEmulator) -> None:
    emulator.process.send_signal(signal.SIGKILL)
    emulator.process.wait(10)


def send_until_killed(emulator: RunningEmulator, stop_at: int) -> dict[int, str]:
    """Send events from many threads, kill the emulator on the way: what was acknowledged."""
    functions = emulator.client(
        "lambda", config=Config(max_pool_connections=CALLERS, retries={"total_max_attempts": 1})
    )
    numbers = itertools.count()
    acknowledged: dict[int, str] = {}

    def send() -> None:
        while (number := next(numbers)) < EVENTS:
            try:
                answer = functions.invoke(
                    FunctionName="noting", InvocationType="Event", Payload=str(number)
                )
            except (BotoCoreError, ClientError, OSError):
                return  # killed: nobody knows what became of this one
            acknowledged[number] = answer["ResponseMetadata"]["RequestId"]
            if len(acknowledged) >= stop_at:
                emulator.process.kill()  # here and now

    with ThreadPoolExecutor(CALLERS) as callers:
        running = [callers.submit(send) for _ in range(CALLERS)]
        for each in running:
            each.result()
    emulator.process.wait(10)
    return acknowledged


@pytest.mark.parametrize(
    "stop_at", [pytest.param(EVENTS // 4, id="while accepting"), pytest.param(EVENTS, id="after")]
)
def test_every_acknowledged_event_runs_though_the_emulator_was_killed(
    start: Start, notes: Notes, stop_at: int
) -> None:
    with start() as emulator:
        acknowledged = send_until_killed(emulator, stop_at)
    assert len(acknowledged) >= stop_at
    assert len(notes.ran) < len(acknowledged), "it was not in the middle"

    with start() as emulator:
        emulator.settle()
        ran = notes.ran
        assert dict(ran).items() >= acknowledged.items()
        assert max(Counter(ran).values()) <= 2  # what ran while it was killed runs again
        kill(emulator)

    with start() as emulator:
        emulator.settle()
    assert len(notes.ran) == len(ran)  # what ran is over


def test_a_retry_comes_after_the_restart_with_its_number_and_its_id(
    start: Start, folder: ProjectFolder
) -> None:
    folder.add("failing", FAILING)
    with start() as emulator:
        answer = emulator.client("lambda").invoke(FunctionName="failing", InvocationType="Event")
        emulator.settle()  # its first attempt is over
        kill(emulator)
    with start() as emulator:
        emulator.wait_for_output("events.resumed events=1")
        assert emulator.invocations("failing") == []
        for seconds in (60, 120):
            emulator.advance(seconds)
            emulator.settle()
        emulator.wait_for_output("event.given_up function=failing")
        third, second = emulator.invocations("failing")
    assert [second["attempt"], third["attempt"]] == [2, 3]
    assert second["request_id"] == third["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert third["accepted_at"] == second["accepted_at"]


def test_a_clean_stop_keeps_what_is_pending_and_says_so(folder: ProjectFolder, data: Path) -> None:
    folder.add("failing", FAILING)
    with running_emulator(folder.path, "--data-dir", str(data)) as first:
        first.client("lambda").invoke(FunctionName="failing", InvocationType="Event")
        first.settle()
    assert f"1 accepted event waits in {data} for the next start." in first.output
    with running_emulator(folder.path, "--data-dir", str(data)) as second:
        second.advance(60)
        second.settle()
        assert second.invocations("failing")[0]["attempt"] == 2


def test_functions_are_the_same_after_the_emulator_was_killed(start: Start) -> None:
    def pages(functions: Any) -> list[Any]:
        answers = [
            functions.get_function(FunctionName="made"),
            functions.list_versions_by_function(FunctionName="made"),
            functions.get_policy(FunctionName="made"),
            functions.get_function_event_invoke_config(FunctionName="made"),
            functions.get_function_concurrency(FunctionName="made"),
            functions.list_code_signing_configs(),
            functions.get_function_code_signing_config(FunctionName="made"),
            functions.get_layer_version_policy(LayerName="shared", VersionNumber=1),
        ]
        for answer in answers:
            del answer["ResponseMetadata"]
            answer.pop("Code", None)
        return answers

    with start() as emulator:
        functions = emulator.client("lambda")
        code = {"ZipFile": archive({"app.py": "handler = lambda event, context: 'kept'"})}
        functions.create_function(
            FunctionName="made", Code=code, Publish=True, Tags={"team": "a"}, **NEW
        )
        functions.get_waiter("function_active_v2").wait(FunctionName="made")
        functions.update_function_configuration(FunctionName="made", Timeout=9)
        functions.get_waiter("function_updated_v2").wait(FunctionName="made")
        functions.add_permission(
            FunctionName="made", StatementId="s", Action="lambda:InvokeFunction", Principal="*"
        )
        functions.put_function_event_invoke_config(FunctionName="made", MaximumRetryAttempts=0)
        functions.put_function_concurrency(FunctionName="made", ReservedConcurrentExecutions=3)
        signing = functions.create_code_signing_config(
            AllowedPublishers={"SigningProfileVersionArns": [PUBLISHER]}, Tags={"team": "b"}
        )["CodeSigningConfig"]["CodeSigningConfigArn"]
        functions.put_function_code_signing_config(
            FunctionName="made", CodeSigningConfigArn=signing
        )
        functions.publish_layer_version(LayerName="shared", Content=code)
        functions.add_layer_version_permission(
            LayerName="shared",
            VersionNumber=1,
            StatementId="s",
            Action="lambda:GetLayerVersion",
            Principal="*",
        )
        functions.create_function(FunctionName="gone", Code=code, **NEW)
        functions.delete_function(FunctionName="gone")
        before = pages(functions)
        kill(emulator)
    with start() as emulator:
        functions = emulator.client("lambda")
        assert pages(functions) == before
        assert functions.list_tags(Resource=signing)["Tags"] == {"team": "b"}
        assert invoke(functions, "made").result == "kept"
        assert invoke(functions, "made", Qualifier="1").result == "kept"
        assert len(functions.list_functions()["Functions"]) == 1


def test_the_project_has_the_last_word_and_a_reset_empties_what_is_kept(
    start: Start, folder: ProjectFolder
) -> None:
    source = folder.add("own", "def handler(event, context): return 'first'")
    folder.add("former", "def handler(event, context): pass")
    code = {"ZipFile": archive({"app.py": "handler = lambda event, context: 'made'"})}
    with start() as emulator:
        functions = emulator.client("lambda")
        functions.publish_version(FunctionName="own")
        functions.create_function(FunctionName="made", Code=code, **NEW)
        functions.create_code_signing_config(
            AllowedPublishers={"SigningProfileVersionArns": [PUBLISHER]}
        )
        kill(emulator)
    source.write_text("def handler(event, context): return 'second'")
    folder.remove("former")
    with start() as emulator:
        functions = emulator.client("lambda")
        assert invoke(functions, "own").result == "second"
        assert invoke(functions, "own", Qualifier="1").result == "first"
        names = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
        assert names == ["made", "own"]
        emulator.reset()
        kill(emulator)
    with start() as emulator:
        functions = emulator.client("lambda")
        assert functions.list_code_signing_configs()["CodeSigningConfigs"] == []
        listed = functions.list_functions(FunctionVersion="ALL")["Functions"]
        assert [(each["FunctionName"], each["Version"]) for each in listed] == [("own", "$LATEST")]


def test_a_kill_in_the_middle_of_changes_leaves_none_of_them_half(start: Start) -> None:
    """Each caller changes a function of its own; what it was told last, or the next, is there."""
    is_enough = threading.Semaphore(0)
    with start() as emulator, ThreadPoolExecutor(8) as callers:
        told = [
            callers.submit(_change_until_killed, emulator, f"f{n}", is_enough.release)
            for n in range(8)
        ]
        for _ in range(60):
            assert is_enough.acquire(timeout=30), "nothing much has happened"
        kill(emulator)
        last = [each.result() for each in told]
    with start() as emulator:
        functions = emulator.client("lambda")
        for number, timeout_s in enumerate(last):
            name = f"f{number}"
            shown = functions.get_function(FunctionName=name)["Configuration"]
            assert shown["Timeout"] in (timeout_s, timeout_s + 1)
            versions = functions.list_versions_by_function(FunctionName=name)["Versions"]
            assert [each["Version"] for each in versions[1:]] == [
                str(each + 1) for each in range(len(versions) - 1)
            ]
            assert invoke(functions, name).result == "made"


def _change_until_killed(
    emulator: RunningEmulator, name: str, has_changed: Callable[[], None]
) -> int:
    functions = emulator.client("lambda")
    code = {"ZipFile": archive({"app.py": "handler = lambda event, context: 'made'"})}
    timeout_s = 1
    try:
        functions.create_function(FunctionName=name, Code=code, Timeout=1, **NEW)
        while timeout_s < 900:
            functions.get_function(FunctionName=name)  # it is settled then
            functions.update_function_configuration(FunctionName=name, Timeout=timeout_s + 1)
            timeout_s += 1
            has_changed()
            functions.get_function(FunctionName=name)
            functions.publish_version(FunctionName=name)
    except (BotoCoreError, ClientError, OSError):
        return timeout_s
    return timeout_s


def test_a_second_emulator_on_the_folder_is_refused(start: Start, data: Path) -> None:
    command = [sys.executable, "-m", "emulator", "start", "--port", "0", "--data-dir", str(data)]
    with start() as emulator:
        second = subprocess.run(
            [*command, str(data)],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 2
        assert f"in use by another emulator (process {emulator.process.pid})" in second.stderr
        assert "Stop that one, or choose another folder." in second.stderr
