"""Between invocations nothing of an environment runs; at the next one all of it goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.observe import LogBook
from emulator.sandbox import Credentials, Environments, Launcher, suspension
from emulator.sandbox.environment import Environment
from emulator.sandbox.freezing import Rest
from emulator.sandbox.memory import family
from emulator.sandbox.suspension import ControlGroups, SignalSuspension
from tests.end_to_end.processes import wait_until
from tests.sandbox.conftest import MakeFunction, Run, Terminal, needs_namespaces

# Four processes and a thread that count on: a child, one in a session of its own, and an orphan.
COUNTERS = """
import os, subprocess, sys, threading, time
COUNT = '''
import time
while True:
    with open("/tmp/{}", "a") as file:
        file.write("x")
    time.sleep(0.002)
'''
def start(name, **more):
    subprocess.Popen([sys.executable, "-S", "-c", COUNT.format(name)], **more)
def handler(event, context):
    if event == "start":
        threading.Thread(target=exec, args=(COUNT.format("thread"), {}), daemon=True).start()
        start("child")
        start("session", start_new_session=True)
        if os.fork() == 0:
            start("orphan", start_new_session=True)
            os._exit(0)
        os.wait()
        while len(os.listdir("/tmp")) < 4:
            time.sleep(0.01)
    return {name: os.path.getsize("/tmp/" + name) for name in sorted(os.listdir("/tmp"))}
"""
IDENTITY = "import os\ndef handler(e, c):\n    return os.getpid()\n"

pytestmark = [needs_namespaces]


def has_groups() -> bool:
    groups = ControlGroups()
    has_one = not isinstance(groups.suspension(), SignalSuspension)
    groups.close()
    return has_one


needs_groups = pytest.mark.skipif(not has_groups(), reason="no control group may be made here")


@pytest.fixture(scope="module", params=["signals", pytest.param("groups", marks=needs_groups)])
def environments(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    terminal: Terminal,
    log_book: LogBook,
) -> Iterator[Environments]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "signals":
            patch.setattr(suspension, "_own_group", lambda: None)
        made = make_environments(tmp_path_factory.mktemp("run"), terminal, log_book)
    yield made
    made.stop()


def make_environments(
    run_folder: Path, terminal: Terminal, log_book: LogBook, *, freeze: bool = True
) -> Environments:
    credentials = Credentials(access_key="AKID", secret_key="secret", session_token="token")
    launcher = Launcher(
        run_folder=run_folder,
        endpoint_url=lambda: "http://127.0.0.1:4566",
        credentials=lambda version: credentials,
        report=terminal.report,
    )
    return Environments(
        backend=launcher,
        run_folder=run_folder,
        log_book=log_book,
        listener=terminal,
        freeze=freeze,
    )


def the_only_one(environments: Environments, version: object) -> Environment:
    (found,) = [each for each in environments._alive if each.version is version]
    return found


def members(environment: Environment) -> list[int]:
    return [pid for root in environment._processes.roots() for pid in family(root)]


def is_frozen(environment: Environment) -> bool:
    """Tell whether none of its processes can run, as the kernel says."""
    return environment.rest.is_frozen and all(map(is_suspended, members(environment)))


def is_suspended(pid: int) -> bool:
    if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
        return True
    own = Path(f"/proc/{pid}/cgroup").read_text().rpartition("0::")[2].strip()
    (mount,) = {
        line.split()[1]
        for line in Path("/proc/mounts").read_text().splitlines()
        if "cgroup2" in line
    }
    events = Path(mount, own.lstrip("/"), "cgroup.events")
    return events.exists() and "frozen 1" in events.read_text()


def test_threads_children_sessions_and_orphans_rest_and_go_on(
    function: MakeFunction, run: Run, environments: Environments
) -> None:
    version = function(COUNTERS, timeout_s=20)
    run(version, "start")
    environment = the_only_one(environments, version)
    for _ in range(3):
        assert wait_until(lambda: is_frozen(environment))
        assert len(members(environment)) == 5  # and the one that adopts orphans
        counted = json.loads(run(version).payload)
        assert set(counted) == {"child", "orphan", "session", "thread"}
        grown = counted
        while any(grown[name] <= counted[name] for name in counted):
            grown = json.loads(run(version).payload)
    environments.retire(version)
    environments.settle()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in members(environment))


def test_a_process_that_ends_while_frozen_is_started_anew(
    function: MakeFunction, run: Run, environments: Environments
) -> None:
    version = function(IDENTITY)
    first = run(version)
    environment = the_only_one(environments, version)
    assert wait_until(lambda: is_frozen(environment))
    runtime = environment._processes.roots()[0]
    os.kill(runtime, signal.SIGKILL)
    assert wait_until(lambda: not os.path.exists(f"/proc/{runtime}"))
    # What answered this lately is taken to be alive.
    assert wait_until(lambda: time.monotonic() > environment.idle_since_s + 0.1)
    again = run(version)
    assert again.environment_id == first.environment_id
    assert again.function_error is None
    assert wait_until(lambda: is_frozen(environment))
    assert run(version).payload == again.payload


def test_a_function_does_not_notice_that_it_was_frozen(
    function: MakeFunction, run: Run, environments: Environments
) -> None:
    version = function(
        """
        import os, signal
        seen = []
        for name in ("SIGCONT", "SIGCHLD", "SIGTERM", "SIGUSR1"):
            signal.signal(getattr(signal, name), lambda *_, name=name: seen.append(name))
        def handler(event, context):
            return seen
        """
    )
    run(version)
    environment = the_only_one(environments, version)
    for _ in range(3):
        assert wait_until(lambda: environment.rest.is_frozen)
        assert run(version).payload == b"[]"


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_what_node_has_left_in_its_event_loop_goes_on_at_the_next_thaw(
    function: MakeFunction, run: Run, environments: Environments
) -> None:
    version = function(
        """
        let fired = null
        exports.handler = async (event) => {
          if (event === 'start') setTimeout(() => { fired = Date.now() }, 300)
          return fired
        }
        """,
        file="index.js",
        handler="index.handler",
        runtime="nodejs20.x",
    )
    run(version)
    started = time.monotonic()
    run(version, "start")
    environment = the_only_one(environments, version)
    assert wait_until(lambda: is_frozen(environment))
    if time.monotonic() > started + 0.25:
        pytest.skip("the machine was so slow that the timer may have been first")
    assert wait_until(lambda: time.monotonic() > started + 0.4)  # it is due, and nothing happens
    thawed_ms = time.time() * 1000
    while (fired := json.loads(run(version).payload)) is None:
        pass
    assert fired >= thawed_ms - 1


def test_memory_is_read_of_a_frozen_environment(
    function: MakeFunction, run: Run, environments: Environments
) -> None:
    version = function(IDENTITY)
    run(version)
    environment = the_only_one(environments, version)
    assert wait_until(lambda: is_frozen(environment))
    used = run(version).max_memory_mib
    assert used is not None
    assert 10 < used < 100


def test_a_setting_leaves_everything_running(
    function: MakeFunction, tmp_path: Path, terminal: Terminal, log_book: LogBook
) -> None:
    environments = make_environments(tmp_path, terminal, log_book, freeze=False)
    try:
        version = function(IDENTITY)
        environments.prepare(version)
        environment = the_only_one(environments, version)
        assert environment.rest.is_idle
        assert not environment.rest.is_watched  # so nobody will ever freeze it
    finally:
        environments.stop()


@needs_groups
def test_groups_of_a_killed_emulator_are_removed_by_the_next() -> None:
    parent = suspension._own_group()
    assert parent is not None
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = parent / f"lambda-emulator-{ended.pid}"
    (left / "1").mkdir(parents=True)
    ControlGroups().close()
    assert not left.exists()


@pytest.mark.parametrize(
    ("idle_s", "is_awaited", "is_due"),
    [(0.005, False, False), (0.02, False, True), (0.02, True, False), (2.0, True, True)],
)
def test_what_is_awaited_rests_later_but_not_for_ever(
    idle_s: float, is_awaited: bool, is_due: bool
) -> None:
    rest = Rest(Switch(), list, lambda: is_awaited)
    rest.begin(100.0)
    assert (rest.left_s(100.0 + idle_s) <= 0) is is_due


class Switch:
    """Stands for processes: on or off."""

    def __init__(self) -> None:
        self.is_off = False

    def suspend(self, roots: object) -> None:
        self.is_off = True

    def resume(self) -> None:
        self.is_off = False

    def close(self) -> None:
        self.is_off = False


def test_what_is_lent_is_never_frozen_however_the_threads_meet() -> None:
    switch = Switch()
    rest = Rest(switch, list)
    is_over = threading.Event()

    def freeze() -> None:
        while not is_over.is_set():
            rest.freeze()

    freezer = threading.Thread(target=freeze)
    freezer.start()
    was_frozen = 0
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(20_000):
            rest.begin(0.0)
            if number % 100 == 0:
                assert wait_until(lambda: rest.is_frozen)
            rest.is_idle = False
            if rest.is_frozen:
                rest.thaw()
                was_frozen += 1
            assert not switch.is_off
    finally:
        sys.setswitchinterval(interval_s)
        is_over.set()
        freezer.join()
    assert was_frozen
