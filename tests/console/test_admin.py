import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import Client

from emulator.invoke import Backlog, FunctionBacklog
from emulator.model import (
    Invocation,
    InvocationResult,
    Status,
)
from emulator.model.invocation import InvocationLog
from emulator.observe import InvocationRecord
from tests.console.console_lab import Emulator, function


def record(name: str, request_id: str, **changes: Any) -> InvocationRecord:
    result: dict[str, Any] = {
        "payload": b'{"ok": true}',
        "status": Status.SUCCESS,
        "function_error": None,
        "error_type": None,
        "executed_version": "$LATEST",
        "log": InvocationLog(b"START", b"hello", b"REPORT"),
        "duration_ms": 1.5,
        "billed_ms": 2,
        "init_ms": 41.0,
        "max_memory_mib": 33,
        "environment_id": "7f3a",
    }
    version = function(name)
    return InvocationRecord(
        function_version=version,
        invocation=Invocation(
            request_id=request_id,
            payload=b'{"key": "value"}',
            invoked_arn=version.arn,
            trace_header="Root=1",
            source="s3",
            cause="photos/a.jpg",
        ),
        result=InvocationResult(**{**result, **changes}),
        accepted_at=1.0,
        started_at=2.0,
        finished_at=3.0,
    )


@pytest.mark.parametrize("path", ["/_emulator/health", "/_localstack/health"])
def test_health_tells_version_functions_and_services(emulator: Emulator, path: str) -> None:
    emulator.functions.append(function("hello"))
    assert emulator.get(path).json == {
        "status": "running",
        "version": "1.2.3",
        "functions": 1,
        "services": {"s3": "running"},
    }


def test_health_is_answered_without_flask() -> None:
    program = """
import sys
from emulator.console import Admin, Rooms
from emulator.model import Clock
from emulator.observe import Activity, LogBook, Records
clock = Clock()
admin = Admin(Rooms(version="1", functions=list, services=dict, archive_for=dict().get,
    container_credentials=dict().get, reset=list, catch_up=list, backlog=None,
    activity=Activity(clock), clock=clock, log_book=LogBook(clock), records=Records(), nats=None))
environ = {"PATH_INFO": "/_emulator/health", "REQUEST_METHOD": "GET"}
assert admin(environ, lambda status, headers: None)
sys.exit("flask" in sys.modules or "werkzeug" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


# --- settle ------------------------------------------------------------------------------------


def test_settle_answers_at_once_when_nothing_is_left(emulator: Emulator) -> None:
    answer = emulator.post("/_emulator/settle?timeout=30")
    assert (answer.status_code, answer.json) == (200, {"settled": True, "pending": {}})


@pytest.mark.parametrize("timeout", ["30", "1e30"])
def test_settle_waits_until_the_last_invocation_is_over(emulator: Emulator, timeout: str) -> None:
    emulator.activity.begin("invocations")
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(emulator.post, f"/_emulator/settle?timeout={timeout}")
        assert not answer.done()
        emulator.activity.end("invocations")
        assert answer.result(10).status_code == 200


def test_settle_names_what_is_pending_when_its_time_is_up(emulator: Emulator) -> None:
    emulator.activity.begin("invocations")
    emulator.activity.begin("events due")
    answer = emulator.post("/_emulator/settle?timeout=0.01")
    assert answer.status_code == 504
    assert answer.json == {
        "settled": False,
        "pending": {"invocations": 1, "events due": 1},
        "message": "after 0.01 s there is still pending: 1 invocations, 1 events due",
    }


# --- invocations -------------------------------------------------------------------------------


def test_invocations_are_shown_newest_first(emulator: Emulator) -> None:
    for request_id, name in (("1", "hello"), ("2", "resize"), ("3", "hello")):
        emulator.records.add(record(name, request_id))

    def ids(query: str) -> list[str]:
        shown = emulator.get(f"/_emulator/invocations{query}").json
        return [invocation["request_id"] for invocation in shown or []]

    assert ids("") == ["3", "2", "1"]
    assert ids("?limit=2") == ["3", "2"]
    assert ids("?function=hello") == ["3", "1"]
    assert ids("?function=hello&limit=1") == ["3"]
    assert ids("?function=nobody") == []


def test_an_invocation_is_shown_whole(emulator: Emulator) -> None:
    emulator.records.add(record("hello", "1"))
    (shown,) = emulator.get("/_emulator/invocations").json or []
    assert shown == {
        "request_id": "1",
        "function": "hello",
        "version": "$LATEST",
        "qualifier": None,
        "source": "s3",
        "cause": "photos/a.jpg",
        "attempt": 1,
        "status": "success",
        "error_type": None,
        "cold": True,
        "duration_ms": 1.5,
        "billed_ms": 2,
        "init_ms": 41.0,
        "max_memory_mib": 33,
        "environment": "7f3a",
        "accepted_at": 1.0,
        "started_at": 2.0,
        "finished_at": 3.0,
        "event": {"key": "value"},
        "response": {"ok": True},
        "log": "START\nhello\nREPORT\n",
    }


def test_a_failed_invocation_has_an_error_in_place_of_a_response(emulator: Emulator) -> None:
    error = {"errorMessage": "boom", "errorType": "ValueError"}
    emulator.records.add(
        record("hello", "1", status=Status.ERROR, payload=json.dumps(error).encode())
    )
    (shown,) = emulator.get("/_emulator/invocations").json or []
    assert (shown["status"], shown["error"], "response" in shown) == ("error", error, False)


def test_a_long_event_is_shown_as_the_text_that_was_kept(emulator: Emulator) -> None:
    long = record("hello", "1", payload=b'"' + b"x" * 100_000 + b'"')
    emulator.records.add(long)
    (shown,) = emulator.get("/_emulator/invocations").json or []
    assert shown["response"].startswith('"xxx')
    assert shown["response"].endswith("(cut: 65536 of 100002 bytes)")


# --- clock -------------------------------------------------------------------------------------


def test_the_clock_is_advanced_and_frozen(emulator: Emulator) -> None:
    before = emulator.clock.now()
    frozen = emulator.post("/_emulator/clock", {"freeze": True, "advance": 60}).json
    assert frozen is not None
    assert frozen["frozen"] is True
    assert before + 60 <= frozen["now"] < before + 120
    assert emulator.get("/_emulator/clock").json == frozen
    running = emulator.post("/_emulator/clock", {"freeze": False}).json
    assert running is not None
    assert running["frozen"] is False


# --- functions, code, reset --------------------------------------------------------------------


def test_functions_are_listed_by_name(emulator: Emulator) -> None:
    emulator.functions += [function("resize", runtime="nodejs22.x"), function("hello")]
    shown = emulator.get("/_emulator/functions").json or []
    assert [listed["name"] for listed in shown] == ["hello", "resize"]
    assert shown[0] == {
        "name": "hello",
        "arn": "arn:aws:lambda:us-east-1:000000000000:function:hello",
        "account": "000000000000",
        "region": "us-east-1",
        "runtime": "python3.12",
        "handler": "app.handler",
        "timeout_s": 3,
        "memory_mib": 128,
        "code": "/src/hello",
        "live": True,
        "log_group": "/aws/lambda/hello",
    }


def test_code_is_downloaded_by_its_token(emulator: Emulator) -> None:
    answer = emulator.get("/_emulator/code/abc")
    assert (answer.data, answer.mimetype) == (b"PK", "application/zip")
    assert emulator.get("/_emulator/code/gone").status_code == 404


@pytest.mark.parametrize("path", ["/_emulator/reset", "/moto-api/reset"])
def test_reset_resets(emulator: Emulator, path: str) -> None:
    assert emulator.get(path).status_code == 405
    assert emulator.post(path).json == {"status": "ok"}
    assert emulator.resets == ["reset"]


# --- bad requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/_emulator/invocations?limit=x", "limit"),
        ("/_emulator/invocations?limit=0", "limit"),
        ("/_emulator/invocations?limit=-1", "limit"),
        ("/_emulator/invocations?functoin=hello", "functoin"),
        ("/_emulator/logs", "function"),
        ("/_emulator/logs?function=helo", "function"),
        ("/_emulator/logs?function=hello&follow=maybe", "follow"),
    ],
)
def test_a_bad_query_is_refused_by_name(emulator: Emulator, path: str, parameter: str) -> None:
    emulator.functions.append(function("hello"))
    answer = emulator.get(path)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["parameter"] == parameter
    assert parameter in answer.json["message"]


@pytest.mark.parametrize(
    ("path", "body", "parameter"),
    [
        ("/_emulator/settle?timeout=-1", None, "timeout"),
        ("/_emulator/settle?timeout=nan", None, "timeout"),
        ("/_emulator/settle?timeout=soon", None, "timeout"),
        ("/_emulator/clock", {"advance": -1}, "advance"),
        ("/_emulator/clock", {"advance": "long"}, "advance"),
        ("/_emulator/clock", {"advance": True}, "advance"),
        ("/_emulator/clock", {"advance": 1e300, "freeze": True}, "advance"),
        ("/_emulator/clock", {"freeze": "perhaps"}, "freeze"),
        ("/_emulator/clock", {"advanec": 1}, "advanec"),
        ("/_emulator/clock", [1], "body"),
    ],
)
def test_a_bad_value_is_refused_by_name(
    emulator: Emulator, path: str, body: object, parameter: str
) -> None:
    answer = emulator.post(path, body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["parameter"] == parameter


def test_a_message_about_a_parameter_says_what_it_takes(emulator: Emulator) -> None:
    assert emulator.get("/_emulator/invocations?limit=x").json == {
        "message": 'parameter "limit" must be a whole number, 1 or more, not "x"',
        "parameter": "limit",
    }


def test_an_unknown_page_names_the_nearest(emulator: Emulator) -> None:
    answer = emulator.get("/_emulator/invocation")
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["message"].endswith('Did you mean "/_emulator/invocations"?')


def test_the_queue_page_shows_each_functions_events(emulator: Emulator) -> None:
    arn = function("orders").arn
    emulator.backlog = Backlog(
        functions=(
            FunctionBacklog(
                function_arn=arn, depth=2, running=1, attempts=3, oldest_age_s=61.0, next_due_s=59.0
            ),
            FunctionBacklog(
                function_arn=arn + "2",
                depth=1,
                running=0,
                attempts=0,
                oldest_age_s=1.0,
                next_due_s=None,
            ),
        ),
        given_up=4,
        dropped=5,
    )
    document = emulator.get("/_emulator/queue").json
    assert document is not None
    functions = document.pop("functions")
    assert document == {
        "depth": 3,
        "running": 1,
        "oldest_age_s": 61.0,
        "next_due_s": 59.0,
        "given_up": 4,
        "dropped": 5,
    }
    assert functions[0] == {
        "name": "orders",
        "arn": arn,
        "depth": 2,
        "running": 1,
        "attempts": 3,
        "oldest_age_s": 61.0,
        "next_due_s": 59.0,
    }
    assert functions[1]["next_due_s"] is None
    emulator.backlog = Backlog(functions=())
    assert emulator.get("/_emulator/queue").json["oldest_age_s"] is None  # type: ignore[index]


def test_keys_are_handed_out_for_the_token_of_a_function_only(emulator: Emulator) -> None:
    answer = Client(emulator.wsgi).get("/_emulator/credentials", headers={"Authorization": "t"})
    keys = json.loads(answer.text)
    expires = datetime.fromisoformat(keys.pop("Expiration"))
    assert timedelta(minutes=50) < expires - datetime.now(UTC) < timedelta(minutes=61)
    assert keys == {"AccessKeyId": "ASIA", "SecretAccessKey": "secret", "Token": "session"}
    assert emulator.get("/_emulator/credentials").status_code == 403
