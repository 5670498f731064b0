"""Accepted events that outlive the process: each is run at least once."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulator.model import EventInvokeConfig, Invocation, InvocationResult, LambdaError
from emulator.storage import EventJournal, StorageError

if TYPE_CHECKING:
    from tests.invoke.conftest import Workbench

MakeBench = Callable[..., "Workbench"]


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Callable[[], EventJournal]]:
    """The journal, as the next process finds it: the one before was killed and closed nothing."""
    opened = []

    def open_journal() -> EventJournal:
        opened.append(EventJournal(tmp_path / "events"))
        return opened[-1]

    yield open_journal
    for journal in opened:
        journal.close()


def start(make_bench: MakeBench, journal: EventJournal, outcome: InvocationResult) -> Any:
    bench = make_bench(journal)
    bench.clock.freeze(True)
    bench.deploy("orders", lambda _: outcome)
    return bench


def test_an_event_that_is_over_is_forgotten(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], success: InvocationResult
) -> None:
    bench = start(make_bench, open_journal(), success)
    bench.accept()
    bench.settle()
    assert open_journal().found() == []


def test_an_event_goes_on_where_the_killed_process_was(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], failure: InvocationResult
) -> None:
    killed = start(make_bench, open_journal(), failure)
    request_id = killed.accept(payload=b"[1]", qualifier="prod", source="s3", cause="key")
    killed.settle()
    (before,) = killed.records.newest()
    killed.clock.advance(50)  # another 10 s to the first retry

    bench = start(make_bench, open_journal(), failure)
    bench.clock.advance(killed.clock.now() - bench.clock.now())
    assert bench.invoker.resume() == 1
    bench.settle()
    assert bench.records.newest() == []
    assert bench.invoker.backlog().oldest_age_s == pytest.approx(50, abs=0.1)
    for seconds in (11, 121):
        bench.clock.advance(seconds)
        bench.settle()
    third, second = bench.records.newest()
    assert (second.attempt, third.attempt) == (2, 3)
    for after in (second, third):
        assert after.request_id == request_id
        assert after.invocation.payload == b"[1]"
        assert after.invocation.invoked_arn == before.invocation.invoked_arn
        assert after.invocation.trace_header == before.invocation.trace_header
        assert (after.source, after.cause) == ("s3", "key")
        assert after.accepted_at == before.accepted_at
    assert bench.invoker.backlog().given_up == 1
    assert open_journal().found() == []


def test_an_event_that_was_running_runs_again(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], success: InvocationResult
) -> None:
    journal = open_journal()
    seen: list[Invocation] = []

    def handler(invocation: Invocation) -> InvocationResult:
        (kept,) = open_journal().found()  # while it runs it is on disk
        seen.append(invocation)
        assert kept.state["request_id"] == invocation.request_id
        return success

    bench = make_bench(journal)
    bench.deploy("orders", handler)
    bench.accept()
    bench.settle()
    assert len(seen) == 1


def test_an_event_is_not_younger_than_new_and_waits_no_longer_than_lambda_would(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], failure: InvocationResult
) -> None:
    killed = start(make_bench, open_journal(), failure)
    killed.clock.advance(1_000_000)  # the next process knows nothing of that
    killed.accept()
    killed.settle()
    bench = start(make_bench, open_journal(), failure)
    bench.invoker.resume()
    backlog = bench.invoker.backlog()
    assert backlog.oldest_age_s == 0
    assert backlog.next_due_s == pytest.approx(300)


def test_a_reset_empties_the_journal(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], failure: InvocationResult
) -> None:
    bench = start(make_bench, open_journal(), failure)
    bench.accept()
    bench.settle()
    bench.invoker.reset()
    assert open_journal().found() == []


def test_what_is_refused_because_of_a_stop_is_not_kept(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], success: InvocationResult
) -> None:
    bench = start(make_bench, open_journal(), success)
    bench.invoker.stop(1)
    with pytest.raises(LambdaError, match="stopping"):
        bench.accept()
    assert open_journal().found() == []


class FullJournal(EventJournal):
    """One on a disk that has no space while `is_full`."""

    is_full = True

    def _check(self) -> None:
        if self.is_full:
            raise StorageError("events: No space left on device")

    def add(self, *arguments: Any) -> int:  # type: ignore[explicit-override]
        self._check()
        return super().add(*arguments)

    def remove(self, *arguments: Any) -> None:  # type: ignore[explicit-override]
        self._check()
        super().remove(*arguments)


def test_a_full_disk_refuses_who_can_come_again_and_serves_who_cannot(
    make_bench: MakeBench, tmp_path: Path, success: InvocationResult
) -> None:
    journal = FullJournal(tmp_path / "events")
    bench = start(make_bench, journal, success)
    with pytest.raises(LambdaError, match="No space left on device") as refused:
        bench.accept()
    assert refused.value.code == "ServiceException"
    bench.accept(source="s3")
    bench.settle()
    assert [record.source for record in bench.records.newest()] == ["s3"]
    assert len(bench.lines("event.not_written")) == 1
    journal.close()


def test_what_could_not_be_removed_is_removed_later(
    make_bench: MakeBench, tmp_path: Path, success: InvocationResult
) -> None:
    journal = FullJournal(tmp_path / "events")
    bench = start(make_bench, journal, success)

    def handler(_: Invocation) -> InvocationResult:
        journal.is_full = True
        return success

    journal.is_full = False
    bench.deploy("orders", handler)
    bench.accept()
    bench.settle()
    assert len(EventJournal(tmp_path / "events").found()) == 1
    journal.is_full = False
    bench.deploy("orders", lambda _: success)
    bench.accept()
    bench.settle()
    assert EventJournal(tmp_path / "events").found() == []
    journal.close()


def test_an_event_is_kept_until_its_record_is_sent(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], success: InvocationResult
) -> None:
    is_reached, release = threading.Event(), threading.Event()

    def hang() -> None:
        is_reached.set()
        assert release.wait(10)

    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    bench = start(make_bench, open_journal(), success)
    bench.functions.settings["invoke_config"] = EventInvokeConfig(on_success=queue)
    bench.destinations.on_send[queue] = hang
    bench.accept()
    assert is_reached.wait(10)
    assert len(open_journal().found()) == 1
    release.set()
    bench.settle()
    assert open_journal().found() == []


def test_the_last_answer_of_a_failing_event_is_kept_too(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], failure: InvocationResult
) -> None:
    killed = start(make_bench, open_journal(), failure)
    killed.accept()
    killed.settle()

    bench = make_bench(open_journal(), account_concurrency=0)  # it never runs again
    bench.functions.settings["invoke_config"] = EventInvokeConfig(on_failure="arn:aws:sqs:::q")
    bench.deploy("orders")
    bench.invoker.resume()
    bench.clock.advance(6 * 3600)
    bench.settle()
    [message] = bench.destinations.sent
    record = json.loads(message.body)
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["responsePayload"] == {"errorType": "KeyError"}


def test_what_a_service_hands_over_during_a_stop_runs_in_the_next_process(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], success: InvocationResult
) -> None:
    stopped = start(make_bench, open_journal(), success)
    stopped.invoker.stop(0)
    request_id = stopped.accept(source="destination")
    bench = start(make_bench, open_journal(), success)
    assert bench.invoker.resume() == 1
    bench.settle()
    assert [record.request_id for record in bench.records.newest()] == [request_id]


def test_what_is_accepted_before_the_earlier_events_are_taken_over_runs_once(
    make_bench: MakeBench, open_journal: Callable[[], EventJournal], success: InvocationResult
) -> None:
    killed = start(make_bench, open_journal(), success)
    killed.invoker.stop(0)
    earlier = killed.accept(source="s3")

    bench = start(make_bench, open_journal(), success)
    is_running, release = threading.Event(), threading.Event()

    def handler(_: Invocation) -> InvocationResult:
        is_running.set()
        assert release.wait(10)
        return success

    bench.deploy("orders", handler)
    new = bench.accept()  # the door is open already
    assert is_running.wait(10)
    assert bench.invoker.resume() == 1
    release.set()
    bench.settle()
    assert sorted(record.request_id for record in bench.records.newest()) == sorted([earlier, new])
    assert open_journal().found() == []


def test_a_last_attempt_that_a_stop_breaks_off_comes_again(
    make_bench: MakeBench,
    open_journal: Callable[[], EventJournal],
    success: InvocationResult,
    failure: InvocationResult,
) -> None:
    is_running, is_killed = threading.Event(), threading.Event()

    def handler(_: Invocation) -> InvocationResult:
        is_running.set()
        assert is_killed.wait(10)
        return failure

    stopped = start(make_bench, open_journal(), failure)
    stopped.deploy("orders", handler)
    stopped.functions.settings["invoke_config"] = EventInvokeConfig(retries=0)
    request_id = stopped.accept()
    assert is_running.wait(10)
    assert stopped.invoker.stop(0) == 1
    is_killed.set()  # as the sandbox does to what has not finished by then
    stopped.settle()

    bench = start(make_bench, open_journal(), success)
    assert bench.invoker.resume() == 1
    bench.settle()
    assert [record.request_id for record in bench.records.newest()] == [request_id]
