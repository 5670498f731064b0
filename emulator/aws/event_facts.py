"""What EventBridge tells: events that rules matched, and rules whose schedule changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often and how long a delivery is tried again, and who gets it when all was in vain."""

    maximum_retries: int = 185
    maximum_age_s: int = 86_400
    dead_letter_arn: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleTarget:
    """One target of a rule, as it was configured when an event came or a schedule was due."""

    rule_arn: str
    arn: str
    input: str | None = None  # JSON that takes the event's place
    input_path: str | None = None
    input_paths: Mapping[str, str] = field(default_factory=dict)
    input_template: str | None = None
    message_group_id: str | None = None  # SQS
    partition_key_path: str | None = None  # Kinesis
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    @property
    def rule_name(self) -> str:
        """The name at the end of the rule's ARN."""
        return self.rule_arn.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFact(Fact):
    """An event came to a bus, and these targets want it."""

    event: Mapping[str, Any]  # the whole JSON object, "version" to "detail"
    at_s: float  # when it came
    targets: tuple[RuleTarget, ...]
    has_crossed: bool = False  # it came from another bus, and goes to no third one


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleSavedFact(Fact):
    """A rule was made, changed, switched or deleted.

    `expression` is None when nothing is due: the rule is gone, disabled, or waits for events only.
    """

    rule_arn: str
    expression: str | None
    at_s: float


def event_document(
    *,
    event_id: str,
    account: str,
    region: str,
    source: str,
    detail_type: str,
    resources: list[str],
    detail: Any,
    at_s: float,
) -> dict[str, Any]:
    """An event as rules and targets see it. Source: spec/events.md section 6."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": resources,
        "detail": detail,
    }
