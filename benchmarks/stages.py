"""Where the time of a warm invocation goes: readings of the client, the emulator and the handler.

All are on this machine's clock, so what lies between two of them is a stage. The emulator counts
its wall clock from its start by the monotonic one: a machine whose clock was set meanwhile shows
a negative stage.
"""

import itertools
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.client import expect_success, invoke
from benchmarks.emulator_process import Api

FUNCTION: Final = "timed"
# Each from the end of the one before, the first from the moment the client sends.
STAGES: Final = (
    "request: server, router, headers",
    "resolve, admit",
    "lend, START line, event to the handler",
    "answer to the emulator, log, record",
    "answer to the client",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One part of the way of an invocation, and its median in seconds."""

    name: str
    seconds: float


def stages(api: Api, payload: bytes, count: int) -> list[Stage]:
    """Call the function `count` times, one after the other, and tell its stages in order."""
    data = invoke(FUNCTION, payload)
    called = []
    for _ in range(count):
        sent = time.time()
        answer = api.call(data)
        called.append((sent, time.time()))
        expect_success(answer)
    records = reversed(api.invocations(FUNCTION, count))  # they come newest first
    parts = [
        split(sent, record, answered)
        for (sent, answered), record in zip(called, records, strict=True)
    ]
    medians = map(statistics.median, zip(*parts, strict=True))
    return [
        Stage(name=name, seconds=seconds) for name, seconds in zip(STAGES, medians, strict=True)
    ]


def split(sent: float, record: Mapping[str, Any], answered: float) -> list[float]:
    """Seconds of each stage of one call, from the record that the emulator keeps of it."""
    readings = [
        sent,
        record["accepted_at"],
        record["started_at"],
        record["response"]["started"],
        record["finished_at"],
        answered,
    ]
    return [after - before for before, after in itertools.pairwise(readings)]
