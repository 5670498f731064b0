"""SnapStart: environments that begin as copies of an initialised one."""

import json
import os
import signal
import socket
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from emulator.model import FunctionVersion, InvocationResult, LambdaError, limits
from emulator.model.snapshot import SnapshotOutcome
from emulator.observe import Activity, LogBook
from emulator.sandbox import Environments, snapshot_environments
from emulator.sandbox.snapshot_environments import SnapshotEnvironment
from tests.end_to_end.processes import wait_until
from tests.sandbox.conftest import MakeFunction, Run, needs_namespaces
from tests.sandbox.test_environment import error_of
from tests.sandbox.test_freezing import is_frozen, members

Snap = Callable[..., tuple[FunctionVersion, SnapshotOutcome]]


@pytest.fixture(scope="module", params=[True, False], ids=["namespaces", "plain"])
def isolate(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def snap(function: MakeFunction, environments: Environments, activity: Activity) -> Snap:
    """Make a function version and take its snapshot: `snap(source)`."""
    outcomes = {}
    environments.snapshots.subscribe(
        lambda version, outcome: outcomes.update({version.deployment: outcome})
    )

    def make(source: str, **settings: Any) -> tuple[FunctionVersion, SnapshotOutcome]:
        settings = {"version": "7", "snap_start": True, "timeout_s": 20, **settings}
        version = function(source, **settings)
        environments.take_snapshot(version)
        assert activity.wait_idle(20), activity.pending()
        return version, outcomes[version.deployment]

    return make


@pytest.fixture
def run_two(run: Run) -> Callable[..., list[Any]]:
    """Run two invocations at the same time, so in two environments; return their results.

    The event is a port at which the handler waits until both run.
    """

    def run_both(version: FunctionVersion) -> list[Any]:
        with ThreadPoolExecutor(2) as callers, socket.create_server(("127.0.0.1", 0)) as gate:
            gate.settimeout(20)
            calls = [callers.submit(run, version, gate.getsockname()[1]) for _ in range(2)]
            for visitor in [gate.accept()[0] for _ in calls]:
                visitor.close()
        return [json.loads(call.result().payload) for call in calls]

    return run_both


def log_of(result: InvocationResult) -> str:
    return result.log.text.decode()


COUNTING = """
import os
from snapshot_restore_py import register_after_restore, register_before_snapshot
calls = ["init"]
register_before_snapshot(calls.append, "registered first")
register_after_restore(calls.append, "restored first")
@register_before_snapshot
def before():
    calls.append("registered last")
register_after_restore(lambda *, word: calls.append(word), word="restored last")
def handler(event, context):
    calls.append("invoked")
    return [calls, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
"""


def test_the_init_phase_runs_once_and_hooks_around_the_snapshot(snap: Snap, run: Run) -> None:
    version, outcome = snap(COUNTING)
    assert outcome == SnapshotOutcome(is_taken=True)
    hooks = ["registered last", "registered first", "restored first", "restored last"]
    first, second = run(version), run(version)
    assert json.loads(first.payload) == [["init", *hooks, "invoked"], "snap-start"]
    assert json.loads(second.payload)[0] == ["init", *hooks, "invoked", "invoked"]
    assert first.environment_id == second.environment_id
    lines = log_of(first).splitlines()
    words = "RESTORE_START RESTORE_REPORT START END REPORT"
    assert " ".join(line.split()[0] for line in lines) == words
    assert lines[1] == f"RESTORE_REPORT Restore Duration: {first.restore_ms:.2f} ms"
    assert f"Restore Duration: {first.restore_ms:.2f} ms\tBilled Restore Duration: " in lines[-1]
    assert "Init Duration" not in lines[-1]
    assert "Restore" not in log_of(second)
    assert second.restore_ms is None


def test_a_json_log_has_the_records_of_a_restore(snap: Snap, run: Run) -> None:
    version, _ = snap(COUNTING, log_format="JSON", system_log_level="DEBUG")
    result = run(version)
    records = [json.loads(line) for line in log_of(result).splitlines()]
    assert [each["type"].partition(".")[2] for each in records] == [
        *("restoreStart", "restoreRuntimeDone", "restoreReport"),
        *("start", "runtimeDone", "report"),
    ]
    start, done, report, _, _, last = [each["record"] for each in records]
    assert (start["functionName"], start["functionVersion"]) == (version.name, "7")
    assert done == {"status": "success"}
    assert report["status"] == "success"
    assert last["metrics"]["restoreDurationMs"] == report["metrics"]["durationMs"]
    assert 0 <= last["metrics"]["billedRestoreDurationMs"] <= report["metrics"]["durationMs"] + 1


def test_files_of_the_init_phase_are_there_for_each_environment_alone(
    snap: Snap, run_two: Callable[..., list[Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    version, _ = snap(
        """
        import os, socket, tempfile
        folder = tempfile.mkdtemp()
        path = os.path.join(folder, "made")
        with open(path, "w") as file:
            file.write("one\\ntwo\\n")
        os.symlink("made", os.path.join(folder, "link"))
        own = open(path)
        code = open(__file__)
        def handler(event, context):
            socket.create_connection(("127.0.0.1", event)).recv(1)
            here = os.path.join(tempfile.gettempdir(), os.path.basename(folder))
            with open(os.path.join(here, "link"), "a") as file:
                file.write("mine\\n")
            now = open(here + "/made").read()
            return [sorted(os.listdir(here)), own.readline(), code.read(11), now]
        """
    )
    answers = run_two(version)
    assert answers == [[["link", "made"], "one\n", "\nimport os,", "one\ntwo\nmine\n"]] * 2


def test_connections_end_where_the_snapshot_is_taken(snap: Snap, run: Run) -> None:
    with_listener = """
        import socket
        listener = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        socket.setdefaulttimeout(0.05)
        def handler(event, context):
            return [client.recv(1).decode(), server.recv(1).decode()]
    """
    version, _ = snap(with_listener)
    for _ in range(2):
        assert json.loads(run(version).payload) == ["", ""]
        threading.Event().wait(0.1)  # longer than the default that is not for the runtime


def test_event_loops_of_the_init_phase_belong_to_each_environment_alone(
    snap: Snap, run_two: Callable[..., list[Any]]
) -> None:
    version, _ = snap(
        """
        import asyncio, socket, threading
        loop = asyncio.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))
        async def wait():
            woken = 0
            for _ in range(100):
                done = loop.create_future()
                threading.Timer(0.001, loop.call_soon_threadsafe, [done.set_result, 1]).start()
                woken += await asyncio.wait_for(done, 10)
            return woken
        def handler(event, context):
            socket.create_connection(("127.0.0.1", event)).recv(1)
            return loop.run_until_complete(wait())
        """
    )
    assert run_two(version) == [100, 100]


def test_random_numbers_go_on_as_in_lambda_where_all_copies_have_the_same(
    snap: Snap, run_two: Callable[..., list[Any]]
) -> None:
    source = """
        import random, socket, uuid
        def handler(event, context):
            socket.create_connection(("127.0.0.1", event)).recv(1)
            return [random.random(), str(uuid.uuid4())]
    """
    version, _ = snap(source)
    (number, identity), (other_number, other_identity) = run_two(version)
    assert number == other_number
    assert identity != other_identity


def test_threads_of_the_init_phase_are_told_and_stand_still(snap: Snap, run: Run) -> None:
    version, outcome = snap(
        """
        import threading, time
        beats = []
        def beat():
            while True:
                beats.append(1)
                time.sleep(0.001)
        thread = threading.Thread(target=beat, name="heart", daemon=True)
        thread.start()
        def handler(event, context):
            count = len(beats)
            time.sleep(0.05)
            return [thread.is_alive(), len(beats) - count]
        """
    )
    assert outcome == SnapshotOutcome(is_taken=True, threads=("heart",))
    assert json.loads(run(version).payload) == [False, 0]


@pytest.mark.parametrize(
    ("hook", "error"),
    [("raise ValueError('no')", "ValueError: no"), ("raise SystemExit(3)", "SystemExit: 3")],
)
def test_a_hook_that_fails_after_the_restore_is_the_callers_error(
    snap: Snap, run: Run, hook: str, error: str, log_book: LogBook
) -> None:
    source = f"""
        from snapshot_restore_py import register_after_restore
        @register_after_restore
        def after():
            {hook}
        def handler(event, context):
            return "never"
    """
    version, _ = snap(source, log_group=f"/tests/{uuid.uuid4()}")
    for _ in range(2):
        with pytest.raises(LambdaError) as caught:
            run(version)
        assert caught.value.code == "SnapStartException"
        assert error in caught.value.message
    lines = [event.message for event in log_book.tail(version.log_group).events]
    ends = "ms\tStatus: error\tError Type: Runtime.AfterRestoreError"
    assert [line.endswith(ends) for line in lines if "RESTORE_REPORT" in line] == [True, True]


def test_a_restore_takes_ten_seconds_at_most(
    snap: Snap, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits.RESTORE_TIMEOUT_S == 10
    monkeypatch.setattr(snapshot_environments, "RESTORE_TIMEOUT_S", 0.2)
    version, _ = snap(
        """
        import time
        from snapshot_restore_py import register_after_restore
        register_after_restore(time.sleep, 60)
        def handler(event, context):
            return "never"
        """
    )
    with pytest.raises(LambdaError) as caught:
        run(version)
    assert caught.value.code == "SnapStartTimeoutException"


FAILURES = {
    "before hook": (
        "from snapshot_restore_py import register_before_snapshot\n"
        "register_before_snapshot(int, 'x')\ndef handler(*_):\n    pass",
        "FunctionError.RuntimeInitError",
        "ValueError: invalid literal for int() with base 10: 'x'",
    ),
    "init": (
        "raise KeyError('k')",
        "FunctionError.RuntimeInitError",
        "KeyError: 'k'",
    ),
    "exit": (
        "import os\nos._exit(4)",
        "FunctionError.RuntimeInitError",
        "Runtime.ExitError: RequestId:  Error: Runtime exited with error: exit status 4",
    ),
    "memory": (
        "hoard = []\nwhile True:\n    hoard.append(b'x' * 10_000_000)",
        "FunctionError.InitResourceExhausted",
        "Runtime.ExitError: RequestId:  Error: Runtime exited with error: signal: killed",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_an_init_phase_that_fails_leaves_no_snapshot(snap: Snap, case: str) -> None:
    source, code, reason = FAILURES[case]
    _, outcome = snap(source)
    assert outcome == SnapshotOutcome(is_taken=False, reason=reason, reason_code=code)


@pytest.mark.parametrize("runtime", ["java21", "dotnet8"])
def test_other_languages_have_no_snapshot(snap: Snap, runtime: str) -> None:
    _, outcome = snap("", runtime=runtime)
    reason = f"only Python's processes can be copied here, not {runtime}'s"
    assert outcome == SnapshotOutcome(is_taken=False, reason=reason)


def test_a_function_may_ignore_signals_and_have_modules_of_any_name(snap: Snap, run: Run) -> None:
    version, _ = snap(
        """
        import signal, sys, types
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        for name in ("asyncio", "random", "tempfile"):
            sys.modules[name] = types.ModuleType(name)
        def handler(event, context):
            if event == "exit":
                sys.exit(5)
            return signal.getsignal(signal.SIGCHLD).name
        """
    )
    for _ in range(2):
        assert json.loads(run(version).payload) == "SIG_IGN"
        assert "exit status 5" in error_of(run(version, "exit"))[1]


def test_where_nothing_can_be_copied_each_environment_initialises(snap: Snap, run: Run) -> None:
    source = """
        import os
        def handler(event, context):
            return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
    """
    version, outcome = snap(source, environment={"PYTHONHASHSEED": "3"})
    assert (outcome.is_taken, outcome.has_failed) == (False, False)
    assert "only a Python that starts" in outcome.reason
    assert json.loads(run(version).payload) == "on-demand"


def test_after_a_crash_the_next_invocation_has_a_new_copy(snap: Snap, run: Run) -> None:
    version, _ = snap(
        """
        import os, subprocess
        calls = []
        def handler(event, context):
            calls.append(event)
            if event == "crash":
                subprocess.Popen(["sleep", "600.7"], start_new_session=True)
                os._exit(9)
            return calls
        """
    )
    assert json.loads(run(version, 1).payload) == [1]
    assert error_of(run(version, "crash"))[0] == "Runtime.ExitError"
    again = run(version, 2)
    assert json.loads(again.payload) == [2]
    assert again.restore_ms is not None
    assert not [each for each in psutil.process_iter(["cmdline"]) if "600.7" in cmdline(each)]


def cmdline(process: psutil.Process) -> list[str]:
    return process.info["cmdline"] or []


def test_a_snapshot_whose_process_was_killed_is_taken_again(
    snap: Snap, run: Run, environments: Environments
) -> None:
    version, _ = snap(
        """
        import time
        def handler(event, context):
            time.sleep(0.2)  # so that three callers need three environments
        """
    )

    def source() -> SnapshotEnvironment:
        found = environments.snapshots._snapshots[version.deployment].source.result()
        assert found is not None
        return found

    run(version)
    killed = source()
    (pid, *_) = killed._processes.roots()
    os.kill(pid, signal.SIGKILL)

    def are_served() -> bool:
        with ThreadPoolExecutor(3) as callers:
            results = list(callers.map(lambda _: run(version), range(3)))
        # Who got an environment that was about to end with the snapshot has heard of that.
        return all(result.function_error is None for result in results)

    assert wait_until(are_served)
    assert source() is not killed


def test_memory_is_limited_as_elsewhere(snap: Snap, run: Run) -> None:
    version, _ = snap(
        """
        ballast = b"x" * 60_000_000
        def handler(event, context):
            hoard = []
            while event:
                hoard.append(b"x" * 10_000_000)
        """,
        memory_mib=128,
    )
    result = run(version, 0)
    assert result.max_memory_mib is None or 60 < result.max_memory_mib < 128
    if result.max_memory_mib is not None:
        assert run(version, 1).error_type == "Runtime.OutOfMemory"


def test_a_retired_version_keeps_nothing(
    snap: Snap, run: Run, environments: Environments, activity: Activity
) -> None:
    version, _ = snap(
        """
        import socket
        def handler(event, context):
            return socket.create_connection(("127.0.0.1", event)).recv(9).decode()
        """
    )
    with ThreadPoolExecutor(1) as caller, socket.create_server(("127.0.0.1", 0)) as gate:
        gate.settimeout(10)
        call = caller.submit(run, version, gate.getsockname()[1])
        visitor, _ = gate.accept()
        environments.retire(version)
        visitor.sendall(b"go on")
        visitor.close()
        assert call.result().payload == b'"go on"'
    assert activity.wait_idle(10)
    assert environments.settle()
    assert version.deployment not in environments.snapshots._snapshots
    assert version not in [each.version for each in environments._alive]


def test_restored_environments_rest_between_invocations(
    snap: Snap, run: Run, environments: Environments
) -> None:
    version, _ = snap(
        """
        import subprocess
        def handler(event, context):
            if event:
                subprocess.Popen(["sleep", "600"], start_new_session=True)
            return "there"
        """
    )
    run(version, 1)
    (environment,) = [
        each
        for each in environments._alive
        if each.is_restored and each.version.deployment == version.deployment
    ]
    for _ in range(2):
        assert wait_until(lambda: is_frozen(environment))
        assert len(members(environment)) >= 2
        assert run(version, 0).payload == b'"there"'
    there = members(environment)
    environments.retire(version)
    assert environments.settle()
    assert wait_until(lambda: not any(psutil.pid_exists(pid) for pid in there))


@needs_namespaces
def test_environments_of_one_snapshot_do_not_see_each_other(
    snap: Snap, run: Run, isolate: bool
) -> None:
    if not isolate:
        pytest.skip("what namespaces are for")
    version, _ = snap(
        """
        import errno, os, resource
        def full():
            try:
                with open("/tmp/large", "wb") as file:
                    for _ in range(60):
                        file.write(bytes(10_000_000))
            except OSError as error:
                return error.errno == errno.ENOSPC
            finally:
                os.unlink("/tmp/large")
        def handler(event, context):
            processes = [int(name) for name in os.listdir("/proc") if name.isdigit()]
            status = open("/proc/self/status").read()
            capabilities = status.partition("CapEff:")[2].split()[0].strip("0")
            return [
                sorted(processes), os.getpid(), full(), capabilities,
                resource.getrlimit(resource.RLIMIT_NPROC), os.path.exists(event),
                open("/dev/stdout", "w").closed, os.access("/var/task", os.W_OK),
            ]
        """
    )
    processes, pid, *rest = json.loads(run(version, __file__).payload)
    assert processes == sorted([1, pid])
    assert rest == [True, "", [1024, 1024], False, False, False]
