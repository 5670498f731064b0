"""Logs of Python functions in both formats, as an environment writes them."""

import json
import re
from typing import Any

import pytest

from emulator.model import InvocationResult
from emulator.observe import LogBook
from tests.sandbox.conftest import MakeFunction, Run

LOGGING = """
import logging
log = logging.getLogger("shop")
def handler(event, context):
    log.debug("fine")
    log.info("two\\nlines", extra={"order": 7, "message_id": "m"})
    log.error("bad %s", "luck")
    print("plain")
    try:
        {}["x"]
    except KeyError:
        log.exception("caught")
"""


def json_lines(result: InvocationResult) -> list[dict[str, Any]]:
    lines = result.log.text.decode().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def platform_types(result: InvocationResult) -> list[str]:
    types = [line["type"] for line in json_lines(result) if "type" in line]
    return [name.removeprefix("platform.") for name in types]


def test_records_of_the_logging_module_are_json_objects(function: MakeFunction, run: Run) -> None:
    result = run(function(LOGGING, log_format="JSON"))
    info, bad, caught = [line for line in json_lines(result) if "level" in line]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", info.pop("timestamp"))
    request_id = info.pop("requestId")
    assert info == {
        "level": "INFO",
        "message": "two\nlines",
        "logger": "shop",
        "order": 7,
        "message_id": "m",
    }
    assert (bad["level"], bad["message"], bad["requestId"]) == ("ERROR", "bad luck", request_id)
    assert (caught["errorType"], caught["errorMessage"]) == ("KeyError", "'x'")
    assert "handler" in caught["stackTrace"][0]
    assert re.search(r"app\.py:handler:\d+$", caught["location"])
    assert "plain" in result.log.text.decode().splitlines()


LEVELS = {
    "TRACE": ["DEBUG", "INFO", "ERROR", "ERROR"],
    "INFO": ["INFO", "ERROR", "ERROR"],
    "ERROR": ["ERROR", "ERROR"],
    "FATAL": [],
}


@pytest.mark.parametrize(("level", "logged"), LEVELS.items())
def test_the_application_level_filters_the_logger_and_not_print(
    function: MakeFunction, run: Run, level: str, logged: list[str]
) -> None:
    result = run(function(LOGGING, log_format="JSON", application_log_level=level))
    assert [line["level"] for line in json_lines(result) if "level" in line] == logged
    assert "plain" in result.log.text.decode().splitlines()


PLATFORM = {
    "DEBUG": [
        *("initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"),
        *("start", "runtimeDone", "report"),
    ],
    "INFO": ["initStart", "start", "report", "start", "runtimeDone", "report"],
    "WARN": ["runtimeDone", "report"],
}


@pytest.mark.parametrize(("level", "types"), PLATFORM.items())
def test_platform_events_stand_in_the_place_of_the_text_lines(
    function: MakeFunction, run: Run, level: str, types: list[str]
) -> None:
    source = "def handler(e, c):\n    return [][0] if e else 1"
    version = function(source, log_format="JSON", system_log_level=level)
    succeeded, failed = run(version), run(version, {"fail": True})
    assert platform_types(succeeded) + platform_types(failed) == types
    text = (succeeded.log.text + failed.log.text).decode()
    assert not re.search("^(INIT_|START|END|REPORT)", text, re.MULTILINE)
    report = json_lines(failed)[-1]
    assert report["record"]["status"] == "error"
    assert report["record"]["errorType"] == "Runtime.Unknown"


def test_an_unhandled_error_is_one_json_object(function: MakeFunction, run: Run) -> None:
    failed = run(function("def handler(e, c):\n    raise ValueError('é')", log_format="JSON"))
    [line] = [line for line in json_lines(failed) if "log_level" in line]
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("log_level") == "ERROR"
    assert line == json.loads(failed.payload)


def test_a_failed_init_phase_is_told_twice_and_its_error_is_json(
    function: MakeFunction, run: Run
) -> None:
    failed = run(function("import nothing_here", log_format="JSON", system_log_level="WARN"))
    phases = [
        line["record"]["phase"] for line in json_lines(failed) if "phase" in line.get("record", {})
    ]
    assert phases == ["init", "init", "invoke", "invoke"]
    errors = [line["errorType"] for line in json_lines(failed) if "log_level" in line]
    assert errors == ["Runtime.ImportModuleError"] * 2


def test_the_variables_say_format_and_level_of_a_json_log_only(
    function: MakeFunction, run: Run
) -> None:
    source = """
        import os
        NAMES = ("AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL")
        def handler(event, context):
            return [os.environ.get(name) for name in NAMES]
    """
    json_log = {"log_format": "JSON", "application_log_level": "WARN"}
    assert json.loads(run(function(source, **json_log)).payload) == ["JSON", "WARN"]
    assert json.loads(run(function(source)).payload) == [None, None]


def test_a_record_of_several_lines_is_one_event_of_a_text_log_too(
    function: MakeFunction, run: Run, log_book: LogBook
) -> None:
    source = """
        import logging
        def handler(event, context):
            print("before")
            logging.warning("one\\ntwo")
            print("after")
    """
    run(function(source, log_group="/tests/lines"))
    messages = [event.message for event in log_book.tail("/tests/lines").events]
    before = messages.index("before")
    assert messages[before + 1].endswith("\tone\ntwo")
    assert messages[before + 2] == "after"


FRAMING_BOOTSTRAP = """#!/usr/bin/env python3
import os, struct, sys, time, urllib.request
fd = int(os.environ["_LAMBDA_TELEMETRY_LOG_FD"])
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
def log(text):
    header = struct.pack(">IIQ", 0xA55A000F, len(text), int(time.time() * 1e6))
    os.write(fd, header + text)
while True:
    with urllib.request.urlopen(api + "next") as event:
        request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
    print("before", flush=True)
    log(b"framed\\nrecord")
    print("after", flush=True)
    urllib.request.urlopen(api + request_id + "/response", b"1").close()
"""


def test_a_frame_of_a_runtime_client_is_one_event_in_its_place(
    function: MakeFunction, run: Run, log_book: LogBook
) -> None:
    settings = {"file": "bootstrap", "runtime": "provided.al2023", "mode": 0o755}
    run(function(FRAMING_BOOTSTRAP, log_group="/tests/frames", **settings))
    messages = [event.message for event in log_book.tail("/tests/frames").events]
    assert messages[2:5] == ["before", "framed\nrecord", "after"]
