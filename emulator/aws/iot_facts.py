"""What IoT Core tells: a message was published, and rules want it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicRule:
    """A rule: what it selects, and what is done with that."""

    name: str
    arn: str
    sql: str
    actions: tuple[Mapping[str, Any], ...]  # each: IoT's name of the action, its settings
    error_action: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishFact(Fact):
    """A message to a topic that rules listen to."""

    account: str
    region: str
    topic: str
    payload: bytes
    at_s: float
    rules: tuple[TopicRule, ...]
