"""DynamoDB Streams: iterators that name a place, where moto keeps every one it ever gave out."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from emulator.aws.patches.dynamodb import is_streaming, stream_arn
from emulator.aws.patches.patching import Patch, PatchContext


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.dynamodbstreams."""
    backend = "moto.dynamodbstreams.models:DynamoDBStreamsBackend"
    return [
        Patch(
            f"{backend}.get_shard_iterator",
            "self, arn, shard_id, shard_iterator_type, sequence_number",
            lambda original: _get_shard_iterator,
        ),
        Patch(
            f"{backend}.get_records",
            "self, iterator_arn, limit",
            lambda original: _get_records,
        ),
    ]


@dataclass(frozen=True, slots=True)
class _Iterator:
    arn: str


def _get_shard_iterator(
    self: Any, arn: str, shard_id: str, shard_iterator_type: str, sequence_number: int | None = None
) -> _Iterator:
    shard = _shard(self, arn)
    if shard.id != shard_id:
        raise _error("ResourceNotFoundException", f"Shard not found: {shard_id}")
    first = shard.starting_sequence_number
    given = int(sequence_number or 0)
    number = {
        "TRIM_HORIZON": first,
        "LATEST": first + len(shard.items),
        "AT_SEQUENCE_NUMBER": max(given, first),
        "AFTER_SEQUENCE_NUMBER": max(given + 1, first),
    }[shard_iterator_type]
    return _Iterator(_name(arn, number))


def _get_records(self: Any, iterator_arn: str, limit: int) -> dict[str, Any]:
    arn, _, token = iterator_arn.partition("|1|")
    try:
        number = int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError):
        raise _error("ValidationException", "Invalid ShardIterator") from None
    shard = _shard(self, arn)
    records = shard.get(number, limit)
    answer: dict[str, Any] = {"Records": records}
    if records or is_streaming(shard.table):
        answer["NextShardIterator"] = _name(arn, number + len(records))
    return answer


def _shard(backend: Any, arn: str) -> Any:
    table = backend._get_table_from_arn(arn)
    if stream_arn(table) != arn:
        raise _error(
            "ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found"
        )
    return table.stream_shard


def _name(arn: str, number: int) -> str:
    return f"{arn}|1|{base64.b64encode(str(number).encode()).decode()}"


def _error(code: str, message: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    return JsonRESTError(code, message)
