"""Against a real NATS server; the invoker is a fake one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from emulator.event_sources import Alarms, Surroundings
from emulator.event_sources.nats import NatsEvents
from emulator.event_sources.nats.backlog import Backlog
from emulator.event_sources.nats.held import retry_delay_s
from emulator.event_sources.nats.messages import (
    HEADERS_CHARS,
    NatsMessage,
    client_context_of,
    event_of,
)
from emulator.model import Call, Clock, LambdaError
from emulator.model.triggers.nats import NatsTrigger
from emulator.observe import Activity, Reporter
from emulator.storage import Documents
from tests.event_sources.conftest import FakeInvoker, answered
from tests.nats_server import (
    NatsClient,
    NatsServer,
    far_away,
    needs_server,
    running_nats,
    wait_until,
)

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


class Lab:
    """A source on a real server, with a clock of its own."""

    def __init__(self, server: NatsServer, client: NatsClient, around: Surroundings) -> None:
        self.server, self.client = server, client
        self.around = around
        self.invoker = around.invoker
        self.clock, self.activity = around.clock, around.activity
        self.source = NatsEvents(around)

    def settle(self) -> None:
        self.source.catch_up()
        assert self.activity.wait_idle(10), self.activity.pending()

    def bind(self, subject: str, function: str = "f", **options: Any) -> NatsTrigger:
        consumer = {"consumer": function} if "stream" in options else {}
        trigger = NatsTrigger(subject=subject, **consumer | options)
        self.source.bind(trigger, ARN + function)
        return trigger


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NatsServer, NatsClient]]:
    with running_nats(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def output() -> StringIO:
    return StringIO()


@pytest.fixture
def around(surroundings: Surroundings, output: StringIO) -> Iterator[Surroundings]:
    clock = Clock()
    reporter = Reporter(output, "text")
    alarms = Alarms(clock, reporter)
    activity = Activity(clock)
    yield replace(surroundings, clock=clock, alarms=alarms, reporter=reporter, activity=activity)
    alarms.stop()
    reporter.stop()
    assert activity.pending() == {}
    assert "traceback" not in output.getvalue(), output.getvalue()


@pytest.fixture
def lab(
    nats: tuple[NatsServer, NatsClient], around: Surroundings, invoker: FakeInvoker
) -> Iterator[Lab]:
    with started(nats, replace(around, nats_url=nats[0].url)) as lab:
        yield lab


@pytest.fixture
def far_lab(
    nats: tuple[NatsServer, NatsClient], around: Surroundings, invoker: FakeInvoker
) -> Iterator[Lab]:
    """On a server that answers late, so that nothing has come yet when it should be waited for."""
    with far_away(nats[0], 0.1) as url, started(nats, replace(around, nats_url=url)) as lab:
        yield lab


@contextmanager
def started(nats: tuple[NatsServer, NatsClient], around: Surroundings) -> Iterator[Lab]:
    lab = Lab(*nats, around)
    lab.source.start()
    yield lab
    lab.around.alarms.stop()
    lab.source.stop(5)
    assert [one.name for one in threading.enumerate() if one.name.startswith("nats-r")] == []


def context(call: Call) -> dict[str, Any]:
    assert call.client_context is not None
    nats: dict[str, Any] = json.loads(call.client_context)["custom"]["nats"]
    return nats


def has_no_responders(lab: Lab, subject: str) -> bool:
    from nats.errors import NoRespondersError, TimeoutError

    try:
        lab.client.run(lab.client.nats.request(subject, b"", timeout=0.05))
    except NoRespondersError:
        return True
    except TimeoutError:
        return False
    return False


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


def test_a_failed_message_waits_twice_as_long_each_time_up_to_a_minute() -> None:
    assert [retry_delay_s(n) for n in (1, 2, 3, 6, 7, 8, 10_000)] == [1, 2, 4, 32, 60, 60, 60]


def test_a_consumer_is_behind_until_the_last_message_it_holds_has_come() -> None:
    backlog = Backlog.at(delivered=7)
    assert not backlog.is_behind
    backlog.on_info(delivered=7, pending=2)
    assert backlog.is_behind
    backlog.on_delivery(8, pending=1)
    assert backlog.is_behind
    backlog.on_delivery(9, pending=0)
    assert not backlog.is_behind
    backlog.on_returned()
    assert backlog.is_behind
    backlog.on_delivery(10, pending=0)
    assert not backlog.is_behind


# Core NATS.


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


# JetStream.


def test_a_stored_message_is_acknowledged_when_its_function_succeeded(
    lab: Lab, invoker: FakeInvoker
) -> None:
    lab.client.add_stream("GOOD", "good.>")
    lab.client.store("good.before", b"1")
    lab.bind("good.>", stream="GOOD", consumer="c")
    sequence = lab.client.store("good.x", b"hello", headers={"A": "b"})
    lab.settle()
    assert [call.payload for call in invoker.calls] == [b"1", b'"hello"']
    assert context(invoker.calls[1]) == {
        "subject": "good.x",
        "reply": None,
        "headers": {"A": "b"},
        "stream": "GOOD",
        "consumer": "c",
        "sequence": sequence,
        "redeliveries": 0,
    }
    assert invoker.calls[1].cause == f"GOOD:{sequence}"
    assert lab.client.unfinished("GOOD", "c") == 0


def test_many_stored_messages_are_all_settled(lab: Lab, invoker: FakeInvoker) -> None:
    lab.client.add_stream("MANY", "many")
    lab.bind("many", stream="MANY")
    for number in range(300):
        lab.client.store("many", str(number).encode())
    lab.settle()
    assert sorted(int(call.payload) for call in invoker.calls) == list(range(300))
    assert lab.client.unfinished("MANY", "f") == 0


def test_a_failed_message_is_delivered_again_on_the_clock_and_then_a_dead_letter(
    lab: Lab, invoker: FakeInvoker, output: StringIO
) -> None:
    invoker.answer = lambda call: answered(b'{"errorMessage":"no"}', "Unhandled")
    lab.clock.freeze(True)
    lab.client.add_stream("BAD", "bad", "bad.dead")
    lab.bind("bad", stream="BAD", max_deliver=3, dead_letter="bad.dead")
    sequence = lab.client.store("bad", b"\xff", headers={"A": "b", "Nats-Msg-Id": "1"})
    lab.settle()
    assert [context(call)["redeliveries"] for call in invoker.calls] == [0]
    lab.clock.advance(1)
    lab.settle()
    assert [context(call)["redeliveries"] for call in invoker.calls] == [0, 1]
    lab.clock.advance(1.9)
    lab.settle()
    assert len(invoker.calls) == 2
    assert lab.client.unfinished("BAD", "f") == 1
    lab.clock.advance(0.1)
    lab.settle()
    assert [context(call)["redeliveries"] for call in invoker.calls] == [0, 1, 2]
    assert lab.client.unfinished("BAD", "f") == 0
    letter = lab.client.stored("BAD", sequence + 1)
    assert (letter.subject, letter.data) == ("bad.dead", b"\xff")
    assert letter.headers == {
        "A": "b",
        "Lambda-Subject": "bad",
        "Lambda-Stream": "BAD",
        "Lambda-Sequence": str(sequence),
        "Lambda-Deliveries": "3",
        "Lambda-Error": "Function.Error",
    }
    wait_until(lambda: "nats.given_up" in output.getvalue())


def test_a_throttled_message_is_tried_again_until_it_runs(lab: Lab, invoker: FakeInvoker) -> None:
    def refuse_once(call: Call) -> None:
        if len(invoker.calls) == 1:
            raise LambdaError("TooManyRequestsException", "Rate Exceeded.")

    invoker.on_call = refuse_once
    lab.clock.freeze(True)
    lab.client.add_stream("THROTTLED", "throttled")
    lab.bind("throttled", stream="THROTTLED")
    lab.client.store("throttled", b"1")
    lab.settle()
    lab.clock.advance(1)
    lab.settle()
    assert len(invoker.calls) == 2
    assert lab.client.unfinished("THROTTLED", "f") == 0


def test_a_function_that_runs_longer_than_the_ack_wait_keeps_its_message(
    lab: Lab, invoker: FakeInvoker
) -> None:
    pause = threading.Event()
    invoker.on_call = lambda call: pause.wait(1.0)
    lab.client.add_stream("LONG", "long")
    lab.bind("long", stream="LONG", ack_wait_s=0.3)
    lab.client.store("long", b"1")
    lab.settle()
    assert len(invoker.calls) == 1
    assert lab.client.deliveries("LONG", "f") == 1
    assert lab.client.unfinished("LONG", "f") == 0


def test_a_message_whose_last_attempt_was_interrupted_becomes_a_dead_letter(
    lab: Lab, invoker: FakeInvoker
) -> None:
    lab.client.add_stream("CUT", "cut", "cut.dead")
    lab.client.store("cut", b"1")
    jetstream = lab.client.jetstream
    pull = lab.client.run(jetstream.pull_subscribe("cut", durable="f", stream="CUT"))
    (message,) = lab.client.run(pull.fetch(1))  # by an emulator that is killed now
    lab.client.run(message.nak())
    lab.bind("cut", stream="CUT", max_deliver=1, dead_letter="cut.dead")
    lab.settle()
    assert invoker.calls == []
    letter = lab.client.stored("CUT", 2)
    assert (letter.data, letter.headers["Lambda-Error"]) == (b"1", "interrupted")


def test_a_consumer_reads_on_where_it_stopped(lab: Lab, invoker: FakeInvoker) -> None:
    lab.client.add_stream("ON", "on")
    trigger = lab.bind("on", stream="ON")
    lab.client.store("on", b"1")
    lab.settle()
    lab.source.unbind(trigger, ARN + "f")
    lab.client.store("on", b"2")
    lab.settle()
    assert [call.payload for call in invoker.calls] == [b"1"]
    lab.source.bind(trigger, ARN + "f")
    lab.settle()
    assert [call.payload for call in invoker.calls] == [b"1", b"2"]


def test_a_stream_that_is_not_there_is_told_once_and_read_when_it_comes(
    lab: Lab, invoker: FakeInvoker, output: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.event_sources.nats.stream_consumer.RETRY_S", 0.05)
    lab.bind("later", stream="LATER")
    (binding,) = lab.source.status().bindings
    assert binding.state == "stream not found"
    wait_until(lambda: 'error="stream not found"' in output.getvalue())
    lab.client.add_stream("LATER", "later")
    lab.client.store("later", b"1")
    wait_until(lambda: invoker.calls)
    assert output.getvalue().count("nats.consumer_failed") == 1
    assert lab.source.status().bindings[0].state == "listening"


def test_a_function_reads_two_subjects_of_a_stream_by_two_consumers(
    lab: Lab, invoker: FakeInvoker
) -> None:
    lab.client.add_stream("TWO", "two.>")
    for subject in ("two.*", "two.deep.>"):
        lab.source.bind(NatsTrigger(subject=subject, stream="TWO"), ARN + "f")
    lab.client.store("two.a", b"1")
    lab.client.store("two.deep.b", b"2")
    lab.settle()
    consumers = {call.payload: context(call)["consumer"] for call in invoker.calls}
    assert consumers == {b"1": "f-two-any", b"2": "f-two-deep-all"}


def test_a_consumer_that_reads_something_else_is_left_alone(lab: Lab) -> None:
    lab.client.add_stream("OTHER", "other.>")
    lab.bind("other.a", stream="OTHER")
    lab.bind("other.b", "g", stream="OTHER", consumer="f")
    states = [binding.state for binding in lab.source.status().bindings]
    assert states == ["listening", 'consumer "f" reads other.a: name another one, or delete it']


def test_a_consumer_that_pushes_is_left_alone(lab: Lab) -> None:
    lab.client.add_stream("PUSH", "push")
    lab.client.run(lab.client.jetstream.add_consumer("PUSH", durable_name="f", deliver_subject="x"))
    lab.bind("push", stream="PUSH")
    (binding,) = lab.source.status().bindings
    assert binding.state == 'consumer "f" is not a pull consumer with explicit acks'


# The connection.


def test_after_the_server_came_back_everything_goes_on(
    lab: Lab, invoker: FakeInvoker, output: StringIO
) -> None:
    lab.client.add_stream("BACK", "back")
    lab.bind("f")
    lab.bind("back", stream="BACK", ack_wait_s=0.3)
    running, release = threading.Event(), threading.Event()

    def hold(call: Call) -> None:
        running.set()
        release.wait(10)

    invoker.on_call = hold
    lab.client.store("back", b"1")
    assert running.wait(10)
    lab.server.stop()
    wait_until(lambda: not lab.source.status().is_connected)
    assert {binding.state for binding in lab.source.status().bindings} == {"waiting for the server"}
    threading.Event().wait(0.4)  # the server's own time: it takes the message for lost
    lab.server.start()
    wait_until(lambda: lab.source.status().is_connected and lab.client.nats.is_connected)
    wait_until(lambda: lab.client.deliveries("BACK", "f") == 2)
    release.set()
    lab.settle()
    assert len(invoker.calls) == 1
    assert lab.client.unfinished("BACK", "f") == 0
    lab.client.store("back", b"2")
    assert lab.client.request("f", b"{}").data == b"null"
    lab.settle()
    assert len(invoker.calls) == 3
    assert output.getvalue().count("No NATS server at") <= 1


def test_without_a_server_it_says_so_once_and_connects_when_one_comes(
    lab: Lab, invoker: FakeInvoker, output: StringIO
) -> None:
    lab.server.stop()
    lab.bind("f")
    assert not lab.source.status().is_connected
    lab.settle()
    lab.server.start()
    wait_until(lambda: lab.source.status().is_connected and lab.client.nats.is_connected)
    lab.client.request("f", b"{}")
    wait_until(lambda: "nats.connected" in output.getvalue())
    assert output.getvalue().count("No NATS server at nats://127.0.0.1:") == 1


def test_a_stop_waits_for_the_replies_of_what_runs(lab: Lab, invoker: FakeInvoker) -> None:
    running, release = threading.Event(), threading.Event()

    def hold(call: Call) -> None:
        running.set()
        release.wait(10)

    invoker.on_call = hold
    lab.bind("f")
    replies: list[bytes] = []
    asking = threading.Thread(target=lambda: replies.append(lab.client.request("f", b"1").data))
    asking.start()
    assert running.wait(10)
    stopping = threading.Thread(target=lab.source.stop, args=(10,))
    stopping.start()
    wait_until(lambda: has_no_responders(lab, "f"))
    stopping.join(0.2)
    assert stopping.is_alive()
    release.set()
    stopping.join(10)
    asking.join(10)
    assert replies == [b"null"]


def test_a_reply_that_ends_while_the_server_is_away_is_sent_when_it_is_back(
    lab: Lab, invoker: FakeInvoker
) -> None:
    running, release = threading.Event(), threading.Event()

    def hold(call: Call) -> None:
        running.set()
        release.wait(10)

    invoker.on_call = hold
    lab.bind("f")
    replies: list[bytes] = []
    asking = threading.Thread(target=lambda: replies.append(lab.client.request("f", b"1").data))
    asking.start()
    assert running.wait(10)
    lab.server.stop()
    wait_until(lambda: not lab.source.status().is_connected)
    release.set()
    lab.server.start()
    asking.join(10)
    assert replies == [b"null"]


def test_settle_waits_for_what_a_far_server_was_given_before(
    far_lab: Lab, invoker: FakeInvoker
) -> None:
    far_lab.bind("far")
    far_lab.client.publish("far", b"1")
    far_lab.settle()
    assert [call.payload for call in invoker.calls] == [b"1"]
    far_lab.client.add_stream("FAR", "stored")
    far_lab.bind("stored", stream="FAR")
    far_lab.client.store("stored", b"2")
    far_lab.client.store("stored", b"3")
    far_lab.settle()
    assert [call.payload for call in invoker.calls] == [b"1", b"2", b"3"]


def test_who_settles_already_waits_for_what_was_given_back_to_a_far_server(
    far_lab: Lab, invoker: FakeInvoker
) -> None:
    invoker.answer = lambda call: answered(b"{}", "Unhandled")
    far_lab.clock.freeze(True)
    far_lab.client.add_stream("AGAIN", "again")
    far_lab.bind("again", stream="AGAIN")
    far_lab.client.store("again", b"1")
    far_lab.settle()
    invoker.answer = lambda call: answered()
    far_lab.clock.advance(1)
    assert far_lab.activity.wait_idle(10)
    assert len(invoker.calls) == 2


def test_a_stop_gives_back_what_waits_for_its_next_attempt(lab: Lab, invoker: FakeInvoker) -> None:
    invoker.answer = lambda call: answered(b"{}", "Unhandled")
    lab.clock.freeze(True)
    lab.client.add_stream("WAITS", "waits")
    lab.bind("waits", stream="WAITS")
    lab.client.store("waits", b"1")
    lab.settle()
    lab.source.stop(5)
    invoker.answer = lambda call: answered()
    second = Lab(lab.server, lab.client, lab.around)
    second.source.start()
    second.bind("waits", stream="WAITS")
    second.settle()
    second.source.stop(5)
    assert [context(call)["redeliveries"] for call in invoker.calls] == [0, 1]


# Bindings.


def test_what_was_bound_by_command_outlives_the_process_until_it_is_unbound(
    lab: Lab, invoker: FakeInvoker, tmp_path: Path
) -> None:
    documents = Documents(tmp_path / "kept.sqlite")
    around = replace(lab.around, documents=documents)
    first = NatsEvents(around)
    trigger = NatsTrigger(subject="kept", stream="KEPT", max_deliver=2, ack_wait_s=1.5)
    assert first.add(trigger, ARN + "f")
    assert not first.add(trigger, ARN + "f")
    first.bind(NatsTrigger(subject="declared"), ARN + "f")
    second = NatsEvents(around)
    assert [(one.trigger, one.function_arn) for one in second.status().bindings] == [
        (trigger, ARN + "f")
    ]
    assert second.remove("kept", "g") == []
    assert len(second.remove("kept", "f")) == 1
    assert NatsEvents(around).status().bindings == ()
    documents.close()


def test_what_the_project_declares_is_not_unbound_by_command(lab: Lab) -> None:
    lab.bind("declared")
    (found,) = lab.source.remove("declared", "f")
    assert found.is_declared
    assert len(lab.source.status().bindings) == 1


def test_a_reset_forgets_all_bindings(lab: Lab) -> None:
    from nats.errors import NoRespondersError

    lab.bind("f")
    lab.source.add(NatsTrigger(subject="g"), ARN + "g")
    lab.source.reset()
    assert lab.source.status().bindings == ()
    for subject in ("f", "g"):
        with pytest.raises(NoRespondersError):
            lab.client.request(subject, b"{}")


def test_nothing_of_nats_is_loaded_before_something_is_bound(lab: Lab) -> None:
    quiet = NatsEvents(lab.around)
    quiet.start()
    before = threading.active_count()
    quiet.catch_up()
    quiet.stop(1)
    assert threading.active_count() == before
