"""Messages of JetStream."""

import threading
from io import StringIO

import pytest
from nats.aio.msg import Msg

from emulator.event_sources.nats.backlog import Backlog
from emulator.event_sources.nats.held import retry_delay_s
from emulator.model import Call, LambdaError
from emulator.model.triggers.nats import NatsTrigger
from tests.event_sources.conftest import FakeInvoker, answered
from tests.event_sources.nats.nats_lab import ARN, Lab, context
from tests.nats_server import (
    needs_server,
    wait_until,
)

pytestmark = needs_server


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
    may_end = threading.Event()
    signs = []  # that it is still being worked on

    async def sees(message: Msg) -> None:
        signs.append(message.data)
        if signs.count(b"+WPI") == 4:  # more of them than go into the ack wait
            may_end.set()

    invoker.on_call = lambda call: may_end.wait(10)
    lab.client.add_stream("LONG", "long")
    lab.client.run(lab.client.nats.subscribe("$JS.ACK.LONG.>", cb=sees))
    lab.bind("long", stream="LONG", ack_wait_s=0.3)
    lab.client.store("long", b"1")
    lab.settle()
    assert may_end.is_set()
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
