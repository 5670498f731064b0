"""What Firehose asks a function, how it reads the answer, and what it calls its objects."""

import base64
import binascii
import json
import re
import secrets
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from emulator.aws import FirehoseRecord, Transformation

FAILED: Final = "processing-failed"

# Error codes. Source: Firehose Developer Guide, data delivery errors of Lambda.
MESSAGES: Final[Mapping[str, str]] = {
    "Lambda.FunctionError": (
        "The Lambda function was successfully invoked but it returned an error result."
    ),
    "Lambda.JsonProcessingException": (
        "There was an error parsing returned records from the Lambda function. Ensure that the "
        "returned records follow the status model required by Amazon Data Firehose."
    ),
    "Lambda.DuplicatedRecordId": (
        "Multiple records were returned with the same record ID. Ensure that the Lambda function "
        "returns unique record IDs for each record."
    ),
    "Lambda.MissingRecordId": (
        "One or more record IDs were not returned. Ensure that the Lambda function returns all "
        "received record IDs."
    ),
    "Lambda.FunctionRequestTimedOut": (
        "Request did not complete before the request timeout configuration."
    ),
    "DynamicPartitioning.PartitionKeyNotFound": (
        "The Lambda function returned no partition key that the prefix names."
    ),
}
_RESULTS: Final = ("Ok", "Dropped", "ProcessingFailed")
_EXPRESSION: Final = re.compile(r"!\{([^:}]+):([^}]*)\}")
_DIRECTIVES: Final = {
    "yyyy": "%Y",
    "yy": "%y",
    "MM": "%m",
    "dd": "%d",
    "DDD": "%j",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
}
_PATTERN: Final = re.compile("'([^']*)'|" + "|".join(_DIRECTIVES))


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """A record that the function let through, with its new data."""

    record: FirehoseRecord
    data: bytes
    keys: Mapping[str, str] = field(default_factory=dict)  # for the prefix


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What becomes of a batch; records that were dropped are in neither."""

    done: Sequence[Done] = ()
    failed: Sequence[tuple[FirehoseRecord, str]] = ()  # with the error's code


class MissingKey(Exception):
    """A prefix names a partition key that a record does not have."""


def event(stream_arn: str, records: Sequence[FirehoseRecord], invocation_id: str) -> dict[str, Any]:
    """What a function gets. Source: spec/events.md section 9."""
    return {
        "invocationId": invocation_id,
        "deliveryStreamArn": stream_arn,
        "region": stream_arn.split(":")[3],
        "records": [
            {
                "recordId": each.id,
                "approximateArrivalTimestamp": int(each.at_s * 1000),
                "data": base64.b64encode(each.data).decode(),
            }
            for each in records
        ],
    }


def event_bytes(record: FirehoseRecord) -> int:
    """At most how much of an event a record takes."""
    return (len(record.data) + 2) // 3 * 4 + len(record.id) + 80


def read_answer(payload: bytes, records: Sequence[FirehoseRecord]) -> Outcome:
    """Sort a batch by what the function answered: every record must be there exactly once."""
    answers = _answers(payload)
    if answers is None:
        return Outcome(failed=[(each, "Lambda.JsonProcessingException") for each in records])
    times = Counter(each["recordId"] for each in answers)
    by_id = {each["recordId"]: each for each in answers}
    done: list[Done] = []
    failed: list[tuple[FirehoseRecord, str]] = []
    for record in records:
        answer = by_id.get(record.id)
        if answer is None or times[record.id] > 1:
            code = "MissingRecordId" if answer is None else "DuplicatedRecordId"
            failed.append((record, f"Lambda.{code}"))
        elif answer["result"] == "ProcessingFailed":
            failed.append((record, "Lambda.FunctionError"))
        elif answer["result"] == "Ok":
            data = _decoded(answer.get("data"))
            if data is None:
                failed.append((record, "Lambda.JsonProcessingException"))
            else:
                done.append(Done(record=record, data=data, keys=_keys(answer)))
    return Outcome(done=done, failed=failed)


def failure_line(
    record: FirehoseRecord, function_arn: str, code: str, message: str, attempts: int, at_s: float
) -> str:
    """The document of a record that could not be transformed."""
    return json.dumps(
        {
            "attemptsMade": attempts,
            "arrivalTimestamp": int(record.at_s * 1000),
            "errorCode": code,
            "errorMessage": message,
            "attemptEndingTimestamp": int(at_s * 1000),
            "rawData": base64.b64encode(record.data).decode(),
            "lambdaArn": function_arn,
        },
        separators=(",", ":"),
    )


def prefix(
    transformation: Transformation,
    at_s: float,
    unique: str,
    keys: Mapping[str, str],
    error: str | None = None,
) -> str:
    """The folder of an object; at_s: of its oldest record. Raises MissingKey.

    Source: Firehose Developer Guide, custom prefixes. The date is added where no expression has it.
    """
    template = transformation.prefix
    if error is not None:
        template = transformation.error_prefix or f"{template}{error}/"
    if "!{timestamp:" not in template:
        template += "!{timestamp:yyyy/MM/dd/HH/}"
    moment = datetime.fromtimestamp(at_s, ZoneInfo(transformation.time_zone))

    fixed = {
        ("firehose", "error-output-type"): error or "",
        ("firehose", "random-string"): unique,
        **{("partitionKeyFromLambda", name): value for name, value in keys.items()},
    }

    def value(found: "re.Match[str]") -> str:
        namespace, name = found.groups()
        if namespace == "timestamp":
            return _formatted(moment, name)
        if namespace == "partitionKeyFromLambda" and (namespace, name) not in fixed:
            raise MissingKey(name)
        return fixed.get((namespace, name), found[0])

    return _EXPRESSION.sub(value, template)


def random_string() -> str:
    """What the expression `firehose:random-string` becomes."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(11))


def object_name(stream_arn: str, version: str, at_s: float, zone: str, unique: str) -> str:
    """The last part of an object's key."""
    moment = datetime.fromtimestamp(at_s, ZoneInfo(zone))
    stream = stream_arn.partition("/")[2]
    return f"{stream}-{version}-{moment:%Y-%m-%d-%H-%M-%S}-{unique}"


def _formatted(moment: datetime, pattern: str) -> str:
    def value(found: "re.Match[str]") -> str:
        return found[1] if found[1] is not None else moment.strftime(_DIRECTIVES[found[0]])

    return _PATTERN.sub(value, pattern)


def _answers(payload: bytes) -> list[dict[str, Any]] | None:
    try:
        answers = json.loads(payload)["records"]
    except (ValueError, TypeError, KeyError):
        return None
    is_valid = isinstance(answers, list) and all(
        isinstance(each, dict)
        and isinstance(each.get("recordId"), str)
        and each.get("result") in _RESULTS
        for each in answers
    )
    return answers if is_valid else None


def _decoded(data: object) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else None
    except binascii.Error:
        return None


def _keys(answer: Mapping[str, Any]) -> dict[str, str]:
    metadata = answer.get("metadata")
    keys = metadata.get("partitionKeys") if isinstance(metadata, dict) else None
    return {name: str(value) for name, value in keys.items()} if isinstance(keys, dict) else {}
