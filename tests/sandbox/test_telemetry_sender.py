"""Telemetry on its way to real listeners."""

import errno
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.runtime_api import Destination
from emulator.sandbox.telemetry_sender import TelemetrySender
from emulator.sandbox.telemetry_subscriber import Subscriber
from tests.sandbox.telemetry_listener import TIMEOUT_S, listening, subscription


@pytest.fixture
def sender() -> Iterator[TelemetrySender]:
    made = TelemetrySender()
    yield made
    made.stop()
    assert "telemetry" not in [thread.name for thread in threading.enumerate()]


def subscribed(sender: TelemetrySender, port: int, **changes: Any) -> Subscriber:
    return Subscriber("e", subscription(port, **changes), sender.look_at, lambda: "now")


def tell(subscriber: Subscriber, *records: str) -> None:
    for record in records:
        subscriber.add({"time": "t", "type": "function", "record": record})


def test_a_batch_is_one_request_with_an_array(sender: TelemetrySender) -> None:
    with listening() as (listener, port):
        where = Destination(host="sandbox", port=port, path="/in?a=1", method="PUT")
        subscriber = subscribed(sender, port, destination=where)
        tell(subscriber, "one", "é")
        subscriber.flush()
        assert listener.batch() == [
            {"time": "t", "type": "function", "record": "one"},
            {"time": "t", "type": "function", "record": "é"},
        ]
        assert listener.requests == [f"PUT /in?a=1 sandbox:{port}"]
        tell(subscriber, "three")
        subscriber.flush()
        assert listener.records() == ["three"]
        assert subscriber.wait_until_delivered(TIMEOUT_S)
        assert not subscriber.is_delivering


def test_over_tcp_each_record_is_a_line(sender: TelemetrySender) -> None:
    with listening(tcp=True) as (listener, port):
        subscriber = subscribed(sender, port, tcp=True)
        for record in ("one", "two"):
            tell(subscriber, record)
            subscriber.flush()
            assert listener.records() == [record]
        subscriber.close()


def test_records_go_by_themselves_when_their_time_is_over(sender: TelemetrySender) -> None:
    with listening() as (listener, port):
        tell(subscribed(sender, port, timeout_ms=25), "late")
        assert listener.records() == ["late"]


def test_a_full_batch_goes_at_once(sender: TelemetrySender) -> None:
    with listening() as (listener, port):
        subscriber = subscribed(sender, port)
        tell(subscriber, *[str(number) for number in range(1_001)])
        first = listener.records()
        subscriber.flush()
        rest = listener.records()
        assert first + rest == [str(number) for number in range(1_001)]
        assert len(first) == 1_000


def test_a_batch_that_is_refused_comes_again_in_order(sender: TelemetrySender) -> None:
    with listening() as (listener, port):
        listener.statuses = [500, 503]
        subscriber = subscribed(sender, port)
        tell(subscriber, "one", "two")
        subscriber.flush()
        assert [listener.records() for _ in range(3)] == [["one", "two"]] * 3
        assert subscriber.wait_until_delivered(TIMEOUT_S)


def test_a_listener_that_answers_oddly_disturbs_no_other(sender: TelemetrySender) -> None:
    odd = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server, listening() as (listener, port):
        server.settimeout(TIMEOUT_S)
        odd_one, other = subscribed(sender, server.getsockname()[1]), subscribed(sender, port)
        tell(odd_one, "one")
        odd_one.flush()
        for _ in range(2):  # not delivered, so it comes again
            connection, _ = server.accept()
            with connection:
                assert connection.recv(65_536)
                connection.sendall(odd)
        tell(other, "one")
        other.flush()
        assert listener.records() == ["one"]
        odd_one.close()


def test_who_listens_later_misses_nothing(sender: TelemetrySender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    subscriber = subscribed(sender, port)
    tell(subscriber, "one")
    subscriber.flush()
    assert not subscriber.wait_until_delivered(0.1)
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(TIMEOUT_S)
        connection, _ = server.accept()
        with connection:
            assert connection.recv(65_536).startswith(b"POST / HTTP/1.1\r\n")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
            assert subscriber.wait_until_delivered(TIMEOUT_S)


def test_what_is_held_waits_but_for_what_was_flushed(sender: TelemetrySender) -> None:
    with listening() as (listener, port):
        subscriber = subscribed(sender, port, timeout_ms=25)
        tell(subscriber, "done")
        subscriber.flush()
        subscriber.hold()
        tell(subscriber, "report")
        assert listener.records() == ["done"]
        assert not subscriber.wait_until_delivered(0.1)
        assert not subscriber.is_delivering
        subscriber.release()
        assert listener.records() == ["report"]


def test_a_listener_that_does_not_keep_up_is_told_what_it_lost(sender: TelemetrySender) -> None:
    with listening() as (listener, port):
        listener.may_answer.clear()
        subscriber = subscribed(sender, port, timeout_ms=25)
        tell(subscriber, *["x" * 200_000] * 20)
        listener.may_answer.set()
        got: list[Any] = []
        while not got or got[-1]["type"] != "platform.logsDropped":
            got += listener.batch()
        lost = got[-1]["record"]
        assert lost["reason"].startswith("Consumer seems to have fallen behind")
        assert lost["droppedRecords"] == 20 - (len(got) - 1)
        assert lost["droppedBytes"] > lost["droppedRecords"] * 200_000


def test_a_listener_that_hangs_delays_no_other(sender: TelemetrySender) -> None:
    with listening() as (slow, slow_port), listening() as (fast, fast_port):
        slow.may_answer.clear()
        hanging, quick = subscribed(sender, slow_port), subscribed(sender, fast_port)
        for subscriber in (hanging, quick):
            tell(subscriber, "one")
            subscriber.flush()
        assert fast.records() == ["one"]
        assert hanging.is_delivering
        hanging.close()
        assert hanging.wait_until_delivered(0)


def test_there_is_no_thread_before_the_first_subscription() -> None:
    sender = TelemetrySender()
    assert "telemetry" not in [thread.name for thread in threading.enumerate()]
    sender.stop()


def test_a_machine_without_descriptors_delays_but_loses_nothing(
    sender: TelemetrySender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with listening() as (listener, port):
        subscriber = subscribed(sender, port)
        with monkeypatch.context() as patch:
            patch.setattr(socket, "socketpair", refuse)
            tell(subscriber, "one")
        tell(subscriber, "two")
        subscriber.flush()
        assert listener.records() == ["one", "two"]


def test_a_stopped_sender_takes_nothing_any_more(sender: TelemetrySender) -> None:
    with listening() as (_, port):
        subscriber = subscribed(sender, port)
        sender.stop()
        tell(subscriber, "one")
        subscriber.flush()
        assert not subscriber.wait_until_delivered(0.05)
