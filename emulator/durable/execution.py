"""One durable execution: what is kept of it, and what only this process knows."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from emulator.durable.history import HistoryEvent
from emulator.durable.operation import ErrorObject, Operation
from emulator.durable.quota import Use
from emulator.durable.surroundings import Cancellable
from emulator.model import InvocationResult, LambdaError
from emulator.model.durable import DurableConfig


class ExecutionStatus(StrEnum):
    """Where an execution stands."""

    RUNNING = "RUNNING"
    PAUSING = "PAUSING"  # an invocation runs and has not heard of it
    PAUSED = "PAUSED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    STOPPED = "STOPPED"


ENDED: Final = frozenset(
    {
        ExecutionStatus.SUCCEEDED,
        ExecutionStatus.FAILED,
        ExecutionStatus.TIMED_OUT,
        ExecutionStatus.STOPPED,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """Who asked for a pause, and what it stops."""

    requested_at: float
    stops_timeout: bool
    reason: str | None = None
    client_token: str | None = None
    began_at: float | None = None  # None: an invocation has still to hear of it


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionHead:
    """All of an execution but its operations and events; each change makes another one.

    Times are seconds since the epoch.
    """

    arn: str
    id: str
    name: str
    account: str
    region: str
    function: str
    version: str
    invoked_arn: str
    config: DurableConfig
    started_at: float
    deadline_at: float
    trace_header: str
    request_id: str  # of the request that started it, and of the first invocation
    source: str
    cause: str | None = None
    client_context: str | None = None
    tenant_id: str | None = None
    wants_log: bool = False
    is_async: bool = False
    parent_arn: str | None = None  # of the execution that started it, by this operation
    parent_operation: str | None = None
    status: ExecutionStatus = ExecutionStatus.RUNNING
    ended_at: float | None = None
    result: str | None = None
    error: ErrorObject | None = None
    owes_letter: bool = False  # a dead letter
    owes_invocation: bool = True  # until one has ended that saw all that had changed
    retry_at: float | None = None  # not before
    invocations: int = 0
    failures: int = 0  # invocations in a row that failed
    refusals: int = 0  # in a row: throttled
    pause: Pause | None = None
    paused_s: float = 0.0  # for so long its timeout stood still
    resume_token: str | None = None  # of the last ResumeDurableExecution
    used: Use = field(default_factory=Use)

    @property
    def is_ended(self) -> bool:
        """Whether nothing happens to it any more."""
        return self.status in ENDED

    @property
    def expires_at(self) -> float | None:
        """When it is forgotten; None while it runs."""
        return (
            None if self.ended_at is None else self.ended_at + self.config.retention_days * 86_400
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweredCheckpoint:
    """The last checkpoint, for a client that sends it again."""

    token: str
    client_token: str
    answer: dict[str, Any]


@dataclass(kw_only=True, slots=True, eq=False)
class Execution:
    """An execution. `lock` guards all of it, and is held while a change is written."""

    head: ExecutionHead
    operations: dict[str, Operation] = field(default_factory=dict)  # by id, in order of start
    events: list[HistoryEvent] = field(default_factory=list)
    open: dict[str, Operation] = field(default_factory=dict)  # those that `waits`
    unseen: dict[str, None] = field(default_factory=dict)  # ids that changed since it was told
    is_invoking: bool = False
    token: str | None = None  # for the next checkpoint; None: none is taken
    last_checkpoint: AnsweredCheckpoint | None = None
    waiters: int = 0  # callers who wait for its end
    last_result: InvocationResult | None = None  # of the last invocation, where somebody waits
    refused: LambdaError | None = None  # nothing ever ran: its caller gets this
    is_forgotten: bool = False
    resting: list[str] = field(default_factory=list)  # activities of those who wait for its end
    alarm: Cancellable | None = None
    alarm_at: float | None = None
    lock: threading.Condition = field(default_factory=threading.Condition)

    def replayed(self) -> Iterator[Operation]:
        """The operations that a new invocation has to know.

        What a completed context had inside is not replayed, unless the context wants it.
        """
        hidden: set[str] = set()
        for operation in self.operations.values():
            if operation.parent_id in hidden:
                hidden.add(operation.id)
                continue
            if operation.type == "CONTEXT" and not (operation.is_open or operation.replay_children):
                hidden.add(operation.id)
            yield operation

    @property
    def next_due_at(self) -> float | None:
        """When time changes it next."""
        head = self.head
        if head.is_ended:
            return head.expires_at
        times: list[float | None] = [head.deadline_at]
        if head.status is ExecutionStatus.RUNNING and not self.is_invoking:
            times.append(head.retry_at)
        times.extend(operation.next_due_at for operation in self.open.values())
        return min(each for each in times if each is not None)
