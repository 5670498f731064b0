"""What EventBridge Scheduler tells: schedules that were made, changed or deleted."""

from dataclasses import dataclass, field

from emulator.aws.event_facts import RetryPolicy
from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleTarget:
    """What a schedule calls, and with what."""

    arn: str  # of a resource, or arn:aws:scheduler:::aws-sdk:SERVICE:ACTION
    input: str | None = None
    message_group_id: str | None = None  # SQS
    partition_key: str = ""  # Kinesis
    event_source: str = ""  # event buses
    event_detail_type: str = ""
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A schedule as it is configured; times in seconds since the epoch."""

    arn: str
    expression: str
    time_zone: str
    target: ScheduleTarget
    saved_s: float
    start_s: float | None = None
    end_s: float | None = None
    window_s: int = 0  # it may fire so much later
    is_enabled: bool = True
    deletes_itself: bool = False  # when nothing is due any more

    @property
    def group(self) -> str:
        """Name of its group."""
        return self.arn.split("/")[1]

    @property
    def name(self) -> str:
        """Its name in the group."""
        return self.arn.split("/")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleSavedFact(Fact):
    """A schedule was made or changed."""

    schedule: Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleDeletedFact(Fact):
    """A schedule was deleted, by itself or with its group."""

    arn: str
