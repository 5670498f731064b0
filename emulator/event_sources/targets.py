"""Hands a document to a target of EventBridge or its Scheduler: a function, queue, topic, …"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from emulator.event_sources.source import Surroundings
from emulator.model import AwsError, Call, LambdaError

_Answer = TypeVar("_Answer")

# Error codes of a dead letter. Source: EventBridge User Guide, dead-letter queues.
NO_RESOURCE: Final = "NO_RESOURCE"
NO_PERMISSIONS: Final = "NO_PERMISSIONS"
INVALID_JSON: Final = "INVALID_JSON"
INVALID_PARAMETER: Final = "INVALID_PARAMETER"

_GONE: Final = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NotFound",
        "NotFoundException",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
    }
)
_BUSY: Final = frozenset(
    {"LimitExceededException", "ProvisionedThroughputExceededException", "ThrottlingException"}
)


class TargetError(Exception):
    """A target did not take a document: EventBridge's code, the service's, and what to do.

    is_retryable: whether to try again.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        service_code: str | None = None,
        is_retryable: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.service_code = service_code or code
        self.message = message
        self.is_retryable = is_retryable


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """A document for a target, and what single kinds of target need besides."""

    arn: str
    body: str
    source: str  # "events" or "scheduler", for the record of an invocation
    cause: str  # id of the event or of the schedule's execution
    message_group_id: str | None = None  # SQS
    partition_key: str = ""  # Kinesis


class Targets:
    """Hands over on the thread of who calls, which holds no lock of moto. Any thread may call."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._by_service: Mapping[str, Callable[[Parcel], None]] = {
            "lambda": self._to_function,
            "sqs": self._to_queue,
            "sns": self._to_topic,
            "kinesis": self._to_stream,
            "firehose": self._to_delivery_stream,
            "logs": self._to_log_group,
            "states": self._to_state_machine,
        }

    def send(self, parcel: Parcel) -> None:
        """Hand a parcel over. Raises TargetError."""
        service = _service(parcel.arn)
        deliver = self._by_service.get(service)
        if deliver is None:
            text = f"targets of service {service} ({parcel.arn}) are not supported by the emulator"
            raise TargetError(INVALID_PARAMETER, text)
        with_errors(lambda: deliver(parcel))

    def call(
        self, service: str, operation: str, target_arn: str, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Call a service in the account and region of an ARN. Raises TargetError."""
        _, _, _, region, account, *_ = target_arn.split(":")
        return with_errors(
            lambda: self._around.moto.calls.call(service, operation, account, region, parameters)
        )

    def _to_function(self, parcel: Parcel) -> None:
        _check_json(parcel.body)
        call = Call.to(parcel.arn, parcel.body.encode(), source=parcel.source, cause=parcel.cause)
        self._around.invoker.accept(call)

    def _to_queue(self, parcel: Parcel) -> None:
        _, _, _, _, account, name = parcel.arn.split(":", 5)
        url = f"{self._around.endpoint_url()}/{account}/{name}"
        parameters = {"QueueUrl": url, "MessageBody": parcel.body}
        if parcel.message_group_id is not None:
            parameters["MessageGroupId"] = parcel.message_group_id
        self.call("sqs", "SendMessage", parcel.arn, parameters)

    def _to_topic(self, parcel: Parcel) -> None:
        parameters = {"TopicArn": parcel.arn, "Message": parcel.body}
        self.call("sns", "Publish", parcel.arn, parameters)

    def _to_stream(self, parcel: Parcel) -> None:
        parameters = {
            "StreamARN": parcel.arn,
            "Data": parcel.body.encode(),
            "PartitionKey": parcel.partition_key[:256],
        }
        self.call("kinesis", "PutRecord", parcel.arn, parameters)

    def _to_delivery_stream(self, parcel: Parcel) -> None:
        parameters = {
            "DeliveryStreamName": parcel.arn.partition("/")[2],
            "Record": {"Data": parcel.body.encode()},
        }
        self.call("firehose", "PutRecord", parcel.arn, parameters)

    def _to_log_group(self, parcel: Parcel) -> None:
        group = parcel.arn.split(":")[6]
        place = {"logGroupName": group, "logStreamName": str(uuid.uuid4())}
        self.call("logs", "CreateLogStream", parcel.arn, place)
        event = {"timestamp": int(self._around.clock.now() * 1000), "message": parcel.body}
        answer = self.call("logs", "PutLogEvents", parcel.arn, {**place, "logEvents": [event]})
        if rejected := answer.get("rejectedLogEventsInfo"):
            raise TargetError(INVALID_PARAMETER, f"CloudWatch Logs rejects the event: {rejected}")

    def _to_state_machine(self, parcel: Parcel) -> None:
        _check_json(parcel.body)
        parameters = {"stateMachineArn": parcel.arn, "input": parcel.body}
        self.call("stepfunctions", "StartExecution", parcel.arn, parameters)


def with_errors(call: Callable[[], _Answer]) -> _Answer:
    """Call, and turn what a service or Lambda refuses with into a TargetError."""
    try:
        return call()
    except AwsError as error:
        raise _target_error(error.code, error.message, error.status) from error
    except LambdaError as error:
        raise _target_error(error.code, error.message, error.fault.status) from error
    except LookupError as error:
        raise TargetError(INVALID_PARAMETER, str(error)) from error


def _target_error(code: str, message: str, status: int) -> TargetError:
    kind, is_retryable = _kind(code, status)
    return TargetError(kind, f"{code}: {message}", service_code=code, is_retryable=is_retryable)


def _kind(code: str, status: int) -> tuple[str, bool]:
    """EventBridge's word for a service's error, and whether it tries again."""
    if code in _GONE or status == 404:
        return NO_RESOURCE, False
    if status == 403 or "AccessDenied" in code:
        return NO_PERMISSIONS, False
    if code in _BUSY or status == 429:
        return "THROTTLING", True
    if status >= 500 and status != 501:  # 501: what the emulator does not know
        return "ERROR_FROM_TARGET", True
    return "SDK_CLIENT_ERROR", False


def _service(arn: str) -> str:
    return arn.split(":")[2] if arn.count(":") >= 5 else ""


def _check_json(body: str) -> None:
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        raise TargetError(INVALID_JSON, f"the input is not JSON: {error}") from None
