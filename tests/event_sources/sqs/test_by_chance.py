"""Random sequences of sends, updates, outcomes and clock moves: nothing is lost, order is kept."""

import json
import random
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.model import Call, InvocationResult, LambdaError
from emulator.model.mapping import EventSourceMapping
from tests.aws.conftest import Aws
from tests.event_sources.conftest import FakeInvoker, answered, settle
from tests.event_sources.sqs.sqs_lab import Queue, bind

VISIBILITY_S = 600  # longer than all windows of a batch together


class Function:
    """Answers as chance has it, and remembers what it got and what it was done with."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.is_reliable = False
        self.lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        self.receive_counts: dict[str, list[int]] = {}
        self.done: list[str] = []
        self.running: set[str] = set()
        self.clashes: set[str] = set()

    def answer(self, call: Call) -> InvocationResult:
        records = json.loads(call.payload)["Records"]
        groups = {r["attributes"]["MessageGroupId"] for r in records if is_fifo(r)}
        with self.lock:
            self.clashes |= groups & self.running
            self.running |= groups
            try:
                return self._answer(records)
            finally:
                self.running -= groups

    def _answer(self, records: list[Any]) -> InvocationResult:
        outcome = "ok" if self.is_reliable else self.chance.choice(["ok", "error", "part", "full"])
        if outcome == "full":
            raise LambdaError("TooManyRequestsException", "Rate Exceeded.")
        for record in records:
            count = int(record["attributes"]["ApproximateReceiveCount"])
            self.receive_counts.setdefault(record["body"], []).append(count)
        if outcome == "error":
            return answered(b"{}", "Unhandled")
        # As a handler of a FIFO queue must: from the first failure on, all are reported.
        first = len(records) if outcome == "ok" else self.chance.randrange(len(records))
        self.done.extend(record["body"] for record in records[:first])
        failed = [{"itemIdentifier": record["messageId"]} for record in records[first:]]
        return answered(json.dumps({"batchItemFailures": failed}).encode())


def is_fifo(record: Any) -> bool:
    return str(record["eventSourceARN"]).endswith(".fifo")


class Trial:
    """One queue, one mapping and one function."""

    def __init__(self, around: Surroundings, aws: Aws, queue: Queue, chance: random.Random) -> None:
        self.around, self.clock, self.queue, self.chance = around, aws.clock, queue, chance
        self.is_fifo = queue.url.endswith(".fifo")
        self.function = Function(chance)
        self.mapping: EventSourceMapping = bind(around, queue, reports_item_failures=True)
        self.sent: list[str] = []

    def send(self) -> None:
        for _ in range(self.chance.randint(1, 12)):
            group = self.chance.choice("abc")
            body = f"{group}{len(self.sent)}"
            self.sent.append(body)
            if self.is_fifo:
                self.queue.send(body, MessageGroupId=group)
            else:
                self.queue.send(body, DelaySeconds=self.chance.choice([0, 0, 5]))

    def advance(self) -> None:
        # Step by step: what runs, or waits in a window, while its messages become visible again
        # is done twice, as in AWS.
        settle(self.around)
        self.clock.advance(self.chance.choice([1, 5]))
        settle(self.around)
        if self.chance.random() < 0.3:
            self.clock.advance(5)
            settle(self.around)
            self.clock.advance(VISIBILITY_S)

    def update(self) -> None:
        options: dict[str, Any] = {"batch_size": self.chance.randint(1, 10)}
        if not self.is_fifo:
            options["window_s"] = self.chance.choice([0, 3])
        options["maximum_concurrency"] = self.chance.choice([None, 2, 3])
        self.change(**options)

    def switch(self) -> None:
        self.change(is_enabled=not self.mapping.is_enabled)

    def settle(self) -> None:
        settle(self.around)

    def change(self, **options: Any) -> None:
        self.mapping = replace(self.mapping, **options)
        self.around.mappings.declare(self.mapping)

    def finish(self) -> None:
        """Let everything succeed, and give it the time it needs."""
        self.function.is_reliable = True
        self.change(is_enabled=True)
        for seconds in (5, 5, VISIBILITY_S, 5):  # refused batches, windows, what failed, windows
            settle(self.around)
            self.clock.advance(seconds)
        settle(self.around)


@pytest.mark.parametrize("name", ["q", "q.fifo"])
@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost_whatever_happens(
    around: Surroundings, invoker: FakeInvoker, sqs: Any, aws: Aws, name: str, seed: int
) -> None:
    chance = random.Random(seed)
    queue = Queue(sqs, name, VisibilityTimeout=str(VISIBILITY_S), MessageRetentionPeriod="1209600")
    aws.clock.freeze(True)
    trial = Trial(around, aws, queue, chance)
    invoker.answer = trial.function.answer
    for _ in range(40):
        chance.choice([trial.send, trial.advance, trial.update, trial.switch, trial.settle])()
    trial.finish()
    function = trial.function
    assert Counter(function.done) == Counter(trial.sent)  # each, and done once
    assert queue.counts() == (0, 0)
    for counts in function.receive_counts.values():
        assert counts == sorted(set(counts))  # it grows with each receive
    if trial.is_fifo:
        assert function.clashes == set()
        for group in "abc":
            order = [body for body in function.done if body[0] == group]
            assert order == [body for body in trial.sent if body[0] == group]
