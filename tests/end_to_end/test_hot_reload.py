"""What is saved runs from the next invocation on, and nothing else ever does."""

import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.project_folder import RUNTIME, ProjectFolder, save_by_rename
from tests.running_emulator import RunningEmulator, running_emulator

Told = Callable[[str], list[str]]

COUNTER = "COUNT = {}\ndef handler(event, context):\n    return COUNT\n"
SLOW_TO_LOAD = "import time\ntime.sleep(0.3)\n" + COUNTER


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> ProjectFolder:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("counter", COUNTER.format(0))
    folder.add("other", COUNTER.format("'other'"))
    return folder


@pytest.fixture(scope="module")
def running(folder: ProjectFolder) -> Iterator[RunningEmulator]:
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: RunningEmulator, folder: ProjectFolder) -> RunningEmulator:
    """The emulator when `counter` answers with 0 and everything saved before is over."""
    in_place(folder.path / "counter" / "app.py", COUNTER.format(0))
    running.settle()
    return running


@pytest.fixture
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


@pytest.fixture
def told(emulator: RunningEmulator, functions: Any) -> Told:
    """Call it for the lines since the test began that begin with a text."""

    def output() -> str:
        emulator.settle()
        # Lines come in order: when this one is there, all that came before it are.
        request_id = invoke(functions, "other").request_id
        emulator.wait_for_output(f"request={request_id[:8]}")
        return emulator.output

    before = len(output())
    return lambda start: [line for line in output()[before:].splitlines() if line.startswith(start)]


def in_place(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.slow
@pytest.mark.parametrize("save", [in_place, save_by_rename])
def test_every_invocation_runs_what_was_saved_last(
    folder: ProjectFolder, functions: Any, save: Any
) -> None:
    source = folder.path / "counter" / "app.py"
    answers = []
    for count in range(1, 31):
        save(source, COUNTER.format(count))
        answers.append(invoke(functions, "counter").result)

    assert answers == list(range(1, 31))


@pytest.mark.slow
def test_callers_wait_for_code_that_takes_its_time_to_load(
    folder: ProjectFolder, functions: Any
) -> None:
    source = folder.path / "counter" / "app.py"
    for count in range(1, 4):
        in_place(source, SLOW_TO_LOAD.format(count))
        assert invoke(functions, "counter").result == count


@pytest.mark.slow
def test_what_runs_finishes_with_the_code_it_began_with(tmp_path: Path) -> None:
    folder = ProjectFolder(tmp_path / "project")
    text = "import time\ndef handler(event, context):\n    print('began', flush=True)\n"
    text += "    time.sleep(event)\n    return {}\n"
    source = folder.add("sleeper", text.format(1), "timeout_s = 20")
    with running_emulator(folder.path) as emulator:
        functions = emulator.client("lambda")
        emulator.settle()
        answers = []
        caller = threading.Thread(
            target=lambda: answers.append(invoke(functions, "sleeper", 1).result)
        )
        caller.start()
        emulator.wait_for_output("began")
        in_place(source, text.format(2))
        assert invoke(functions, "sleeper", 0).result == 2
        assert answers == []
        caller.join()
        assert answers == [1]


def test_a_syntax_error_is_told_with_file_and_line_and_heals(
    folder: ProjectFolder, functions: Any, told: Told
) -> None:
    source = folder.path / "counter" / "app.py"
    assert invoke(functions, "counter").result == 0

    in_place(source, "COUNT = 1\ndef handler(event, context)\n    return COUNT\n")
    answer = invoke(functions, "counter")

    assert answer.error == (
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'app': expected ':' (app.py, line 2)",
    )
    assert answer.document["requestId"] == ""
    assert answer.document["stackTrace"] == [
        '  File "/var/task/app.py" Line 2\n    def handler(event, context)\n'
    ]
    [line] = told("reload.")
    assert line.startswith("reload.failed function=counter changed=app.py ")
    assert f"place={source}:2" in line

    in_place(source, COUNTER.format(2))
    assert invoke(functions, "counter").result == 2
    assert told("reload.")[1].startswith("reload.finished function=counter changed=app.py ")


def test_other_files_of_the_function_count_too(folder: ProjectFolder, functions: Any) -> None:
    package = folder.path / "counter" / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "numbers.py").write_text("COUNT = 1\n")
    in_place(
        folder.path / "counter" / "app.py",
        "from package.numbers import COUNT\ndef handler(event, context):\n    return COUNT\n",
    )
    assert invoke(functions, "counter").result == 1
    for count in range(2, 6):
        save_by_rename(package / "numbers.py", f"COUNT = {count}\n")
        assert invoke(functions, "counter").result == count
    shutil.rmtree(package)
    package.mkdir()
    (package / "numbers.py").write_text("COUNT = 'made anew'\n")
    assert invoke(functions, "counter").result == "made anew"


def test_only_the_function_concerned_is_reloaded(
    folder: ProjectFolder, emulator: RunningEmulator, functions: Any, told: Told
) -> None:
    in_place(folder.path / "counter" / "app.py", COUNTER.format(1))
    assert invoke(functions, "counter").result == 1

    [line] = told("reload.")
    assert re.fullmatch(r"reload\.finished function=counter changed=app\.py ms=[\d.]+", line)
    environments = {record["environment"] for record in emulator.invocations("other")}
    assert len(environments) == 1


def test_what_is_not_code_and_what_did_not_change_reload_nothing(
    folder: ProjectFolder, functions: Any, told: Told
) -> None:
    code = folder.path / "other"
    for name in ("__pycache__", ".git", "node_modules"):
        (code / name).mkdir()
        for number in range(50):
            (code / name / f"file{number}.pyc").write_text("x")
    source = code / "app.py"
    source.write_text(source.read_text())
    save_by_rename(source, source.read_text())
    (code / ".app.py.swp").write_text("an editor's")
    assert invoke(functions, "other").result == "other"

    assert told("reload.") == []


@pytest.mark.slow
def test_a_folder_that_is_gone_for_good_is_named_until_it_is_back(
    folder: ProjectFolder, functions: Any, told: Told
) -> None:
    source = folder.add("gone", "def handler(event, context):\n    return open(__file__).read()\n")
    text = source.read_text()
    told("project.applied")
    assert invoke(functions, "gone").result == text
    shutil.rmtree(source.parent)
    with pytest.raises(functions.exceptions.InvalidZipFileException, match=str(source.parent)):
        invoke(functions, "gone")
    source.parent.mkdir()
    source.write_text(text)
    assert invoke(functions, "gone").result == text

    shutil.rmtree(source.parent)  # and at once another one, with the same in it
    source.parent.mkdir()
    source.write_text(text)
    assert invoke(functions, "gone").result == text


@pytest.mark.slow
def test_a_branch_switch_over_300_files_is_one_reload(
    folder: ProjectFolder, functions: Any, told: Told
) -> None:
    imports = "".join(f"import module{number}\n" for number in range(300))
    numbers = ", ".join(f"module{number}.N" for number in range(300))
    source = f"{imports}def handler(event, context):\n    return [{numbers}]\n"
    code = folder.add("switched", source).parent

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=me", "-c", "user.email=me@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=code, check=True)

    def commit(branch: str, value: int) -> None:
        git("checkout", "-q", "-b", branch)
        for number in range(300):
            (code / f"module{number}.py").write_text(f"N = {value}\n")
        git("add", ".")
        git("commit", "-q", "-m", branch)

    git("init", "-q")
    commit("one", 1)
    commit("two", 2)
    told("reload.")
    assert set(invoke(functions, "switched").result) == {2}
    before = len(told("reload."))

    git("checkout", "-q", "one")
    assert set(invoke(functions, "switched").result) == {1}

    [line] = told("reload.")[before:]
    assert re.match(r'reload\.finished function=switched changed="\S+ \(\+299 more\)"', line)


COLOUR = "import os\ndef handler(event, context):\n    return os.environ['COLOUR']\n"


def test_emulator_toml_adds_changes_and_removes_functions(
    folder: ProjectFolder, emulator: RunningEmulator, functions: Any
) -> None:
    folder.add("added", COLOUR, "environment = { COLOUR = 'red' }")
    emulator.wait_for_output("project.applied added=added ")
    assert invoke(functions, "added").result == "red"

    folder.add("added", COLOUR, "environment = { COLOUR = 'blue' }")
    emulator.wait_for_output("project.applied changed=added ")
    assert invoke(functions, "added").result == "blue"

    folder.remove("added")
    emulator.wait_for_output("project.applied removed=added ")
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        invoke(functions, "added")
    assert invoke(functions, "counter").result == 0


def test_a_bad_emulator_toml_is_told_and_changes_nothing(
    folder: ProjectFolder, emulator: RunningEmulator, functions: Any
) -> None:
    good = folder.file.read_text()
    in_place(folder.file, good + '\n[functions.third]\ncode = "conter"\nhandler = "app.handler"\n')
    emulator.wait_for_output(f"project.invalid file={folder.file} key=functions.third.code")
    assert re.search(r'Did you mean .*"counter', emulator.output)
    assert invoke(functions, "counter").result == 0

    in_place(folder.file, "[functions\n")
    emulator.wait_for_output("not valid TOML")
    assert invoke(functions, "other").result == "other"

    in_place(folder.file, good)
    in_place(folder.path / "counter" / "app.py", COUNTER.format(7))
    assert invoke(functions, "counter").result == 7


@pytest.mark.slow
def test_a_trigger_added_to_emulator_toml_takes_effect(
    folder: ProjectFolder, emulator: RunningEmulator
) -> None:
    folder.add(
        "counter",
        COUNTER.format(0),
        """
        [[functions.counter.triggers]]
        source = "s3"
        bucket = "photos"
        events = ["s3:ObjectCreated:*"]
        [resources]
        buckets = ["photos"]
        """,
    )
    emulator.wait_for_output("triggers_added=")
    emulator.client("s3").put_object(Bucket="photos", Key="a.jpg", Body=b"x")
    emulator.settle()
    assert emulator.invocations("counter")[0]["source"] == "s3"


def create_live(functions: Any, name: str, folder: Path, runtime: str, handler: str) -> None:
    functions.create_function(
        FunctionName=name,
        Runtime=runtime,
        Handler=handler,
        Role="arn:aws:iam::000000000000:role/any",
        Code={"S3Bucket": "hot-reload", "S3Key": str(folder)},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)


def test_a_function_of_the_api_runs_live_from_its_folder(functions: Any, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(COUNTER.format(0))
    create_live(functions, "live", tmp_path, RUNTIME, "app.handler")
    for count in range(1, 11):
        save_by_rename(tmp_path / "app.py", COUNTER.format(count))
        assert invoke(functions, "live").result == count


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_node_runs_what_was_saved_last_too(functions: Any, tmp_path: Path) -> None:
    source = "exports.handler = async () => {};\n"
    (tmp_path / "index.js").write_text(source.format(0))
    create_live(functions, "live_node", tmp_path, "nodejs22.x", "index.handler")
    for count in range(1, 11):
        save_by_rename(tmp_path / "index.js", source.format(count))
        assert invoke(functions, "live_node").result == count
