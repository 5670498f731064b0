"""What an operation costs the more functions there are: a slope fitted over 1,000 functions."""

import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.client import expect_success, invoke, latencies, request
from benchmarks.emulator_process import Emulator, running

SIZES: Final = (50, 100, 250, 500, 750, 1_000)
COUNT: Final = 60  # calls at each size
_FUNCTIONS: Final = "/2015-03-31/functions"


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """Median seconds of an operation at each number of functions."""

    seconds: Mapping[int, float]

    @property
    def last(self) -> float:
        """Seconds with 1,000 functions."""
        return self.seconds[SIZES[-1]]

    @property
    def ratio(self) -> float:
        """By how much it grows over 1,000 functions, of what it costs with none: 0 is flat."""
        slope, intercept = statistics.linear_regression(self.seconds.keys(), self.seconds.values())
        return slope * SIZES[-1] / intercept


def growth() -> Iterator[tuple[str, Growth]]:
    """Each operation's name, and what it cost while functions were added by API."""
    found: dict[str, dict[int, float]] = {}
    with running(["echo"]) as emulator:
        emulator.api.warm("echo")
        present = 0
        for size in SIZES:
            started = time.perf_counter()
            for number in range(present, size):
                emulator.api.create(f"crowd-{number:04}", "echo")
            created = (time.perf_counter() - started) / (size - present)
            found.setdefault("create and wait until active", {})[size] = created
            present = size
            for name, seconds in _measured(emulator, size).items():
                found.setdefault(name, {})[size] = seconds
    yield from ((name, Growth(seconds=seconds)) for name, seconds in found.items())


def _measured(emulator: Emulator, size: int) -> dict[str, float]:
    """Median seconds of each operation now, in the middle of `size` functions."""
    middle = f"crowd-{size // 2:04}"
    asked = {
        "list, a page of 50": request("GET", _full_page(emulator)),
        "get": request("GET", f"{_FUNCTIONS}/{middle}"),
        "invoke, warm": invoke("echo"),
    }
    return {
        name: statistics.median(latencies(emulator.api, data, COUNT))
        for name, data in asked.items()
    }


def _full_page(emulator: Emulator) -> str:
    """Path of the second page of all functions; of the first where the second is not full."""
    path = f"{_FUNCTIONS}?MaxItems=50"
    answer = emulator.api.call(request("GET", path))
    expect_success(answer)
    second = f"{path}&Marker={answer.json().get('NextMarker', '')}"
    answer = emulator.api.call(request("GET", second))
    expect_success(answer)
    return second if len(answer.json()["Functions"]) == 50 else path
