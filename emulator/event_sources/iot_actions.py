"""What the actions of IoT's topic rules do with a document, one function an action."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws import PublishFact, TopicRule
from emulator.event_sources.source import Surroundings
from emulator.event_sources.targets import Parcel, Targets, with_errors
from emulator.model import Call, LambdaError
from emulator.model.iot_functions import Message
from emulator.model.iot_sql import fill

_PRINCIPAL: Final = "iot.amazonaws.com"


class ActionFailed(Exception):
    """An action did not take a document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What one rule made of one message."""

    fact: PublishFact
    rule: TopicRule
    message: Message
    body: bytes

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in the rule's own account and region."""
        return f"arn:aws:{service}:{self.fact.region}:{self.fact.account}:{resource}"


class RuleActions:
    """Carries actions out on the thread of who calls, which holds no lock. Any thread may call."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._targets = Targets(around)
        self._actions: Mapping[str, Callable[[Delivery, Mapping[str, Any]], None]] = {
            "lambda": self._to_function,
            "republish": self._to_topic,
            "sqs": self._to_queue,
            "sns": self._to_sns,
            "s3": self._to_bucket,
            "dynamoDBv2": self._to_table,
            "kinesis": self._to_stream,
            "firehose": self._to_delivery_stream,
        }

    def carry_out(self, delivery: Delivery, name: str, settings: Mapping[str, Any]) -> None:
        """Do it. Raises ActionFailed, TargetError, LambdaError."""
        action = self._actions.get(name)
        if action is None:
            raise ActionFailed(f"the emulator has no action {name}")
        action(delivery, _filled(settings, delivery.message))

    def _to_function(self, delivery: Delivery, settings: Mapping[str, Any]) -> None:
        arn = settings["functionArn"]
        allows = self._around.moto.permissions.allows
        if not allows(arn, _PRINCIPAL, delivery.rule.arn, delivery.fact.account):
            raise LambdaError("AccessDeniedException", "its policy does not allow it")
        call = Call.to(arn, delivery.body, source="iot", cause=delivery.message.topic)
        self._around.invoker.accept(call)

    def _to_topic(self, delivery: Delivery, settings: Mapping[str, Any]) -> None:
        parameters = {"topic": settings["topic"], "payload": delivery.body}
        self._targets.call("iot-data", "Publish", delivery.rule.arn, parameters)

    def _to_queue(self, delivery: Delivery, settings: Mapping[str, Any]) -> None:
        is_encoded = bool(settings.get("useBase64"))
        body = base64.b64encode(delivery.body) if is_encoded else delivery.body
        parameters = {"QueueUrl": settings["queueUrl"], "MessageBody": body.decode()}
        self._targets.call("sqs", "SendMessage", delivery.rule.arn, parameters)

    def _to_sns(self, delivery: Delivery, settings: Mapping[str, Any]) -> None:
        self._targets.send(_parcel(delivery, settings["targetArn"]))

    def _to_stream(self, delivery: Delivery, settings: Mapping[str, Any]) -> None:
        arn = delivery.arn("kinesis", f"stream/{settings['streamName']}")
        key = settings.get("partitionKey") or delivery.message.topic
        self._targets.send(_parcel(delivery, arn, key))

    def _to_delivery_stream(self, delivery: Delivery, settings: Mapping[str, Any]) -> None:
        arn = delivery.arn("firehose", f"deliverystream/{settings['deliveryStreamName']}")
        self._targets.send(_parcel(delivery, arn, more=settings.get("separator") or ""))

    def _to_bucket(self, delivery: Delivery, settings: Mapping[str, Any]) -> None:
        fact, put = delivery.fact, self._around.moto.buckets.put
        where = fact.account, fact.region, settings["bucketName"], settings["key"]
        with_errors(lambda: put(*where, delivery.body, content_type="application/octet-stream"))

    def _to_table(self, delivery: Delivery, settings: Mapping[str, Any]) -> None:
        document = json.loads(delivery.body)
        if not isinstance(document, dict):
            raise ActionFailed("an item is made of an object, and of nothing else")
        item = {name: attribute_value(value) for name, value in document.items()}
        parameters = {"TableName": settings["putItem"]["tableName"], "Item": item}
        self._targets.call("dynamodb", "PutItem", delivery.rule.arn, parameters)


def attribute_value(value: Any) -> dict[str, Any]:
    """A value of JSON as DynamoDB has it."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": str(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, list):
        return {"L": [attribute_value(each) for each in value]}
    return {"M": {name: attribute_value(each) for name, each in value.items()}}


def _parcel(delivery: Delivery, arn: str, key: str = "", more: str = "") -> Parcel:
    return Parcel(
        arn=arn,
        body=delivery.body.decode(errors="replace") + more,
        source="iot",
        cause=delivery.message.topic,
        partition_key=key,
    )


def _filled(value: Any, message: Message) -> Any:
    if isinstance(value, str):
        return fill(value, message)
    if isinstance(value, dict):
        return {name: _filled(each, message) for name, each in value.items()}
    return value
