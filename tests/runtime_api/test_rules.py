"""The rules of the Runtime API, without a socket."""

import json
import re
from dataclasses import replace

import pytest

from emulator.model import Invocation
from emulator.model.limits import SYNC_RESPONSE_BYTES
from emulator.runtime_api import Outcome, rules, valid_error_type
from emulator.runtime_api.rules import NEXT_PATH, Conversation, Request, Signal, State

INVOCATION = Invocation(
    request_id="11111111-2222-4333-8444-555555555555",
    payload=b"{}",
    invoked_arn="arn:aws:lambda:us-east-1:000000000000:function:f",
    trace_header="Root=1-0-0",
)
NEXT = Request(method="GET", path=NEXT_PATH, headers={}, body=b"")


def post(path: str, body: bytes = b"{}", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method="POST", path=f"/2018-06-01/runtime/{path}", headers=named, body=body)


def get(path: str) -> Request:
    return replace(post(path, b""), method="GET")


RESPONSE = post(f"invocation/{INVOCATION.request_id}/response", b'"ok"')


def running() -> Conversation:
    conversation = Conversation()
    assert conversation.handle(NEXT) is None
    conversation.deliver(INVOCATION)
    return conversation


def failed() -> Conversation:
    conversation = Conversation()
    conversation.handle(post("init/error"))
    return conversation


def test_the_diagram_in_the_docstring_is_the_table() -> None:
    drawn = {
        (State[source], Signal[signal], State[target])
        for source, signal, target in re.findall(
            r"^([A-Z_]+) -+([A-Z_]+)-+> ([A-Z_]+)$", rules.__doc__ or "", re.MULTILINE
        )
    }
    assert drawn == {(*key, target) for key, target in rules.TRANSITIONS.items()}


def test_an_event_is_answered_and_the_next_one_asked_for() -> None:
    conversation = running()
    reply = conversation.handle(RESPONSE)
    assert reply is not None
    assert (reply.status, reply.body) == (202, b'{"status":"OK"}\n')
    assert conversation.answer is not None
    assert (conversation.answer.outcome, conversation.answer.body) == (Outcome.RESPONSE, b'"ok"')
    assert conversation.handle(NEXT) is None
    assert conversation.state is State.READY


def test_an_error_keeps_its_body_and_type() -> None:
    conversation = running()
    path = f"invocation/{INVOCATION.request_id}/error"
    conversation.handle(
        post(path, b'{"x":1}', lambda_runtime_function_error_type="Runtime.MarshalError")
    )
    assert conversation.answer is not None
    assert conversation.answer.outcome is Outcome.ERROR
    assert (conversation.answer.body, conversation.answer.error_type) == (
        b'{"x":1}',
        "Runtime.MarshalError",
    )


def test_next_without_an_answer_delivers_the_same_event_again() -> None:
    conversation = running()
    assert conversation.handle(NEXT) is None
    assert conversation.state is State.RUNNING


def test_a_response_that_is_too_large_is_refused_and_told_to_the_caller() -> None:
    conversation = running()
    reply = conversation.handle(replace(RESPONSE, body=b"x" * (SYNC_RESPONSE_BYTES + 1)))
    assert reply is not None
    assert reply.status == 413
    assert json.loads(reply.body) == {
        "errorType": "RequestEntityTooLarge",
        "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
    }
    assert conversation.answer is not None
    assert conversation.answer.outcome is Outcome.TOO_LARGE


def test_a_response_of_exactly_the_limit_passes() -> None:
    conversation = running()
    reply = conversation.handle(replace(RESPONSE, body=b"x" * SYNC_RESPONSE_BYTES))
    assert reply is not None
    assert reply.status == 202


MISUSE = [
    ("another request id", running, post("invocation/other/response"), 400, "InvalidRequestID"),
    ("a response before next", Conversation, RESPONSE, 403, "InvalidStateTransition"),
    ("init/error after next", running, post("init/error"), 403, "InvalidStateTransition"),
    ("init/error twice", failed, post("init/error"), 403, "InvalidStateTransition"),
    ("next after init/error", failed, NEXT, 403, "InvalidStateTransition"),
    ("an unknown path", running, post("nothing"), 404, "NotFound"),
    ("an unknown path below", running, post("invocation/1/else"), 404, "NotFound"),
    ("a path too long", running, post("invocation/1/response/more"), 404, "NotFound"),
    ("restore without SnapStart", Conversation, get("restore/next"), 404, "NotFound"),
    ("restore error", Conversation, post("restore/error"), 404, "NotFound"),
    ("PUT for GET", running, replace(NEXT, method="PUT"), 405, "MethodNotAllowed"),
    ("POST for GET", running, post("invocation/next"), 405, "MethodNotAllowed"),
    ("GET for POST", running, get("init/error"), 405, "MethodNotAllowed"),
    ("GET for an answer", running, get("invocation/1/response"), 405, "MethodNotAllowed"),
    ("DELETE on nothing", running, replace(get("x"), method="DELETE"), 404, "NotFound"),
]


@pytest.mark.parametrize(
    ("start", "request_", "status", "error_type"),
    [case[1:] for case in MISUSE],
    ids=[case[0] for case in MISUSE],
)
def test_misuse_is_refused(
    start: type[Conversation], request_: Request, status: int, error_type: str
) -> None:
    conversation = start()
    before = conversation.state
    reply = conversation.handle(request_)
    assert reply is not None
    assert reply.status == status
    assert json.loads(reply.body)["errorType"] == error_type
    assert conversation.state is before


def test_a_response_mode_that_there_is_not_fails_the_invocation() -> None:
    conversation = running()
    reply = conversation.handle(
        replace(RESPONSE, headers={"lambda-runtime-function-response-mode": "fast"})
    )
    assert reply is not None
    assert (reply.status, json.loads(reply.body)) == (
        400,
        {
            "errorType": "InvalidFunctionResponseMode",
            "errorMessage": "Invalid function response mode",
        },
    )
    assert conversation.answer is not None
    assert conversation.answer.outcome is Outcome.INVALID_MODE
    assert conversation.handle(NEXT) is None
    assert conversation.state is State.READY


def test_next_may_be_asked_again_while_nothing_has_come() -> None:
    conversation = Conversation()
    assert conversation.handle(NEXT) is None
    assert conversation.handle(NEXT) is None
    assert conversation.state is State.READY


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            b'{"errorMessage": "m", "errorType": "T", "stackTrace": [], "errorCause": {"a": 1}}',
            b'{"errorMessage":"m","errorType":"T","stackTrace":[]}',
        ),
        (b"no JSON", b"no JSON"),
        (b"[1]", b"[1]"),
    ],
)
def test_the_cause_of_an_error_is_not_for_the_caller(body: bytes, shown: bytes) -> None:
    conversation = running()
    path = f"invocation/{INVOCATION.request_id}/error"
    conversation.handle(
        post(path, body, content_type="application/vnd.aws.lambda.error.cause+json")
    )
    assert conversation.answer is not None
    assert conversation.answer.body == shown


def test_a_second_response_names_the_states() -> None:
    conversation = running()
    conversation.handle(RESPONSE)
    reply = conversation.handle(RESPONSE)
    assert reply is not None
    assert json.loads(reply.body)["errorMessage"] == (
        "State transition from RuntimeResponseSentState to InvocationResponse failed for "
        "runtime. Error: State transition is not allowed"
    )


@pytest.mark.parametrize(
    ("told", "valid"),
    [
        ("Runtime.MarshalError", "Runtime.MarshalError"),
        ("Function.Anything", "Function.Anything"),
        ("KeyError", "Runtime.Unknown"),
        ("Function.lower", "Function.Unknown"),
        ("Runtime.", "Runtime.Unknown"),
        (None, "Runtime.Unknown"),
    ],
)
def test_the_platform_keeps_only_error_types_of_its_form(told: str | None, valid: str) -> None:
    assert valid_error_type(told) == valid


def test_a_runtime_that_is_to_be_a_snapshot_waits_to_be_restored() -> None:
    conversation = Conversation(has_restore=True)
    for _ in range(2):
        assert conversation.handle(get("restore/next")) is None
        assert conversation.state is State.RESTORE_READY
    reply = conversation.handle(NEXT)
    assert reply is not None
    assert reply.status == 403
    assert b"State transition from RestoreReady to Ready failed for runtime." in reply.body


def test_a_restored_runtime_asks_for_an_event_or_tells_why_not() -> None:
    conversation = Conversation(State.RESTORING, has_restore=True)
    assert conversation.handle(NEXT) is None
    assert conversation.state is State.READY
    conversation = Conversation(State.RESTORING, has_restore=True)
    hook = post(
        "restore/error", b"{}", lambda_runtime_function_error_type="Runtime.AfterRestoreError"
    )
    reply = conversation.handle(hook)
    assert reply is not None
    assert reply.status == 202
    answer = conversation.answer
    assert answer is not None
    assert (answer.outcome, answer.error_type) == (
        Outcome.RESTORE_ERROR,
        "Runtime.AfterRestoreError",
    )
    again = conversation.handle(hook)
    assert again is not None
    assert again.status == 403


@pytest.mark.parametrize(("has_restore", "status"), [(False, 404), (True, 405)])
def test_the_paths_of_snap_start_are_there_for_its_runtimes_only(
    has_restore: bool, status: int
) -> None:
    for request in (post("restore/next"), get("restore/error")):
        reply = Conversation(has_restore=has_restore).handle(request)
        assert reply is not None
        assert reply.status == status
