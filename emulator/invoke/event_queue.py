"""Asynchronous events of one function, waiting for their turn."""

from collections import deque
from dataclasses import dataclass, field

from emulator.invoke.ramp import FIRST_RUNNERS, allowed_runners
from emulator.model import LATEST, Call


@dataclass(kw_only=True, slots=True, eq=False)
class QueuedEvent:
    """One accepted event, until it is done or given up; only the runner that has it changes it."""

    request_id: str
    call: Call
    function_arn: str  # unqualified: versions and aliases of a function share its queue
    trace_header: str
    accepted_at: float  # seconds since the epoch
    accepted_s: float  # the same moment on Clock.monotonic
    attempts: int = 0
    failure: str | None = None  # what the last attempt that ran answered
    failed_version: str = LATEST  # which version that was
    refusals: int = 0  # in a row: throttled, or a service error
    is_forgotten: bool = False  # after a reset, nothing follows from an attempt that still runs
    journal_number: int | None = None  # None: it is in memory only
    skipped_s: float = 0.0  # delays that were not waited for, because the user scales them down


@dataclass(slots=True, eq=False)
class FunctionQueue:
    """Due events of one function, first in, first out, and how many of them run at once.

    `AsyncEngine._lock` guards it. It lives while it has events or runners.
    """

    function_arn: str
    waiting: deque[QueuedEvent] = field(default_factory=deque)
    runners: int = 0
    running: int = 0  # events that a runner has in hand
    allowed: int = FIRST_RUNNERS
    finished: int = 0  # since the last look
    stalled_looks: int = 0

    def hire(self, most: int) -> int:
        """Count up to `most` further runners, as far as allowed; returns how many to start."""
        hired = max(0, min(most, self.allowed - self.runners))
        self.runners += hired
        return hired

    def look(self, has_spare_processors: bool | None) -> None:
        """Decide how many runners are allowed until the next look."""
        self.stalled_looks = 0 if self.finished else self.stalled_looks + 1
        before = self.allowed
        self.allowed = allowed_runners(
            before,
            waiting=len(self.waiting),
            finished=self.finished,
            stalled_looks=self.stalled_looks,
            has_spare_processors=has_spare_processors,
        )
        self.finished = 0
        if self.allowed != before:
            self.stalled_looks = 0  # the new runners get their time
