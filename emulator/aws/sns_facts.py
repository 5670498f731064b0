"""What SNS tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emulator.aws.facts import Fact, Requester


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageAttribute:
    """One attribute of a message as its subscribers get it."""

    type: str  # String, String.Array, Number or Binary
    value: str  # base64 where the type is Binary


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationFact(Fact):
    """A message was published that a function's subscription accepts."""

    subscription_arn: str
    function_arn: str
    topic_arn: str
    message_id: str
    subject: str | None
    message: str
    timestamp: str  # 2026-11-21T10:00:00.123Z
    signature: str
    signing_cert_url: str
    unsubscribe_url: str
    attributes: Mapping[str, MessageAttribute] = field(default_factory=dict)
    dead_letter_queue_arn: str | None = None  # of the subscription's RedrivePolicy
    requester: Requester | None = None  # None: published by the emulator itself
