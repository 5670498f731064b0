"""Messages of core NATS."""

import json
import threading
from io import StringIO

import pytest

from emulator.event_sources.nats.messages import (
    HEADERS_CHARS,
    NatsMessage,
    client_context_of,
    event_of,
)
from emulator.model import Call, LambdaError
from tests.event_sources.conftest import FakeInvoker, answered
from tests.event_sources.nats.nats_lab import ARN, Lab, context
from tests.nats_server import (
    needs_server,
    wait_until,
)

pytestmark = needs_server


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (b"", b"{}"),
        (b'{"a": 1}', b'{"a": 1}'),
        (b" [1,  2]\n", b" [1,  2]\n"),
        (b"12.5", b"12.5"),
        (b'"hello"', b'"hello"'),
        (b"hello", b'"hello"'),
        (b"NaN", b'"NaN"'),
        (b"{'a': 1}", b"\"{'a': 1}\""),
        ("grüß".encode(), '"grüß"'.encode()),
        ('{"a": 1}'.encode("utf-16"), b'{"base64":"//57ACIAYQAiADoAIAAxAH0A"}'),
        (b"\x00\xff", b'{"base64":"AP8="}'),
        (b"[" * 100_000, b'"' + b"[" * 100_000 + b'"'),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_is_the_event_where_it_is_json(body: bytes, event: bytes) -> None:
    assert event_of(body) == event
    json.loads(event_of(body).decode())


def test_headers_that_no_runtime_could_take_are_cut() -> None:
    headers = {"A": "a", "Long": "x" * HEADERS_CHARS, "B": "b"}
    message = NatsMessage(subject="s", body=b"", headers=headers)
    nats = json.loads(client_context_of(message))["custom"]["nats"]
    assert (nats["headers"], nats["headers_cut"]) == ({"A": "a"}, True)


def test_a_request_gets_the_functions_response(lab: Lab, invoker: FakeInvoker) -> None:
    invoker.answer = lambda call: answered(b'{"total": 3}')
    lab.bind("orders.*")
    reply = lab.client.request("orders.new", b'{"id": 7}', headers={"Tenant": "ü"})
    assert (reply.data, reply.headers) == (b'{"total": 3}', None)
    (call,) = invoker.calls
    assert (call.function, call.account, call.region) == (ARN + "f", "0" * 12, "us-east-1")
    assert (call.payload, call.source, call.cause) == (b'{"id": 7}', "nats", "orders.new")
    nats = context(call)
    assert nats.pop("reply").startswith("_INBOX.")
    assert nats == {
        "subject": "orders.new",
        "headers": {"Tenant": "ü"},
        "stream": None,
        "consumer": None,
        "sequence": None,
        "redeliveries": 0,
    }


def test_a_message_without_inbox_is_an_asynchronous_invocation(
    lab: Lab, invoker: FakeInvoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted: list[Call] = []
    monkeypatch.setattr(invoker, "accept", accepted.append)
    lab.bind("log.>")
    lab.client.publish("log.a.b", b"hello")
    lab.settle()
    assert [(call.payload, context(call)["reply"]) for call in accepted] == [(b'"hello"', None)]
    assert invoker.calls == []


def test_a_function_that_failed_answers_its_error_marked_by_a_header(
    lab: Lab, invoker: FakeInvoker
) -> None:
    invoker.answer = lambda call: answered(b'{"errorMessage":"no"}', "Unhandled")
    lab.bind("f")
    reply = lab.client.request("f", b"")
    assert reply.data == b'{"errorMessage":"no"}'
    assert reply.headers == {
        "Lambda-Function-Error": "Unhandled",
        "Nats-Service-Error-Code": "500",
        "Nats-Service-Error": "Function.Error",
    }


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (
            LambdaError("TooManyRequestsException", "Rate Exceeded.", members={"Reason": "R"}),
            "429",
            {"Reason": "R", "Type": "User", "message": "Rate Exceeded."},
        ),
        (
            LambdaError("ResourceNotFoundException", "Function not found: f"),
            "404",
            {"Type": "User", "Message": "Function not found: f"},
        ),
    ],
)
def test_what_the_lambda_api_refuses_is_the_reply_with_its_status(
    lab: Lab, invoker: FakeInvoker, error: LambdaError, status: str, body: dict[str, str]
) -> None:
    def refuse(call: Call) -> None:
        raise error

    invoker.on_call = refuse
    lab.bind("f")
    reply = lab.client.request("f", b"{}")
    assert json.loads(reply.data) == body
    assert reply.headers == {
        "Lambda-Error-Type": error.code,
        "Nats-Service-Error-Code": status,
        "Nats-Service-Error": error.message,
    }


def test_a_response_that_nats_would_not_take_is_answered_by_an_error(
    lab: Lab, invoker: FakeInvoker
) -> None:
    invoker.answer = lambda call: answered(b'"' + b"x" * 1024 * 1024 + b'"')
    lab.bind("f")
    reply = lab.client.request("f", b"")
    assert json.loads(reply.data)["errorType"] == "Function.ResponseSizeTooLarge"
    assert "1048578 bytes" in json.loads(reply.data)["errorMessage"]
    assert lab.client.request("f", b"").headers is not None  # the connection stands


def test_a_message_for_a_function_that_is_gone_is_told(
    lab: Lab, invoker: FakeInvoker, output: StringIO
) -> None:
    invoker.gone = {ARN + "f"}
    lab.bind("f")
    lab.client.publish("f", b"1")
    lab.settle()
    wait_until(lambda: "nats.not_delivered subject=f function=f" in output.getvalue())


def test_of_a_queue_group_one_gets_each_message_and_without_one_everybody(
    lab: Lab, invoker: FakeInvoker
) -> None:
    for function in ("a", "b"):
        lab.bind("shared", function, queue="workers")
        lab.bind("all", function)
    for _ in range(20):
        lab.client.publish("shared", b"{}")
    lab.settle()
    assert len(invoker.calls) == 20
    invoker.calls.clear()
    lab.client.publish("all", b"{}")
    lab.settle()
    assert sorted(call.function for call in invoker.calls) == [ARN + "a", ARN + "b"]


def test_a_slow_function_delays_neither_others_nor_itself(lab: Lab, invoker: FakeInvoker) -> None:
    release = threading.Event()
    invoker.on_call = lambda call: call.function.endswith("slow") and release.wait(10)
    lab.bind("slow", "slow")
    lab.bind("fast", "fast")
    for _ in range(50):
        lab.client.publish("slow", b"{}", reply="nobody")
    lab.client.request("fast", b"{}")
    wait_until(lambda: len(invoker.calls) == 51)
    assert lab.activity.pending() == {"nats messages": 50}
    release.set()
    lab.settle()


def test_more_requests_than_lambda_runs_at_once_are_throttled(
    lab: Lab, invoker: FakeInvoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.event_sources.nats.core.REQUESTS", 2)
    release = threading.Event()
    invoker.on_call = lambda call: release.wait(10)
    lab.bind("f")
    for _ in range(2):
        lab.client.publish("f", b"{}", reply="nobody")
    reply = lab.client.request("f", b"{}")
    assert (reply.headers or {})["Nats-Service-Error-Code"] == "429"
    release.set()
    lab.settle()
    assert lab.client.request("f", b"{}").headers is None


def test_messages_that_come_too_fast_are_dropped_and_counted(
    lab: Lab, invoker: FakeInvoker, output: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.event_sources.nats.acceptance.WAITING", 5)
    release = threading.Event()
    invoker.on_call = lambda call: release.wait(10)  # a disk that is slow
    lab.bind("fast")
    for _ in range(20):
        lab.client.publish("fast", b"{}")
    wait_until(lambda: lab.source.status().dropped == 14)
    release.set()
    lab.settle()
    assert len(invoker.calls) == 6
    wait_until(lambda: "nats.dropped subject=fast messages=8" in output.getvalue())


def test_an_unbound_subject_has_no_responders(lab: Lab) -> None:
    from nats.errors import NoRespondersError

    trigger = lab.bind("f")
    lab.client.request("f", b"{}")
    lab.source.unbind(trigger, ARN + "f")
    with pytest.raises(NoRespondersError):
        lab.client.request("f", b"{}")
