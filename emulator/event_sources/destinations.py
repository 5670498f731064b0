"""Sends documents to destinations and dead-letter queues: SQS, SNS, Lambda, EventBridge, S3."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from emulator.aws import Moto
from emulator.model import AwsError, Call, Clock, DestinationError, DestinationMessage, LambdaError

_TOPIC_BYTES: Final = 262_144  # of one message; Source: Amazon SNS quotas


class DestinationSender:
    """Hands messages over, each on the thread of who calls. Any thread may call."""

    def __init__(self, moto: Moto, accept: Callable[[Call], str], clock: Clock) -> None:
        self._moto = moto
        self._accept = accept
        self._clock = clock
        self._by_service: Mapping[str, Callable[[DestinationMessage], None]] = {
            "sqs": self._to_queue,
            "sns": self._to_topic,
            "lambda": self._to_function,
            "events": self._to_bus,
            "s3": self._to_bucket,
        }

    def send(self, message: DestinationMessage) -> None:
        """Hand `message` to its target; raises DestinationError when it does not take it."""
        service = next(iter(message.target_arn.split(":")[2:]), "")
        deliver = self._by_service.get(service)
        if deliver is None:
            raise DestinationError(f"The emulator sends nothing to {message.target_arn}")
        try:
            deliver(message)
        except (AwsError, LambdaError) as error:
            raise DestinationError(str(error)) from error

    def _to_queue(self, message: DestinationMessage) -> None:
        self._moto.queues.send(
            message.target_arn, message.body, message.attributes, message.trace_header
        )

    def _to_topic(self, message: DestinationMessage) -> None:
        if len(message.body.encode()) > _TOPIC_BYTES:
            raise DestinationError(f"The message is larger than {_TOPIC_BYTES} bytes.")
        self._moto.topics.publish(
            message.target_arn,
            message.body,
            attributes=message.attributes,
            trace_header=message.trace_header,
        )

    def _to_function(self, message: DestinationMessage) -> None:
        call = Call(
            account=message.account,
            region=message.target_arn.split(":")[3],
            function=message.target_arn,
            payload=message.body.encode(),
            trace_header=message.trace_header,
            source="destination",
            cause=message.cause,
        )
        self._accept(call)

    def _to_bus(self, message: DestinationMessage) -> None:
        from emulator.aws import BusEvent  # with it come the rules of EventBridge

        _, _, _, region, account, bus = message.target_arn.split(":", 5)
        event = BusEvent(
            account=account,
            region=region,
            bus=bus.removeprefix("event-bus/"),
            source="lambda",  # sic: not aws.lambda; spec/async-and-destinations.md section 3
            detail_type=message.detail_type,
            resources=(message.target_arn, *message.resources),
            detail=json.loads(message.body),
            at_s=self._clock.now(),
        )
        self._moto.event_buses.put(event)

    def _to_bucket(self, message: DestinationMessage) -> None:
        self._moto.buckets.put(
            message.account,
            message.region,
            message.target_arn.rpartition(":")[2],
            message.object_key,
            message.body.encode(),
            content_type="application/json",
            trace_header=message.trace_header,
        )
