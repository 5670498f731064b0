"""SNS: from a published message to the functions that subscribe to its topic."""

import json
from typing import Any, Final

from typing_extensions import override

from emulator.aws import Fact, NotificationFact
from emulator.event_sources.source import EventSource, Surroundings
from emulator.model import FAULTS, AwsError, Call, LambdaError
from emulator.model.triggers import Trigger
from emulator.model.triggers.sns import SnsTrigger

_PRINCIPAL: Final = "sns.amazonaws.com"


class SnsEvents(EventSource):
    """Delivers what SNS tells. It keeps nothing: subscriptions live in moto.

    Any thread may call; deliveries run on the thread of the request that published. Functions are
    only queued there.
    """

    trigger = SnsTrigger

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        around.moto.subscribe(self._on_fact, NotificationFact)

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Subscribe the function; makes the topic if need be."""
        assert isinstance(trigger, SnsTrigger)
        self.around.moto.topics.subscribe(
            trigger.topic,
            function_arn,
            filter_policy=trigger.filter_policy,
            filter_scope=trigger.filter_scope,
        )

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """End the subscription."""
        assert isinstance(trigger, SnsTrigger)
        self.around.moto.topics.unsubscribe(trigger.topic, function_arn)

    def _on_fact(self, fact: Fact) -> None:
        assert isinstance(fact, NotificationFact)
        account = fact.topic_arn.split(":")[4]
        permissions = self.around.moto.permissions
        try:
            if not permissions.allows(fact.function_arn, _PRINCIPAL, fact.topic_arn, account):
                raise LambdaError(
                    "AccessDeniedException",
                    f"User: {_PRINCIPAL} is not authorized to perform: lambda:InvokeFunction"
                    f" on resource: {fact.function_arn}",
                )
            self.around.invoker.accept(_call(fact))
        except LambdaError as error:  # AWS calls it a client error, and does not try again
            self._give_up(fact, error)

    def _give_up(self, fact: NotificationFact, error: LambdaError) -> None:
        queue = fact.dead_letter_queue_arn
        self.around.reporter.event(
            "sns.not_delivered", target=fact.function_arn, reason=error, dead_letter_queue=queue
        )
        if queue is None:
            return
        attributes = {
            "RequestID": ("String", fact.message_id),
            "ErrorCode": ("Number", str(FAULTS[error.code].status)),
            "ErrorMessage": ("String", error.message),
        }
        trace_header = fact.requester.trace_header if fact.requester else None
        try:
            self.around.moto.queues.send(queue, notification(fact), attributes, trace_header)
        except AwsError as refusal:
            self.around.reporter.event("sns.dead_letter_failed", queue=queue, reason=refusal)


def record(fact: NotificationFact) -> dict[str, Any]:
    """The element of `Records`. Source: spec/events.md section 2."""
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": fact.subscription_arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": fact.message_id,
            "TopicArn": fact.topic_arn,
            "Subject": fact.subject,
            "Message": fact.message,
            "Timestamp": fact.timestamp,
            "SignatureVersion": "1",
            "Signature": fact.signature,
            "SigningCertUrl": fact.signing_cert_url,
            "UnsubscribeUrl": fact.unsubscribe_url,
            "MessageAttributes": _attributes(fact),
        },
    }


def notification(fact: NotificationFact) -> str:
    """The message as it lies in a dead-letter queue: as a queue that subscribes would get it."""
    members = {
        "Type": "Notification",
        "MessageId": fact.message_id,
        "TopicArn": fact.topic_arn,
        "Subject": fact.subject,
        "Message": fact.message,
        "Timestamp": fact.timestamp,
        "SignatureVersion": "1",
        "Signature": fact.signature,
        "SigningCertURL": fact.signing_cert_url,
        "UnsubscribeURL": fact.unsubscribe_url,
        "MessageAttributes": _attributes(fact) or None,
    }
    present = {name: value for name, value in members.items() if value is not None}
    return json.dumps(present, indent=2, ensure_ascii=False)


def _attributes(fact: NotificationFact) -> dict[str, Any]:
    return {
        name: {"Type": attribute.type, "Value": attribute.value}
        for name, attribute in fact.attributes.items()
    }


def _call(fact: NotificationFact) -> Call:
    document = json.dumps({"Records": [record(fact)]}, separators=(",", ":"), ensure_ascii=False)
    return Call.to(
        fact.function_arn,
        document.encode(errors="replace"),
        source="sns",
        cause=fact.message_id,
        trace_header=fact.requester.trace_header if fact.requester else None,
    )
