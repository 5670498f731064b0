"""The connection that comes and goes, and what is bound."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.nats import NatsEvents
from emulator.model import Call
from emulator.model.triggers.nats import NatsTrigger
from emulator.storage import Documents
from tests.event_sources.conftest import FakeInvoker, answered
from tests.event_sources.nats.nats_lab import ARN, Lab, context, started
from tests.nats_server import (
    NatsClient,
    NatsServer,
    far_away,
    needs_server,
    wait_until,
)

pytestmark = needs_server


@pytest.fixture
def far_lab(
    nats: tuple[NatsServer, NatsClient], around: Surroundings, invoker: FakeInvoker
) -> Iterator[Lab]:
    """On a server that answers late, so that nothing has come yet when it should be waited for."""
    with far_away(nats[0], 0.1) as url, started(nats, replace(around, nats_url=url)) as lab:
        yield lab


def has_no_responders(lab: Lab, subject: str) -> bool:
    from nats.errors import NoRespondersError, TimeoutError

    try:
        lab.client.run(lab.client.nats.request(subject, b"", timeout=0.05))
    except NoRespondersError:
        return True
    except TimeoutError:
        return False
    return False


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
