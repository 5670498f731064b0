"""Debuggers attach to functions of a real emulator, which `start --debug` made ready for them."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator.sandbox.java_runtime import compiled_runtime
from emulator.sandbox.jdks import compilers
from tests.end_to_end.calls import invoke as invoke_it
from tests.end_to_end.debug_clients import JavaDebugger, NodeDebugger, PythonDebugger
from tests.end_to_end.project_folder import ProjectFolder, save_by_rename
from tests.running_emulator import RunningEmulator, running_emulator

PYTHON = """\
    def handler(event, context):
        left_ms = context.get_remaining_time_in_millis()
        event["doubled"] = event["number"] * 2
        return {**event, "left_ms": left_ms, "at_end_ms": context.get_remaining_time_in_millis()}
    """
PYTHON_LINE = 3
NODE = """\
export const handler = async (event, context) => {
  const leftMs = context.getRemainingTimeInMillis();
  const doubled = event.number * 2;
  return { doubled, leftMs, atEndMs: context.getRemainingTimeInMillis() };
};
"""
NODE_LINE = 3
JAVA = """\
package shop;
import com.amazonaws.services.lambda.runtime.Context;
public class Doubler {
    public int[] handle(int number, Context context) {
        int left = context.getRemainingTimeInMillis();
        int doubled = number * 2;
        return new int[] {doubled, left, context.getRemainingTimeInMillis()};
    }
}
"""
JAVA_LINE = 7
LOOPER = """\
    def handler(event, context):
        while True:
            event = event
    """
HUNGRY = """\
    def handler(event, context):
        return len(bytearray(300 * 1024 * 1024))
    """
TIMEOUT_S = 1
Invoke = Callable[..., "Future[Any]"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectFolder:
    project = ProjectFolder(
        tmp_path_factory.mktemp("debugging"),
        """
        [functions.noder]
        code = "noder"
        handler = "index.handler"
        runtime = "nodejs20.x"
        timeout_s = 1
        """,
    )
    (project.path / "noder").mkdir()
    (project.path / "noder" / "index.mjs").write_text(NODE)
    for name in ("doubler", "bystander"):
        project.add(name, PYTHON, f"timeout_s = {TIMEOUT_S}")
    project.add("looper", LOOPER, f"timeout_s = {TIMEOUT_S}")
    project.add("hungry", HUNGRY)
    return project


@pytest.fixture(scope="module")
def emulator(project: ProjectFolder) -> Iterator[RunningEmulator]:
    names = ("doubler", "looper", "hungry", "noder")
    options = [f"--debug={name}" for name in names]
    with running_emulator(project.path, *options) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def invoke(emulator: RunningEmulator) -> Iterator[Invoke]:
    client = emulator.client("lambda")

    def call(function: str, **event: Any) -> Any:
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
        return json.load(answer["Payload"])

    with ThreadPoolExecutor() as threads:
        yield lambda function, **event: threads.submit(call, function, **event)


def configuration_of(emulator: RunningEmulator, function: str) -> Any:
    """Return what the terminal says to paste into launch.json."""
    emulator.wait_for_output(f"Debug {function}: attach to")
    emulator.wait_for_output("\n  }\n")
    told = re.search(rf"Debug {function}: .*?\n(  {{\n.*?\n  }})\n", emulator.output, re.DOTALL)
    assert told is not None, emulator.output
    return json.loads(told[1])


def attach_python(
    emulator: RunningEmulator, project: ProjectFolder, function: str, line: int = PYTHON_LINE
) -> PythonDebugger:
    configuration = configuration_of(emulator, function)
    root = configuration["pathMappings"][0]["localRoot"]
    assert root == str(project.path / function)
    port = configuration["connect"]["port"]
    return PythonDebugger(port, root, {f"{root}/app.py": [line]})


def outlast_the_timeout() -> None:
    threading.Event().wait(TIMEOUT_S * 1.5)


def test_a_python_function_stops_at_a_breakpoint_for_longer_than_its_timeout(
    emulator: RunningEmulator, project: ProjectFolder, invoke: Invoke
) -> None:
    with closing(attach_python(emulator, project, "doubler")) as debugger:
        assert debugger.verified == [True]
        calling = invoke("doubler", number=21)
        file, line = debugger.wait_for_stop()
        assert (file, line) == (str(project.path / "doubler" / "app.py"), PYTHON_LINE)
        assert debugger.evaluate("event['number']") == "21"
        outlast_the_timeout()
        debugger.go_on()
        answer = calling.result(30)
        assert answer["doubled"] == 42
        assert answer["left_ms"] == answer["at_end_ms"] > TIMEOUT_S * 500
        debugger.detach()


def test_a_debugger_detaches_and_attaches_again(
    emulator: RunningEmulator, project: ProjectFolder, invoke: Invoke
) -> None:
    attach_python(emulator, project, "doubler").detach()
    assert invoke("doubler", number=1).result(30)["doubled"] == 2
    with closing(attach_python(emulator, project, "doubler")) as debugger:
        calling = invoke("doubler", number=2)
        debugger.wait_for_stop()
        debugger.detach()
        assert calling.result(30)["doubled"] == 4


def test_the_clock_goes_on_when_the_debugger_has_gone(
    emulator: RunningEmulator, project: ProjectFolder, invoke: Invoke
) -> None:
    with closing(attach_python(emulator, project, "looper", line=3)) as debugger:
        calling = invoke("looper")
        debugger.wait_for_stop()
        outlast_the_timeout()
        debugger.detach()
        answer = calling.result(30)
    assert answer["errorType"] == "Sandbox.Timedout"


def test_a_node_function_stops_at_a_breakpoint_for_longer_than_its_timeout(
    emulator: RunningEmulator, invoke: Invoke
) -> None:
    port = configuration_of(emulator, "noder")["port"]
    for _ in range(2):  # attach again
        debugger = NodeDebugger(port, {"/var/task/index.mjs": [NODE_LINE]})
        with closing(debugger):
            calling = invoke("noder", number=21)
            assert debugger.wait_for_stop() == ("/var/task/index.mjs", NODE_LINE)
            assert debugger.evaluate("event.number") == 21
            outlast_the_timeout()
            debugger.go_on()
            answer = calling.result(30)
            assert answer["doubled"] == 42
            assert answer["leftMs"] == answer["atEndMs"] > TIMEOUT_S * 500
    assert invoke("noder", number=1).result(30)["doubled"] == 2


@pytest.mark.skipif(not (compilers() and shutil.which("jdb")), reason="no JDK on this machine")
def test_a_java_function_stops_at_a_breakpoint_for_longer_than_its_timeout(tmp_path: Path) -> None:
    (tmp_path / "Doubler.java").write_text(JAVA)
    command = [str(compilers()[0]), "-g", "-nowarn", "-Xlint:-options", "--release", "8"]
    command += ["-cp", str(compiled_runtime()), "-d", str(tmp_path / "classes")]
    subprocess.run([*command, str(tmp_path / "Doubler.java")], check=True)
    (tmp_path / "emulator.toml").write_text(
        '[functions.doubler]\ncode = "classes"\nhandler = "shop.Doubler::handle"\n'
        f'runtime = "java17"\ntimeout_s = {TIMEOUT_S}\nmemory_mib = 512\n'
    )
    with running_emulator(tmp_path, "--debug=doubler") as emulator:
        port = configuration_of(emulator, "doubler")["port"]
        functions = emulator.client("lambda")
        for _ in range(2):  # attach again
            debugger = JavaDebugger(port, {"shop.Doubler": [JAVA_LINE]})
            with ThreadPoolExecutor() as threads, closing(debugger):
                calling = threads.submit(invoke_it, functions, "doubler", 21)
                assert "shop.Doubler.handle()" in debugger.wait_for_stop()
                assert debugger.evaluate("doubled") == "42"
                outlast_the_timeout()
                debugger.go_on()
                doubled, left_ms, at_end_ms = calling.result(30).result
                assert doubled == 42
                assert left_ms == at_end_ms > TIMEOUT_S * 500
                debugger.detach()


def test_calls_queue_behind_the_one_environment_and_others_do_not(
    emulator: RunningEmulator, project: ProjectFolder, invoke: Invoke
) -> None:
    with closing(attach_python(emulator, project, "doubler")) as debugger:
        calls = [invoke("doubler", number=number) for number in range(3)]
        debugger.wait_for_stop()
        assert invoke("bystander", number=5).result(30)["doubled"] == 10
        assert not any(call.done() for call in calls)
        debugger.detach()
    assert [call.result(30)["doubled"] for call in calls] == [0, 2, 4]
    records = emulator.invocations("doubler")
    assert len({record["environment"] for record in records}) == 1, records[0]


def test_after_a_save_the_debugger_is_told_to_attach_to_the_new_code_on_the_same_port(
    emulator: RunningEmulator, project: ProjectFolder, invoke: Invoke
) -> None:
    with closing(attach_python(emulator, project, "doubler")) as debugger:
        source = project.path / "doubler" / "app.py"
        save_by_rename(source, "\n" + source.read_text().replace("* 2", "* 3"))
        assert debugger.wait_for_event("terminated") == {"restart": True}
    with closing(attach_python(emulator, project, "doubler", PYTHON_LINE + 1)) as debugger:
        calling = invoke("doubler", number=2)
        assert debugger.wait_for_stop()[1] == PYTHON_LINE + 1
        debugger.go_on()
        assert calling.result(30)["doubled"] == 6
        debugger.detach()


def test_the_memory_of_a_debugged_function_is_not_limited(
    emulator: RunningEmulator, invoke: Invoke
) -> None:
    assert invoke("hungry").result(30) == 300 * 1024 * 1024


def test_with_debug_wait_module_code_stops_before_the_first_call(tmp_path: Path) -> None:
    project = ProjectFolder(tmp_path)
    project.add("waiting", "answer = 41\nanswer += 1\ndef handler(*_):\n    return answer\n")
    with running_emulator(tmp_path, "--debug=waiting", "--debug-wait") as emulator:
        with closing(attach_python(emulator, project, "waiting", line=2)) as debugger:
            assert debugger.wait_for_stop()[1] == 2
            debugger.go_on()
            debugger.detach()
        answer = emulator.client("lambda").invoke(FunctionName="waiting")
        assert json.load(answer["Payload"]) == 42


def test_an_emulator_stops_while_a_function_waits_for_a_debugger(tmp_path: Path) -> None:
    ProjectFolder(tmp_path).add("waiting", "def handler(*_):\n    return 1\n")
    started = time.monotonic()
    with running_emulator(tmp_path, "--debug=waiting", "--debug-wait") as emulator:
        emulator.wait_for_output("It waits for that.")
    assert time.monotonic() - started < 15


def test_a_function_that_is_not_there_is_debugged_as_soon_as_it_is_created(tmp_path: Path) -> None:
    project = ProjectFolder(tmp_path)
    project.add("other", "def handler(*_):\n    return 1\n")
    with running_emulator(tmp_path, "--debug=late") as emulator:
        emulator.wait_for_output('There is no function "late" to debug yet (have: other).')
        emulator.settle()  # it has looked at the file that changes now
        project.add("late", "def handler(*_):\n    return 1\n")
        attach_python(emulator, project, "late", line=2).detach()
