"""What a Node function logs where its log is JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
JSON_LOG = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}


def lines_of(start_node: Start, body: str, **variables: str) -> list[dict[str, Any]]:
    function = start_node(f"exports.handler = async () => {{ {body} }}", **JSON_LOG | variables)
    function.invoke(Aws_Tenant_Id="blue")
    return [json.loads(line) for line in function.output().splitlines()]


MESSAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "a text": ("console.log('hello')", {"level": "INFO", "message": "hello"}),
    "an object": ("console.warn({n: 1})", {"level": "WARN", "message": {"n": 1}}),
    "several values": ("console.info('%s is', 'x', 2)", {"level": "INFO", "message": "x is 2"}),
    "newlines": ("console.error('a\\nb')", {"level": "ERROR", "message": "a\nb"}),
    "a BigInt": ("console.log(1n)", {"level": "INFO", "message": "1n"}),
}


@pytest.mark.parametrize(("body", "expected"), MESSAGES.values(), ids=MESSAGES.keys())
def test_a_console_call_is_a_json_object(
    start_node: Start, body: str, expected: dict[str, Any]
) -> None:
    [line] = lines_of(start_node, body)
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("tenantId") == "blue"
    assert line == {"requestId": "id-1", **expected}


def test_an_error_among_the_values_adds_its_members(start_node: Start) -> None:
    body = "class Late extends Error {}; console.error('failed:', new Late('boom'), 1)"
    [line] = lines_of(start_node, body)
    assert (line["errorType"], line["errorMessage"]) == ("Late", "boom")
    assert line["stackTrace"][0] == "Error: boom"
    assert line["message"].startswith("failed: Late [Error]: boom\n")


def test_an_error_alone_is_the_message(start_node: Start) -> None:
    [line] = lines_of(start_node, "console.error(Object.assign(new Error('boom'), {code: 7}))")
    assert (line["message"]["errorType"], line["message"]["code"]) == ("Error", 7)


def test_an_unhandled_error_is_one_json_object(start_node: Start) -> None:
    [line] = lines_of(start_node, "throw new TypeError('boom')")
    assert (line["level"], line["errorType"], line["errorMessage"]) == (
        "ERROR",
        "TypeError",
        "boom",
    )


LEVELS = {"TRACE": 7, "DEBUG": 6, "INFO": 5, "WARN": 3, "ERROR": 2, "FATAL": 1}


@pytest.mark.parametrize(("level", "count"), LEVELS.items())
def test_what_is_below_the_level_is_not_logged(start_node: Start, level: str, count: int) -> None:
    body = "for (const m of ['trace','debug','info','log','warn','error','fatal']) console[m](m)"
    lines = lines_of(start_node, body, AWS_LAMBDA_LOG_LEVEL=level)
    assert len(lines) == count


def test_a_waiting_process_learns_the_format_with_its_function(start_node: Start) -> None:
    function = start_node(
        "exports.handler = async () => console.log('hi')", is_standby=True, **JSON_LOG
    )
    become = {"env": function.environment, "cwd": function.environment["LAMBDA_TASK_ROOT"]}
    function.line.sendall(json.dumps(become).encode() + b"\n")
    function.invoke()
    assert json.loads(function.output())["message"] == "hi"
