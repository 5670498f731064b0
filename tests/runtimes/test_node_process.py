"""The Node runtime: its output, its connection, its beginning and its end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
TIMEOUT_S = 20


# --- output ------------------------------------------------------------------------------------


def test_console_lines_are_in_the_pipe_before_the_answer(start_node: Start) -> None:
    function = start_node("""
        console.info('in', 'init')
        exports.handler = async () => {
            console.log('a\\nb %d', 1, {k: 1})
            console.warn('w'); console.debug('d'); console.trace('t'); console.error('e')
            process.stdout.write('raw\\n')
        }""")
    function.invoke()
    lines = function.output().split("\n")
    assert [line.split("\t", 1)[-1] for line in lines] == [
        "undefined\tINFO\tin init",
        *("id-1\tINFO\ta\rb 1 { k: 1 }", "id-1\tWARN\tw", "id-1\tDEBUG\td"),
        *("id-1\tTRACE\tt", "id-1\tERROR\te", "raw", ""),
    ]


@pytest.mark.parametrize("write", ["process.stdout.write", "process.stderr.write", "console.log"])
def test_output_larger_than_the_pipe_is_whole_though_the_process_exits(
    start_node: Start, write: str
) -> None:
    function = start_node(
        f"exports.handler = () => {{ {write}('x'.repeat(2_000_000)); process.exit() }}"
    )
    function.server.events.put(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull")
    assert function.process.communicate(timeout=TIMEOUT_S)[0].count(b"x") == 2_000_000


# --- the process -------------------------------------------------------------------------------


def test_a_waiting_process_becomes_the_function(start_node: Start, tmp_path: Path) -> None:
    files = {
        "index.js": """
            const name = require('inside')
            exports.handler = async () => [name, process.cwd(), process.env]""",
        "layer/inside.js": "module.exports = 'from the layer'",
    }
    function = start_node(files, is_standby=True, NODE_PATH=str(tmp_path / "layer"), TZ=":UTC")
    message = {"env": function.environment, "cwd": str(tmp_path)}
    function.line.sendall(json.dumps(message).encode() + b"\n")
    name, cwd, environment = function.invoke().body
    assert (name, cwd, environment) == ("from the layer", str(tmp_path), function.environment)


def test_a_waiting_process_nobody_needs_ends_quietly(start_node: Start) -> None:
    function = start_node("", is_standby=True)
    function.line.close()
    assert function.exit_code() == 0
    assert function.output() == ""


def test_a_refused_answer_does_not_end_the_conversation(start_node: Start) -> None:
    function = start_node("exports.handler = async (event) => event")
    function.server.post_status = "413 Payload Too Large"
    assert [function.invoke(n).body for n in range(3)] == [0, 1, 2]


def test_five_megabytes_go_in_and_out(start_node: Start) -> None:
    function = start_node("exports.handler = async (event) => event")
    event = {"text": "ü" * 2_500_000}
    assert function.invoke(event).body == event


def test_the_process_ends_quietly_with_its_connection(start_node: Start) -> None:
    function = start_node("exports.handler = async () => 'ok'")
    assert function.invoke().body == "ok"
    function.server.events.put(None)
    assert function.exit_code() == 0
    assert function.output() == ""
