"""A response between the thread that makes it and the thread that reads it."""

import select
import threading

import pytest

from emulator.invoke.response_channel import CAPACITY_BYTES, ResponseChannel
from emulator.invoke.streams import Streams
from emulator.model import InvocationResult, LambdaError, Status
from tests.api.lab import result_of

FAILED = result_of(b"{}", status=Status.ERROR, function_error="Unhandled")


def is_ringing(channel: ResponseChannel) -> bool:
    return bool(select.select([channel.fileno()], [], [], 0)[0])


def test_what_was_written_is_read_until_the_end() -> None:
    channel = ResponseChannel()
    channel.begin("text/plain")
    channel.wait_begun()
    reader = iter(channel)
    channel.write(b"one ")
    assert next(reader) == b"one "
    channel.write(b"two ")
    channel.write(b"three")
    assert next(reader) == b"two three"
    result = result_of(b"kept")
    channel.finish(result)
    assert list(reader) == []
    assert channel.result is result


def test_an_answer_that_was_not_streamed_is_read_whole() -> None:
    channel = ResponseChannel()
    channel.finish(result_of(b'"all"'))
    channel.wait_begun()
    assert channel.content_type == "application/json"
    assert list(channel) == [b'"all"']


def test_an_empty_stream_is_empty() -> None:
    channel = ResponseChannel()
    channel.begin("text/plain")
    channel.write(b"")
    channel.finish(result_of(b""))
    assert list(channel) == []


def test_a_failure_before_the_first_byte_has_no_content_type() -> None:
    channel = ResponseChannel()
    channel.finish(FAILED)
    channel.wait_begun()
    assert channel.content_type is None
    assert list(channel) == []


def test_a_full_channel_rings_when_it_was_read() -> None:
    channel = ResponseChannel()
    channel.begin("text/plain")
    assert channel.write(bytes(CAPACITY_BYTES - 1))
    assert not channel.write(b"x")
    assert not is_ringing(channel)
    assert len(next(iter(channel))) == CAPACITY_BYTES
    assert is_ringing(channel)
    channel.resume()
    assert not is_ringing(channel)
    assert channel.write(b"more")
    channel.finish(result_of(b""))


def test_who_writes_to_a_reader_that_went_is_not_held_up() -> None:
    channel = ResponseChannel()
    channel.begin("text/plain")
    assert not channel.write(bytes(CAPACITY_BYTES))
    channel.abandon()
    assert is_ringing(channel)
    assert all(channel.write(bytes(CAPACITY_BYTES)) for _ in range(3))
    channel.finish(result_of(b""))
    channel.abandon()


def test_nothing_is_returned_before_the_response_has_begun() -> None:
    go_on = threading.Event()

    def run(channel: ResponseChannel) -> InvocationResult:
        channel.begin("text/plain")
        assert go_on.wait(5)
        channel.write(b"last")
        return result_of(b"")

    streams = Streams()
    channel = streams.start(run)  # while the function has not ended
    go_on.set()
    assert list(channel) == [b"last"]
    streams.stop(5)


def test_the_reason_why_nothing_ran_is_raised() -> None:
    def run(_: ResponseChannel) -> InvocationResult:
        raise LambdaError("TooManyRequestsException", "Rate Exceeded.")

    streams = Streams()
    with pytest.raises(LambdaError, match="Rate Exceeded"):
        streams.start(run)
    streams.stop(5)


def test_a_bug_of_ours_is_told_to_the_caller_who_waits() -> None:
    def run(_: ResponseChannel) -> InvocationResult:
        raise ZeroDivisionError

    streams = Streams()
    with pytest.raises(LambdaError, match="log has the cause"):
        streams.start(run)
    streams.stop(5)
