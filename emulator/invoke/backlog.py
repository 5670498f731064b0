"""What the asynchronous queues hold at one moment, as it is shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from emulator.invoke.event_queue import QueuedEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionBacklog:
    """Accepted events of one function that are neither done nor given up."""

    function_arn: str  # unqualified
    depth: int
    running: int
    attempts: int  # that these events had so far
    oldest_age_s: float
    next_due_s: float | None  # seconds until the first of those that wait for their time


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """The same of all functions, by ARN; and what came to nothing since the start."""

    functions: tuple[FunctionBacklog, ...]
    given_up: int = 0  # after their retries or for their age
    dropped: int = 0  # their function was deleted

    @property
    def depth(self) -> int:
        """Events in all."""
        return sum(each.depth for each in self.functions)

    @property
    def running(self) -> int:
        """Those that run now."""
        return sum(each.running for each in self.functions)

    @property
    def oldest_age_s(self) -> float | None:
        """None when there is no event."""
        return max((each.oldest_age_s for each in self.functions), default=None)

    @property
    def next_due_s(self) -> float | None:
        """None when none waits for its time."""
        waits = [each.next_due_s for each in self.functions if each.next_due_s is not None]
        return min(waits, default=None)


def by_function(
    events: Iterable[QueuedEvent],
    later: Iterable[tuple[float, str]],
    running: Mapping[str, int],
    now_s: float,
) -> tuple[FunctionBacklog, ...]:
    """Sort events by function. later: when an event of which function is due; running: by ARN."""
    found: dict[str, list[QueuedEvent]] = {}
    for event in events:
        found.setdefault(event.function_arn, []).append(event)
    due: dict[str, float] = {}
    for due_s, arn in later:
        due[arn] = min(due_s, due.get(arn, due_s))
    return tuple(
        FunctionBacklog(
            function_arn=arn,
            depth=len(found[arn]),
            running=running.get(arn, 0),
            attempts=sum(event.attempts for event in found[arn]),
            oldest_age_s=max(now_s - event.accepted_s for event in found[arn]),
            next_due_s=max(0.0, due[arn] - now_s) if arn in due else None,
        )
        for arn in sorted(found)
    )
