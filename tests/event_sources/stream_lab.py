"""Stream mappings at work: a real moto server, a fake invoker, a clock that only tests move."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emulator.aws import KinesisRecord
from emulator.event_sources import Surroundings
from emulator.event_sources.stream_rules import Batch, Entry, Window
from emulator.model import Call, InvocationResult
from emulator.model.mapping import EventSourceMapping
from tests.event_sources.conftest import FakeInvoker, answered, settle

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
UUID = "11111111-1111-1111-1111-111111111111"
MAPPING = EventSourceMapping(
    uuid=UUID,
    account="000000000000",
    region="us-east-1",
    source_arn=STREAM,
    function_arn=FUNCTION,
    batch_size=100,
    starting_position="TRIM_HORIZON",
)


def entry(number: int, arrived_at: float = 0.0, body: bytes = b"{}", key: str = "k") -> Entry:
    record = KinesisRecord(number=number, key=key, arrived_at=arrived_at, data="")
    return Entry(record=record, body=body)


def batch(*numbers: int, attempts: int = 0, window: Window | None = None) -> Batch:
    return Batch(entries=tuple(map(entry, numbers)), attempts=attempts, window=window)


def numbers(batch: Batch) -> list[int]:
    return [one.record.number for one in batch.entries]


class StreamLab:
    """One mapping, and what its function was given."""

    def __init__(self, around: Surroundings, invoker: FakeInvoker, source_arn: str) -> None:
        self.around = around
        self.invoker = invoker
        self.mapping = replace(MAPPING, source_arn=source_arn)

    def map(self, **options: Any) -> None:
        """Make the mapping, or change it."""
        self.mapping = replace(self.mapping, **options)
        self.around.mappings.declare(self.mapping)

    def settle(self) -> None:
        settle(self.around)

    def advance(self, seconds: float) -> None:
        self.settle()  # else what is on its way would come after the move
        self.around.clock.advance(seconds)
        self.settle()

    @property
    def events(self) -> list[dict[str, Any]]:
        self.settle()
        return [json.loads(call.payload) for call in self.invoker.calls]

    @property
    def result(self) -> str | None:
        self.settle()
        return self.around.mappings.last_result(self.mapping.uuid)


class Script:
    """Answers of a function, one after the other; then it succeeds."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self._lock = threading.Lock()

    def __call__(self, call: Call) -> InvocationResult:
        with self._lock:
            answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer == "error":
            return answered(b'{"errorMessage":"no"}', "Unhandled")
        return answered(json.dumps(answer).encode())


def failing(when: Callable[[dict[str, Any]], bool]) -> Callable[[Call], InvocationResult]:
    """A function that fails on some events."""

    def answer(call: Call) -> InvocationResult:
        is_bad = when(json.loads(call.payload))
        return answered(b"{}", "Unhandled") if is_bad else answered()

    return answer
