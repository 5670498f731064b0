"""What is saved runs from the next invocation on, and nothing else ever does."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.project_folder import ProjectFolder, save_by_rename
from tests.running_emulator import RunningEmulator, running_emulator

COUNTER = "COUNT = {}\ndef handler(event, context):\n    return COUNT\n"
SLOW_TO_LOAD = "import time\ntime.sleep(0.3)\n" + COUNTER


@pytest.fixture
def folder(tmp_path: Path) -> ProjectFolder:
    folder = ProjectFolder(tmp_path / "project")
    folder.add("counter", COUNTER.format(0))
    folder.add("other", COUNTER.format("'other'"))
    return folder


@pytest.fixture
def emulator(folder: ProjectFolder) -> Iterator[RunningEmulator]:
    with running_emulator(folder.path) as emulator:
        emulator.settle()  # it watches
        yield emulator


@pytest.fixture
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def lines(emulator: RunningEmulator, event: str) -> list[str]:
    return [line for line in emulator.output.splitlines() if line.startswith(event)]


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
    folder: ProjectFolder, emulator: RunningEmulator, functions: Any
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
    emulator.wait_for_output("reload.failed function=counter")
    [told] = lines(emulator, "reload.failed")
    assert f"place={source}:2" in told
    assert "changed=app.py" in told

    in_place(source, COUNTER.format(2))
    assert invoke(functions, "counter").result == 2
    emulator.wait_for_output("reload.finished function=counter")


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
    folder: ProjectFolder, emulator: RunningEmulator, functions: Any
) -> None:
    invoke(functions, "other")
    in_place(folder.path / "counter" / "app.py", COUNTER.format(1))
    invoke(functions, "counter")
    emulator.settle()

    [told] = lines(emulator, "reload.")
    assert re.fullmatch(r"reload\.finished function=counter changed=app\.py ms=[\d.]+", told)
    invoke(functions, "other")
    environments = {record["environment"] for record in emulator.invocations("other")}
    assert len(environments) == 1


def test_files_that_are_not_code_reload_nothing(
    folder: ProjectFolder, emulator: RunningEmulator, functions: Any
) -> None:
    code = folder.path / "counter"
    for name in ("__pycache__", ".git", "node_modules"):
        (code / name).mkdir()
        for number in range(50):
            (code / name / f"file{number}.pyc").write_text("x")
    source = code / "app.py"
    source.write_text(source.read_text())  # nothing new in it
    (code / "app.py.swp").write_text("an editor's")
    assert invoke(functions, "counter").result == 0
    emulator.settle()

    assert len(lines(emulator, "reload.")) <= 1


@pytest.mark.slow
def test_a_branch_switch_over_300_files_is_one_reload(
    folder: ProjectFolder, emulator: RunningEmulator, functions: Any
) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=me", "-c", "user.email=me@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=folder.path, check=True)

    code = folder.path / "counter"
    modules = "".join(f"import module{number}\n" for number in range(300))
    source = modules + "def handler(event, context):\n    return [{}]\n"
    numbers = ", ".join(f"module{number}.N" for number in range(300))

    def write(value: int) -> None:
        for number in range(300):
            (code / f"module{number}.py").write_text(f"N = {value}\n")
        (code / "app.py").write_text(source.format(numbers))

    git("init", "-q", "-b", "one")
    write(1)
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("checkout", "-q", "-b", "two")
    write(2)
    git("commit", "-q", "-a", "-m", "two")
    assert set(invoke(functions, "counter").result) == {2}
    emulator.settle()
    before = len(lines(emulator, "reload."))

    git("checkout", "-q", "one")
    assert set(invoke(functions, "counter").result) == {1}
    emulator.settle()

    told = lines(emulator, "reload.")[before:]
    assert len(told) == 1
    assert re.search(r'function=counter changed="?\S+ \(\+299 more\)', told[0])


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
    assert [record["source"] for record in emulator.invocations("counter")] == ["s3"]


def test_a_function_of_the_api_runs_live_from_its_folder(
    folder: ProjectFolder, functions: Any, tmp_path: Path
) -> None:
    live = tmp_path / "live"
    live.mkdir()
    (live / "app.py").write_text(COUNTER.format(0))
    functions.create_function(
        FunctionName="live",
        Runtime="python3.11",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"S3Bucket": "hot-reload", "S3Key": str(live)},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="live")
    for count in range(1, 11):
        save_by_rename(live / "app.py", COUNTER.format(count))
        assert invoke(functions, "live").result == count
