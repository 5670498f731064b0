import errno
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.control import CodeStore, FunctionSpec, FunctionStore
from emulator.model import DEFAULT_ACCOUNT, DEFAULT_REGION, Clock, FunctionVersion, LambdaError
from emulator.observe import Activity
from emulator.project import burst, snapshot, watch
from emulator.project.apply import ProjectDeployer
from emulator.project.reload import Reloader
from emulator.project.watch import Watcher

DEADLINE_S = 5
FINISHED = "reload.finished"
FUNCTION = '[functions.{0}]\ncode = "{0}"\nhandler = "app.handler"\nruntime = "python3.12"\n'


class Lines:
    """Stands in for the reporter: keeps events, and waits for the one that is wanted."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self.events: list[tuple[str, dict[str, Any]]] = []

    def event(self, name: str, **fields: object) -> None:
        with self._lock:
            self.events.append((name, fields))
            self._lock.notify_all()

    def wait(self, name: str, number: int = 1) -> dict[str, Any]:
        """Fields of the `number`th event of that name."""

        def found() -> list[dict[str, Any]]:
            return [fields for each, fields in self.events if each == name]

        with self._lock:
            assert self._lock.wait_for(lambda: len(found()) >= number, DEADLINE_S), self.events
            return found()[number - 1]


class Running:
    """A watched project on a real store; loading code means compiling its app.py."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines = Lines()
        self.activity = Activity(Clock())
        self.code = CodeStore(folder / ".packages")
        self.store = FunctionStore(Clock(), self.code)
        self.loaded: list[tuple[str, str]] = []
        self.load: Callable[[FunctionVersion], bytes | None] = self.compile
        self.deployer = ProjectDeployer(
            folder,
            self.store,
            self.code,
            bind=lambda trigger, arn: None,
            unbind=lambda trigger, arn: None,
            ensure=lambda resources: None,
        )
        reloader = Reloader(
            self.store,
            self.code,
            prepare=lambda version: self.load(version),
            reporter=self.lines,  # type: ignore[arg-type]  # has what is used of it
            activity=self.activity,
        )
        self.watcher = Watcher(
            self.store,
            self.deployer,
            reloader,
            reporter=self.lines,  # type: ignore[arg-type]  # has what is used of it
            activity=self.activity,
        )

    def start(self, *functions: str) -> None:
        for name in functions:
            self.write(f"{name}/app.py", "x = 0")
        self.write("emulator.toml", "".join(map(FUNCTION.format, functions)))
        self.deployer.apply()
        self.watcher.start()
        self.settle()

    def settle(self) -> None:
        self.watcher.catch_up()
        assert self.activity.wait_idle(DEADLINE_S), self.activity.pending()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def compile(self, version: FunctionVersion) -> bytes | None:
        path = version.code.folder / "app.py"
        text = path.read_text()
        self.loaded.append((version.name, text))
        try:
            compile(text, str(path), "exec")
        except SyntaxError as error:
            frame = f'  File "/var/task/app.py" Line {error.lineno}'
            failed = {"errorType": "Runtime.UserCodeSyntaxError", "errorMessage": error.msg}
            return json.dumps({**failed, "stackTrace": [frame]}).encode()
        return None

    def version(self, name: str) -> FunctionVersion:
        return self.store.resolve(DEFAULT_ACCOUNT, DEFAULT_REGION, name, None).version

    def reloads(self) -> list[tuple[str, object]]:
        """Function and what changed, of each reload so far, by function."""
        events = self.lines.events
        return sorted((e["function"], e["changed"]) for name, e in events if name == FINISHED)


def no_code(_version: FunctionVersion) -> bytes | None:
    raise LambdaError("InvalidZipFileException", "no code")


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    # Every root is known before the tests change a file, so no change is older than a scan.
    monkeypatch.setattr(snapshot, "TOLD_WITHIN_S", 0)
    running = Running(tmp_path)
    yield running
    running.watcher.stop()
    assert [name for name, _ in running.lines.events if name == "watch.failed"] == []


def test_a_save_reloads_that_function_alone(running: Running) -> None:
    running.start("f", "g")
    before = running.version("f").deployment, running.version("g").deployment
    running.write("f/app.py", "x = 1")
    told = running.lines.wait(FINISHED)
    assert (told["function"], told["changed"]) == ("f", "app.py")
    assert 0 < told["ms"] < 1000
    assert running.loaded == [("f", "x = 1")]
    assert running.version("f").deployment > before[0]
    assert running.version("g").deployment == before[1]


def test_no_caller_gets_through_between_the_save_and_the_new_code(running: Running) -> None:
    running.start("f")
    is_loading, may_go_on = threading.Event(), threading.Event()
    old = running.version("f").deployment

    def load(_version: FunctionVersion) -> bytes | None:
        is_loading.set()
        may_go_on.wait(DEADLINE_S)
        return None

    running.load = load
    running.write("f/app.py", "x = 1")
    assert is_loading.wait(DEADLINE_S)
    resolved: list[int] = []
    caller = threading.Thread(target=lambda: resolved.append(running.version("f").deployment))
    caller.start()
    caller.join(0.05)
    assert resolved == []
    may_go_on.set()
    caller.join(DEADLINE_S)
    assert resolved[0] > old


def test_a_caller_that_catches_up_first_never_gets_the_old_code(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "CATCH_UP_S", DEADLINE_S)  # a busy machine takes its time
    running.start("f")
    is_over = threading.Event()
    noise = threading.Thread(target=lambda: [sum(range(999)) for _ in iter(is_over.is_set, True)])
    noise.start()  # it has the interpreter while the event is waiting to be read
    try:
        for _ in range(50):
            old = running.version("f").deployment
            running.write("f/app.py", f"x = {old}")
            running.watcher.catch_up()
            assert running.version("f").deployment > old
            running.settle()
    finally:
        is_over.set()
        noise.join()


def test_a_syntax_error_is_told_with_file_and_line_and_the_next_good_save_heals(
    running: Running,
) -> None:
    running.start("f")
    running.write("f/app.py", "x = 1\ndef (\n")
    told = running.lines.wait("reload.failed")
    assert told["place"] == f"{running.folder}/f/app.py:2"
    assert told["error"].startswith("Runtime.UserCodeSyntaxError: ")
    running.write("f/app.py", "x = 2")
    assert running.lines.wait(FINISHED)["changed"] == "app.py"


def test_changes_without_new_content_reload_nothing(running: Running) -> None:
    running.start("f")
    app = running.write("f/app.py", "x = 0")
    app.chmod(0o755)
    os.utime(app, (1, 1))
    running.write("f/__pycache__/app.cpython-312.pyc", "x")
    running.write("f/node_modules/left-pad/index.js", "x")
    running.write("f/.app.py.swp", "x")
    running.write("f/4913", "").unlink()
    running.write("f/app.py.tmp", "x = 0").rename(app)
    running.settle()
    running.write("f/app.py", "x = 1")
    assert running.lines.wait(FINISHED)["changed"] == "app.py"
    assert len(running.lines.events) == 1


def test_a_file_that_somebody_keeps_writing_to_is_a_change_once_it_is_closed(
    running: Running,
) -> None:
    running.start("f")
    with (running.folder / "f" / "output.txt").open("w") as file:
        for _ in range(3):
            file.write("a line\n")
            file.flush()
            running.settle()
        assert running.lines.events == []
        assert (running.folder / "f" / "output.txt").read_text() == "a line\n" * 3
    assert running.lines.wait(FINISHED)["changed"] == "output.txt"


def test_a_file_that_is_linked_into_place_is_a_change(running: Running) -> None:
    running.start("f")
    os.link(running.write("elsewhere.py", "x = 1"), running.folder / "f" / "lib.py")
    assert running.lines.wait(FINISHED)["changed"] == "lib.py"


def test_a_branch_switch_over_hundreds_of_files_is_one_reload(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for quiet_s in ("QUIET_S", "LONGEST_QUIET_S"):  # a busy machine pauses between two files
        monkeypatch.setattr(burst, quiet_s, 0.5)
    running.start("f", "g")
    for number in range(300):
        running.write(f"f/pkg{number % 10}/m{number}.py", "x = 1")
    shutil.rmtree(running.folder / "f" / "pkg0")
    running.lines.wait(FINISHED)
    running.settle()
    assert running.reloads() == [("f", "pkg1/m1.py (+269 more)")]


def test_while_git_is_at_work_nothing_is_reloaded(running: Running) -> None:
    (running.folder / ".git").mkdir()
    running.start("f")
    lock = running.write(".git/index.lock", "")
    running.write("f/app.py", "x = 1")
    running.watcher.catch_up()
    assert not running.activity.wait_idle(0.1)
    assert running.lines.events == []
    running.write("f/lib.py", "x = 1")
    lock.unlink()
    assert running.lines.wait(FINISHED)["changed"] == "app.py (+1 more)"


def test_functions_that_share_a_folder_are_reloaded_together(running: Running) -> None:
    running.start("f")
    running.write(
        "emulator.toml", FUNCTION.format("f") + FUNCTION.format("h").replace('"h"', '"f"')
    )
    assert running.lines.wait("project.applied")["added"] == "h"
    running.write("f/app.py", "x = 1")
    running.lines.wait(FINISHED, 2)
    assert running.reloads() == [("f", "app.py"), ("h", "app.py")]


def test_a_folder_that_is_deleted_and_made_anew_is_reloaded(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burst, "GONE_QUIET_S", 0.01)
    running.start("f")
    old = running.version("f").deployment
    running.load = no_code
    shutil.rmtree(running.folder / "f")
    assert running.lines.wait("reload.failed")["error"] == "no code"
    assert running.version("f").deployment > old  # what runs the old code is used no more
    running.load = running.compile
    running.write("f/app.py", "x = 1")
    running.lines.wait(FINISHED)
    running.write("f/app.py", "x = 2")
    running.lines.wait(FINISHED, 2)
    assert running.loaded[-1] == ("f", "x = 2")


@pytest.mark.parametrize("is_empty", [False, True])
def test_callers_wait_for_a_folder_that_is_built_anew(
    running: Running, monkeypatch: pytest.MonkeyPatch, is_empty: bool
) -> None:
    monkeypatch.setattr(burst, "GONE_QUIET_S", burst.PATIENCE_S)
    running.start("f")
    old = running.version("f").deployment
    shutil.rmtree(running.folder / "f")
    if is_empty:
        (running.folder / "f").mkdir()
    running.watcher.catch_up()
    resolved: list[int] = []
    caller = threading.Thread(target=lambda: resolved.append(running.version("f").deployment))
    caller.start()
    caller.join(0.05)
    assert resolved == []
    running.write("f/app.py", "x = 1")
    caller.join(DEADLINE_S)
    assert resolved[0] > old
    running.settle()
    assert running.loaded == [("f", "x = 1")]


def test_a_folder_that_another_one_with_the_same_files_replaces_is_reloaded(
    running: Running,
) -> None:
    running.start("f")
    shutil.copytree(running.folder / "f", running.folder / "copy")
    shutil.rmtree(running.folder / "f")
    (running.folder / "copy").rename(running.folder / "f")
    assert running.lines.wait(FINISHED)["changed"] == "."
    running.settle()
    assert running.loaded == [("f", "x = 0")]


def test_a_branch_without_the_folder_and_the_function_is_not_waited_for(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GONE_QUIET_S", "PATIENCE_S"):
        monkeypatch.setattr(burst, name, 100 * DEADLINE_S)
    running.start("f", "g")
    shutil.rmtree(running.folder / "g")
    running.write("emulator.toml", FUNCTION.format("f"))
    assert running.lines.wait("project.applied")["removed"] == "g"


def start_with_archive(running: Running) -> None:
    save_archive(running, "x = 0")
    running.write("emulator.toml", FUNCTION.format("f").replace('"f"', '"f.zip"'))
    running.deployer.apply()
    running.watcher.start()
    running.settle()


def save_archive(running: Running, text: str) -> None:
    with zipfile.ZipFile(running.folder / "new.zip", "w") as file:
        file.writestr("app.py", text)
    (running.folder / "new.zip").rename(running.folder / "f.zip")


def test_an_archive_of_the_project_is_deployed_again_when_it_is_rebuilt(running: Running) -> None:
    start_with_archive(running)
    save_archive(running, "x = 1")
    assert running.lines.wait(FINISHED)["changed"] == "f.zip"
    assert (running.version("f").code.folder / "app.py").read_text() == "x = 1"


def test_an_archive_that_is_saved_broken_is_told_of_and_changes_nothing(running: Running) -> None:
    start_with_archive(running)
    before = running.version("f")
    running.write("new.zip", "no archive")
    (running.folder / "new.zip").rename(running.folder / "f.zip")
    running.lines.wait("reload.failed")
    running.settle()
    failures = [fields["error"] for name, fields in running.lines.events if name == "reload.failed"]
    assert not any("Traceback" in each for each in failures)
    assert running.version("f") is before


def test_a_live_function_made_over_the_api_is_watched_until_it_is_deleted(
    running: Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    running.start("f")
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "app.py").write_text("x = 0")
    spec = FunctionSpec(name="api", runtime="python3.12", handler="app.h", role="r", timeout_s=7)
    running.store.create(spec, running.code.from_folder(folder, live=True))
    running.settle()
    (folder / "app.py").write_text("x = 1")
    assert running.lines.wait(FINISHED)["function"] == "api"
    assert running.version("api").timeout_s == 7
    running.store.remove(DEFAULT_ACCOUNT, DEFAULT_REGION, "api")
    (folder / "app.py").write_text("x = 2")
    running.write("f/app.py", "x = 1")
    running.lines.wait(FINISHED, 2)
    assert running.loaded == [("api", "x = 1"), ("f", "x = 1")]


def test_a_saved_layer_reloads_the_functions_that_have_it(running: Running) -> None:
    running.write("shared/python/shared.py", "x = 0")
    running.write("f/app.py", "x = 0")
    running.write("g/app.py", "x = 0")
    layered = FUNCTION.format("f") + 'layers = ["shared"]\n'
    running.write("emulator.toml", layered + FUNCTION.format("g"))
    running.deployer.apply()
    running.watcher.start()
    running.settle()
    before = {name: running.version(name) for name in ("f", "g")}
    running.write("shared/python/shared.py", "x = 'changed'")
    told = running.lines.wait(FINISHED)
    assert (told["function"], told["changed"]) == ("f", "python/shared.py")
    running.settle()
    after = {name: running.version(name) for name in ("f", "g")}
    assert after["f"].layers[0].sha256 != before["f"].layers[0].sha256
    assert after["f"].code == before["f"].code
    assert after["g"] is before["g"]


def test_the_project_file_adds_changes_and_removes_functions(running: Running) -> None:
    running.start("f", "g")
    running.write("n/app.py", "x = 0")
    f_and_n = FUNCTION.format("f") + "timeout_s = 9\n" + FUNCTION.format("n")
    running.write("emulator.toml", f_and_n)
    told = running.lines.wait("project.applied")
    assert (told["added"], told["changed"], told["removed"]) == ("n", "f", "g")
    running.settle()
    running.write("n/app.py", "x = 1")
    assert running.lines.wait(FINISHED)["function"] == "n"


def test_the_project_file_that_was_saved_before_it_was_watched_is_applied(running: Running) -> None:
    running.write("f/app.py", "x = 0")
    running.write("emulator.toml", "")
    running.deployer.apply()
    running.write("emulator.toml", FUNCTION.format("f"))
    running.watcher.start()
    assert running.lines.wait("project.applied")["added"] == "f"


@pytest.mark.parametrize("nothing", ["", "\n \n", None])
def test_an_emptied_project_file_removes_nothing_until_it_says_so(
    running: Running, nothing: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burst, "GONE_QUIET_S", 0.01)
    running.start("f", "g")
    before = running.version("f")
    if nothing is None:
        (running.folder / "emulator.toml").unlink()
    else:
        running.write("emulator.toml", nothing)
    assert "[functions]" in running.lines.wait("project.invalid")["error"]
    assert running.version("f") is before
    running.write("emulator.toml", FUNCTION.format("f"))
    assert running.lines.wait("project.applied")["removed"] == "g"
    running.write("emulator.toml", "[functions]\n")
    assert running.lines.wait("project.applied", 2)["removed"] == "f"


def test_a_mistake_in_the_project_file_is_told_and_everything_runs_on(running: Running) -> None:
    running.start("f")
    running.write("emulator.toml", FUNCTION.format("f") + "timeout_s = 0\nmemory = 1\n")
    assert running.lines.wait("project.invalid")["key"] == "functions.f.timeout_s"
    assert running.lines.wait("project.invalid", 2)["key"] == "functions.f.memory"
    assert running.version("f").timeout_s == 3
    running.write("emulator.toml", FUNCTION.format("f") + "timeout_s = 4\n")
    running.lines.wait("project.applied")
    assert running.version("f").timeout_s == 4


def test_settings_of_the_emulator_itself_ask_for_a_restart(running: Running) -> None:
    running.start("f")
    running.write("emulator.toml", FUNCTION.format("f") + "[emulator]\nretry_delay_scale = 0.1\n")
    assert running.lines.wait("project.applied")["needs_restart"] == "emulator"


def test_a_template_that_the_file_names_later_asks_for_a_restart(running: Running) -> None:
    running.start("f")
    running.write("template.yaml", "Resources: {}\n")
    running.write("emulator.toml", 'template = "template.yaml"\n')
    assert running.lines.wait("project.applied")["needs_restart"] == "template"


def test_a_newer_save_does_not_wait_for_older_code_that_never_finishes_loading(
    running: Running,
) -> None:
    running.start("f")
    is_loading, is_over = threading.Event(), threading.Event()

    def load(version: FunctionVersion) -> bytes | None:
        if (version.code.folder / "app.py").read_text() == "x = 1":
            is_loading.set()
            is_over.wait(DEADLINE_S)
        return None

    running.load = load
    running.write("f/app.py", "x = 1")
    assert is_loading.wait(DEADLINE_S)
    running.write("f/app.py", "x = 2")
    running.lines.wait(FINISHED)
    running.version("f")
    assert not is_over.is_set()
    is_over.set()
    running.settle()
    assert len(running.lines.events) == 1


def test_stopping_keeps_nobody_waiting(running: Running) -> None:
    running.start("f")
    with (running.folder / "f" / "app.py").open("w") as file:
        file.write("half")
        file.flush()
        running.watcher.stop()
        running.version("f")


def test_after_a_reset_the_project_is_watched_again(running: Running) -> None:
    running.start("f")
    running.store.reset()
    running.deployer.forget()
    running.deployer.apply()
    running.settle()
    running.write("f/app.py", "x = 1")
    assert running.lines.wait(FINISHED)["function"] == "f"


def test_a_system_that_cannot_watch_is_told_and_everything_else_works(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(watch, "file_events", refuse)
    running.start("f")
    running.watcher.catch_up()
    error = running.lines.wait("watch.failed")["error"]
    assert error.startswith("inotify instance limit reached: changes there may go unnoticed.")
    running.lines.events.clear()
