"""Options of an event source mapping: from a request to values, with what AWS refuses.

Source: spec/event-source-mappings.md sections 1.2 and 2.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from emulator.control.violations import invalid, joined, not_implemented, violation
from emulator.model.event_pattern import InvalidPattern, parse_pattern
from emulator.model.mapping import UNLIMITED, EventSourceMapping

_ANY: Final = frozenset(
    (
        *("UUID", "EventSourceArn", "FunctionName", "Enabled", "BatchSize", "FilterCriteria"),
        *("FunctionResponseTypes", "KMSKeyArn", "MaximumBatchingWindowInSeconds"),
        *("MetricsConfig", "Tags"),
    )
)
_STREAM: Final = _ANY.union(
    ("BisectBatchOnFunctionError", "DestinationConfig", "MaximumRecordAgeInSeconds"),
    ("MaximumRetryAttempts", "ParallelizationFactor", "StartingPosition"),
    ("StartingPositionTimestamp", "TumblingWindowInSeconds"),
)
_SQS_BATCH: Final = 10  # without a window, and in FIFO queues always
_FILTERS: Final = 5
_MOST_POLLERS: Final = 2_000
_RECORD_AGE_S: Final = 60
_DESTINATIONS: Final = ("s3", "sns", "sqs")


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceKind:
    """What the mappings of one service have in common."""

    resource: re.Pattern[str]  # the end of its ARN
    members: frozenset[str]  # of a request
    batch_size: int  # when none is given
    reason: str  # StateTransitionReason
    first_result: str | None = None  # LastProcessingResult before anything was read


SOURCE_KINDS: Final[Mapping[str, SourceKind]] = {  # by the service in the source's ARN
    "sqs": SourceKind(
        resource=re.compile(r"[A-Za-z0-9_-]{1,80}(\.fifo)?"),
        members=_ANY | {"ScalingConfig", "ProvisionedPollerConfig"},
        batch_size=10,
        reason="USER_INITIATED",
    ),
    "kinesis": SourceKind(
        resource=re.compile(r"stream/[^/]+(/consumer/.+)?"),
        members=_STREAM,
        batch_size=100,
        reason="User action",
        first_result="No records processed",
    ),
    "dynamodb": SourceKind(
        resource=re.compile(r"table/[^/]+/stream/.+"),
        members=_STREAM,
        batch_size=100,
        reason="User action",
        first_result="No records processed",
    ),
}
_NOT_BUILT: Final = {
    "kafka": "Amazon MSK",
    "mq": "Amazon MQ",
    "rds": "Amazon DocumentDB",
}
_INSTEAD: Final = "Mappings of SQS, Kinesis and DynamoDB Streams are."
_FIELDS: Final = {  # member: field of EventSourceMapping with the same value
    "BatchSize": "batch_size",
    "BisectBatchOnFunctionError": "bisects_batch",
    "Enabled": "is_enabled",
    "KMSKeyArn": "kms_key_arn",
    "MaximumBatchingWindowInSeconds": "window_s",
    "MaximumRecordAgeInSeconds": "maximum_record_age_s",
    "MaximumRetryAttempts": "maximum_retries",
    "ParallelizationFactor": "parallelization_factor",
    "StartingPosition": "starting_position",
    "TumblingWindowInSeconds": "tumbling_window_s",
}


def source_kind(request: Mapping[str, Any]) -> SourceKind:
    """The kind of a new mapping's source. Raises LambdaError for one there is not."""
    if "SelfManagedEventSource" in request:
        raise not_implemented(
            "An event source mapping of self-managed Apache Kafka (SelfManagedEventSource)",
            _INSTEAD,
        )
    arn: str = request.get("EventSourceArn", "")
    _, _, service, _, _, resource, *_ = [*arn.split(":", 5), *[""] * 6]
    if service in _NOT_BUILT:
        raise not_implemented(f"An event source mapping of {_NOT_BUILT[service]}", _INSTEAD)
    kind = SOURCE_KINDS.get(service)
    if kind is None or not kind.resource.fullmatch(resource):
        raise invalid("Unrecognized event source.")
    return kind


def options(kind: SourceKind, request: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of EventSourceMapping that a request sets; raises LambdaError for others."""
    for member in request:
        if member not in kind.members:
            raise _unsupported(member)
    fields = {field: request[member] for member, field in _FIELDS.items() if member in request}
    for member, read in _READERS.items():
        if member in request:
            fields.update(read(request[member]))
    return fields


def check(mapping: EventSourceMapping) -> None:
    """Raise LambdaError for options that do not go together."""
    if mapping.service == "sqs":
        _check_queue(mapping)
    else:
        _check_stream(mapping)


def _check_queue(mapping: EventSourceMapping) -> None:
    if mapping.source_arn.endswith(".fifo"):
        if mapping.window_s:
            raise invalid("Batching window is not supported for FIFO queues")
        if mapping.batch_size > _SQS_BATCH:
            raise invalid("Batch size must be less than or equal to 10 for FIFO queues")
    if mapping.batch_size > _SQS_BATCH and not mapping.window_s:
        raise invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is"
            " greater than 10"
        )
    low, high = mapping.minimum_pollers, mapping.maximum_pollers
    if low is None or high is None:
        return
    if mapping.maximum_concurrency is not None:
        raise invalid(
            "ScalingConfig and ProvisionedPollerConfig cannot be used together in one event source"
            " mapping."
        )
    if not 2 <= low <= high <= _MOST_POLLERS:
        raise invalid(
            f"MinimumPollers must be at least 2 and at most MaximumPollers; here they are {low} and"
            f" {high}. MaximumPollers must be at most {_MOST_POLLERS}."
        )


def _check_stream(mapping: EventSourceMapping) -> None:
    if mapping.starting_position is None:
        text = violation(None, "startingPosition", "Member must not be null")
        raise invalid(f"{joined([text])}.")
    is_timed = mapping.starting_position == "AT_TIMESTAMP"
    if is_timed and mapping.service == "dynamodb":
        raise invalid(f"Unsupported starting position for arn type: {mapping.source_arn}")
    if is_timed != (mapping.starting_at is not None):
        raise invalid("StartingPositionTimestamp goes with StartingPosition AT_TIMESTAMP only.")
    age_s = mapping.maximum_record_age_s
    if age_s != UNLIMITED and age_s < _RECORD_AGE_S:
        raise invalid("MaximumRecordAgeInSeconds must be -1, or from 60 to 604800.")


def _unsupported(member: str) -> Exception:
    return invalid(f"Unsupported {member} parameter for given event source mapping type.")


# Members that stand for other fields.


def _filters(criteria: Mapping[str, Any]) -> dict[str, Any]:
    patterns = tuple(each.get("Pattern", "") for each in criteria.get("Filters", ()))
    if len(patterns) > _FILTERS:
        raise invalid(f"An event source mapping can have at most {_FILTERS} filters.")
    for pattern in patterns:
        try:
            parse_pattern(pattern)
        except InvalidPattern as error:
            raise invalid("Invalid filter pattern definition.") from error
    return {"filters": patterns}


def _response_types(types: list[str]) -> dict[str, Any]:
    return {"reports_item_failures": "ReportBatchItemFailures" in types}


def _metrics(config: Mapping[str, Any]) -> dict[str, Any]:
    wanted = config.get("Metrics", [])
    for metric in wanted:
        if metric != "EventCount":
            raise invalid(f"Unsupported metric {metric} for given event source mapping type.")
    return {"counts_events": bool(wanted)}


def _scaling(config: Mapping[str, Any]) -> dict[str, Any]:
    return {"maximum_concurrency": config.get("MaximumConcurrency")}


def _pollers(config: Mapping[str, Any]) -> dict[str, Any]:
    if "PollerGroupName" in config:
        raise _unsupported("PollerGroupName")
    if not config:
        return {"minimum_pollers": None, "maximum_pollers": None}
    return {
        "minimum_pollers": config.get("MinimumPollers", 2),
        "maximum_pollers": config.get("MaximumPollers", 200),
    }


def _on_failure(config: Mapping[str, Any]) -> dict[str, Any]:
    if config.get("OnSuccess", {}).get("Destination"):
        raise invalid("OnSuccess is not a supported destination of an event source mapping.")
    arn: str = config.get("OnFailure", {}).get("Destination", "")
    if arn and (arn.split(":")[2:3] or [""])[0] not in _DESTINATIONS:
        raise invalid(f"The destination ARN {arn} is invalid.")
    if arn.endswith(".fifo"):
        raise invalid(f"The destination ARN {arn} is invalid: FIFO is not supported.")
    return {"on_failure_arn": arn or None}


def _timestamp(moment: datetime) -> dict[str, Any]:
    return {"starting_at": moment.timestamp()}


_READERS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "DestinationConfig": _on_failure,
    "FilterCriteria": _filters,
    "FunctionResponseTypes": _response_types,
    "MetricsConfig": _metrics,
    "ProvisionedPollerConfig": _pollers,
    "ScalingConfig": _scaling,
    "StartingPositionTimestamp": _timestamp,
}
