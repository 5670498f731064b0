"""What CloudWatch Logs tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedEvent:
    """One line of a log stream that a subscription filter matches."""

    id: str  # 56 digits
    at_ms: int
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)  # by the names of the filter's pattern


@dataclass(frozen=True, kw_only=True, slots=True)
class LogEventsFact(Fact):
    """Lines came into a log stream that a function's subscription filter matches."""

    function_arn: str
    account: str
    region: str
    group: str
    stream: str
    filter_name: str
    events: tuple[LoggedEvent, ...]  # oldest first


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSubscriptionFact(Fact):
    """A subscription filter for a function was made or changed; the function gets a message."""

    function_arn: str
    account: str
    region: str
    group: str
    at_ms: int
