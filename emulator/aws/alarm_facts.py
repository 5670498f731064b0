"""What CloudWatch tells of alarms."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmState:
    """A state that an alarm is or was in."""

    value: str  # OK, ALARM or INSUFFICIENT_DATA
    reason: str
    at_s: float
    reason_data: str | None = None  # JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmMetric:
    """One metric, or one expression over metrics, that an alarm looks at."""

    id: str
    returns_data: bool = True
    label: str | None = None
    expression: str | None = None  # then there is no metric
    namespace: str | None = None
    name: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    period_s: int | None = None
    statistic: str | None = None
    unit: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmStateFact(Fact):
    """An alarm that has actions changed its state."""

    alarm_arn: str
    name: str
    description: str | None
    state: AlarmState
    previous: AlarmState
    actions: tuple[str, ...]  # ARNs of what the new state sets off
    metrics: tuple[AlarmMetric, ...] = ()
    rule: str | None = None  # of a composite alarm
