"""Calls that wait on the way, as generators: whoever drives one decides on which thread.

A call yields what it waits for next. A thread of its own drives it with `finish`, which resumes it
at once: the call itself waits then, and blocks. The gateway's event loop drives many at a time: it
resumes a call when what that waits for is there, and has a thread finish those about to block.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeVar

T = TypeVar("T")


class Readable(Protocol):
    """Something with a descriptor."""

    def fileno(self) -> int:
        """Return the descriptor."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait until `readable` has something to read; at `until_s` it is over, too."""

    readable: Readable
    until_s: float  # a reading of `time.monotonic`; infinite: however long it takes


class Promise(ABC):
    """Something that another call provides: the wait is over when it has, or at `until_s`."""

    until_s: float

    @abstractmethod
    def when_there(self, tell: Callable[[], None]) -> None:
        """Call `tell` once it is there, at once if it is: on any thread, at least once."""


class Pause(Enum):
    """Other reasons to yield."""

    BLOCKS = auto()  # what follows may block its thread


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What is left to do once the result is known; it neither blocks nor raises.

    The event loop does it after the answer has left, and before anything else, the next request of
    that caller included. `finish` does it at once: its caller gets the result when it returns.
    """

    work: Callable[[], None]


Awaited = Wait | Promise | Pause | Afterwards
Steps = Generator[Awaited, bool | None, T]
"""Sent True after a wait: it is over, and nothing must block. None: this thread is to wait."""


def finish(steps: Steps[T]) -> T:
    """Run a call to its end on this thread, which waits wherever the call does."""
    try:
        while True:
            awaited = next(steps)
            if isinstance(awaited, Afterwards):
                awaited.work()
    except StopIteration as end:
        result: T = end.value
        return result
