"""How many messages go into a batch, and how many batches run at once."""

import threading
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.sqs_poller import SqsPoller
from emulator.model import Call, InvocationResult
from tests.aws.conftest import Aws
from tests.event_sources.conftest import FakeInvoker, answered, settle
from tests.event_sources.sqs.sqs_lab import ERROR, WAIT_S, Queue, bind, bodies, received


def test_a_batch_is_no_larger_than_batch_size(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q")
    queue.send_all([str(number) for number in range(5)])
    bind(around, queue, batch_size=2)
    settle(around)
    assert sorted(len(bodies(call)) for call in invoker.calls) == [1, 2, 2]


def test_what_a_reader_leaves_when_fewer_are_allowed_is_run_by_another(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    aws.clock.freeze(True)
    are_reading, go_on, has_gathered = threading.Barrier(2), threading.Event(), threading.Event()
    receive, gather = SqsPoller._receive, SqsPoller._gather

    def read_with_another(self: SqsPoller, *arguments: Any) -> Any:
        """The first two readers meet; the one that found nothing ends after the other one."""
        found = receive(self, *arguments)
        if not go_on.is_set():
            are_reading.wait(WAIT_S)
            go_on.set()
            if not found or not found.messages:
                assert has_gathered.wait(WAIT_S)
        return found

    def gather_and_shrink(self: SqsPoller, *arguments: Any) -> None:
        gather(self, *arguments)
        with self._lock:
            self._pace.shrink(self._readers)

    def end(self: SqsPoller, seen: int | None = None) -> bool:
        try:
            return original_end(self, seen)
        finally:
            has_gathered.set()

    original_end = SqsPoller._end
    monkeypatch.setattr(SqsPoller, "_receive", read_with_another)
    monkeypatch.setattr(SqsPoller, "_gather", gather_and_shrink)
    monkeypatch.setattr(SqsPoller, "_end", end)
    queue.send("1")
    mapping = bind(around, queue, batch_size=1, window_s=300)
    around.mappings.declare(mapping)  # wakes a second reader
    settle(around)
    assert [bodies(call) for call in invoker.calls] == [["1"]]


def test_a_window_gathers_from_its_first_record_on(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    bind(around, queue, batch_size=100, window_s=20)
    aws.clock.freeze(True)
    queue.send("1")
    settle(around)
    aws.clock.advance(19)
    queue.send("2")
    settle(around)
    assert invoker.calls == []
    aws.clock.advance(1)
    settle(around)
    assert [bodies(call) for call in invoker.calls] == [["1", "2"]]
    queue.send("3")
    settle(around)
    aws.clock.advance(19)
    settle(around)
    assert len(invoker.calls) == 1
    aws.clock.advance(1)
    settle(around)
    assert [bodies(call) for call in invoker.calls] == [["1", "2"], ["3"]]
    assert queue.counts() == (0, 0)


def test_a_full_batch_closes_its_window(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    aws.clock.freeze(True)
    queue.send_all([str(number) for number in range(30)])
    bind(around, queue, batch_size=25, window_s=300)
    settle(around)
    assert [len(bodies(call)) for call in invoker.calls] == [25]
    aws.clock.advance(300)
    settle(around)
    assert [len(bodies(call)) for call in invoker.calls] == [25, 5]


def test_an_event_is_never_larger_than_six_megabytes(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q", MaximumMessageSize="1048576")
    for number in range(8):
        queue.send(str(number) + "x" * 1_000_000)
    bind(around, queue)
    settle(around)
    assert len(received(invoker)) == 8
    assert len(invoker.calls) >= 2
    assert max(len(call.payload) for call in invoker.calls) <= 6_291_456
    assert queue.counts() == (0, 0)


def test_the_window_s_batch_obeys_six_megabytes_too(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q", MaximumMessageSize="1048576", VisibilityTimeout="600")
    aws.clock.freeze(True)
    for number in range(8):
        queue.send(str(number) + "x" * 1_000_000)
    bind(around, queue, batch_size=1000, window_s=10)
    settle(around)
    assert [len(bodies(call)) for call in invoker.calls] == [6]
    aws.clock.advance(10)
    settle(around)
    assert [len(bodies(call)) for call in invoker.calls] == [6, 2]


def test_groups_keep_their_order_and_a_failed_one_blocks_itself_only(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws
) -> None:
    queue = Queue(sqs, "q.fifo", VisibilityTimeout="30")
    aws.clock.freeze(True)
    for number in range(12):
        queue.send(f"a{number}", MessageGroupId="a")
        queue.send(f"b{number}", MessageGroupId="b")
    failing = {"a"}
    invoker.answer = lambda call: (
        ERROR if any(body[0] in failing for body in bodies(call)) else answered()
    )
    bind(around, queue, batch_size=5)
    settle(around)
    in_order = [f"{group}{number}" for group in "ab" for number in range(12)]
    assert [body for body in received(invoker) if body[0] == "b"] == in_order[12:]
    assert [body for body in received(invoker) if body[0] == "a"] == in_order[:5]
    failing.clear()
    aws.clock.advance(30)
    settle(around)
    assert [body for body in received(invoker) if body[0] == "a"][5:] == in_order[:12]
    assert queue.counts() == (0, 0)


def test_one_batch_of_a_group_at_a_time(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q.fifo")
    running: set[str] = set()
    lock = threading.Lock()
    clashes: list[str] = []

    def answer(call: Call) -> InvocationResult:
        groups = {body[0] for body in bodies(call)}
        with lock:
            clashes.extend(groups & running)
            running.update(groups)
        threading.Event().wait(0.005)
        with lock:
            running.difference_update(groups)
        return answered()

    invoker.answer = answer
    for number in range(20):
        for group in "abc":
            queue.send(f"{group}{number}", MessageGroupId=group)
    bind(around, queue, batch_size=2)
    settle(around)
    assert clashes == []
    assert len(received(invoker)) == 60


def test_maximum_concurrency_caps_what_runs_at_once(
    around: Surroundings, invoker: FakeInvoker, sqs: Any
) -> None:
    queue = Queue(sqs, "q")
    queue.send_all([str(number) for number in range(40)])
    lock, running, most = threading.Lock(), [0], [0]

    def answer(call: Call) -> InvocationResult:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.02)
        with lock:
            running[0] -= 1
        return answered()

    invoker.answer = answer
    bind(around, queue, batch_size=2, maximum_concurrency=2)
    settle(around)
    assert most[0] == 2


@pytest.mark.parametrize(
    ("options", "first", "then"),
    [
        ({}, 5, 10),
        ({"maximum_concurrency": 7}, 5, 7),
        ({"minimum_pollers": 2, "maximum_pollers": 2}, 20, 20),
    ],
)
def test_more_batches_run_the_longer_messages_wait(
    around: Surroundings,
    invoker: FakeInvoker,
    sqs: Any,
    aws: Aws,
    options: dict[str, int],
    first: int,
    then: int,
) -> None:
    queue = Queue(sqs, "q", VisibilityTimeout="600")
    queue.send_all([str(number) for number in range(50)])
    aws.clock.freeze(True)
    changed, is_done, running = threading.Condition(), threading.Event(), [0]

    def answer(_: Call) -> InvocationResult:
        with changed:
            running[0] += 1
            changed.notify_all()
        assert is_done.wait(WAIT_S)
        return answered()

    def wait_for(number: int) -> bool:
        with changed:
            return changed.wait_for(lambda: running[0] >= number, WAIT_S)

    invoker.answer = answer
    bind(around, queue, batch_size=1, **options)
    assert wait_for(first)
    assert queue.counts() == (50 - first, first)
    aws.clock.advance(1)
    assert wait_for(then)
    assert queue.counts() == (50 - then, then)
    is_done.set()
    settle(around)
    assert queue.counts() == (0, 0)
