"""The streams of DynamoDB tables."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from emulator.aws.locks import ServiceLocks
from emulator.aws.own_requests import OwnRequests
from emulator.aws.patches.dynamodb import is_streaming, stream_arn
from emulator.aws.patches.dynamodb_ttl import delete_expired
from emulator.aws.services import Services
from emulator.aws.streams import StreamDescription, StreamRecord, StreamShard, TableRecord

_RETENTION_S: Final = 86_400.0
_NEW_AND_OLD: Final = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


class Tables:
    """Reads the streams of tables. What `read` costs does not depend on what was read before.

    A table has one shard for ever. A stream that was disabled can be read to its end.
    """

    def __init__(self, services: Services, locks: ServiceLocks, own: OwnRequests) -> None:
        self._services = services
        self._locks = locks
        self._own = own

    def when_loaded(self, action: Callable[[], None]) -> bool:
        """Run `action` when the service is used first; False: it is, and `action` was not run."""
        if self._services.is_loaded("dynamodb"):
            return False
        self._services.when_loaded("dynamodb", action)
        return True

    def describe(self, arn: str) -> StreamDescription | None:
        """The stream; None: there is none of this ARN."""
        self._services.load("dynamodb")
        with self._locks.hold("dynamodb"):
            table = _find(arn)
            if table is None:
                return None
            shard = StreamShard(id=table.stream_shard.id, is_closed=not is_streaming(table))
        return StreamDescription(identity=arn, retention_s=_RETENTION_S, shards=(shard,))

    def read(self, arn: str, shard_id: str, after: int, limit: int) -> list[StreamRecord]:
        """Up to `limit` records behind number `after`, oldest first; none of a missing stream."""
        self._services.load("dynamodb")
        with self._locks.hold("dynamodb"):
            table = _find(arn)
            if table is None:
                return []
            shard = table.stream_shard
            start = max(after + 1 - shard.starting_sequence_number, 0)
            records = shard.items[start : start + limit]
        return [_record(record) for record in records]

    def last_number(self, arn: str, shard_id: str, before: float | None = None) -> int:
        """Number of the newest record; 0: none. No mapping reads a table from a moment on."""
        self._services.load("dynamodb")
        with self._locks.hold("dynamodb"):
            table = _find(arn)
            if table is None or not table.stream_shard.items:
                return 0
            shard = table.stream_shard
            return int(shard.starting_sequence_number + len(shard.items) - 1)

    def when_streaming(self, table_arn: str, tell: Callable[[str | None], None]) -> None:
        """Have a table tell its changes, both images, unless it does; `tell` the stream's ARN.

        Before the service answers its first request, or now; `tell` None without the table.
        """
        self._services.when_loaded("dynamodb", partial(self._enable, table_arn, tell))

    def delete_expired(self, table_arn: str, now_s: float) -> float | None:
        """Delete items whose time to live is over; when the next one's is, None: never."""
        self._services.load("dynamodb")
        with self._own.make("dynamodb", table_arn.split(":")[4]):
            table = _table(table_arn)
            return None if table is None else delete_expired(table, now_s)

    def _enable(self, table_arn: str, tell: Callable[[str | None], None]) -> None:
        _, _, _, _, account, _ = table_arn.split(":", 5)
        with self._own.make("dynamodb", account):
            table = _table(table_arn)
            if table is not None and not is_streaming(table):
                table.set_stream_specification(dict(_NEW_AND_OLD))
            arn = stream_arn(table) if table is not None else None
        tell(arn)


def _find(arn: str) -> Any:
    """moto's table, if this is its newest stream; the lock of DynamoDB must be held."""
    table = _table(arn.partition("/stream/")[0])
    return table if table is not None and stream_arn(table) == arn else None


def _table(table_arn: str) -> Any:
    from moto.dynamodb.models import dynamodb_backends

    _, _, _, region, account, path = table_arn.split(":", 5)
    regions = dynamodb_backends[account]
    return regions[region].tables.get(path.split("/")[1]) if region in regions else None


def _record(record: Any) -> TableRecord:
    document = record.to_json()
    change = document["dynamodb"]
    return TableRecord(
        number=int(change["SequenceNumber"]),
        key=json.dumps(change["Keys"], sort_keys=True, default=str),
        arrived_at=record.at_s,
        document=document,
    )
