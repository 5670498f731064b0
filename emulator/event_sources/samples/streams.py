"""Samples of batches of Kinesis and DynamoDB streams."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import KinesisRecord, TableRecord
from emulator.event_sources.samples import constants
from emulator.event_sources.stream_events import dynamodb_record, kinesis_record

_FIRST: Final = 49590338271490256608559692538361571095921575989136588898
_LABEL: Final = "2026-11-21T10:00:00.000"


def record(
    *,
    stream: str = "clicks",
    data: str = '{"page":"/"}',
    partition_key: str = "ada",
    count: int = 1,
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """Records of one shard with the same data."""
    records = [
        kinesis_record(
            KinesisRecord(
                number=_FIRST + number,
                key=partition_key,
                arrived_at=constants.AT_S,
                data=base64.b64encode(data.encode()).decode(),
            ),
            stream_arn=f"arn:aws:kinesis:{region}:{account}:stream/{stream}",
            shard_id="shardId-000000000000",
            role_arn=f"arn:aws:iam::{account}:role/lambda-emulator",
        )
        for number in range(count)
    ]
    return {"Records": records}


def _change(name: str, *, has_old: bool, has_new: bool) -> Callable[..., dict[str, Any]]:
    def change(
        *,
        table: str = "accounts",
        key: str = "ada",
        region: str = constants.REGION,
        account: str = constants.ACCOUNT,
    ) -> dict[str, Any]:
        keys = {"id": {"S": key}}
        told = {
            "ApproximateCreationDateTime": constants.AT_S,
            "Keys": keys,
            "SequenceNumber": "111",
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        if has_new:
            told["NewImage"] = {**keys, "balance": {"N": "7"}}
        if has_old:
            told["OldImage"] = {**keys, "balance": {"N": "10"}}
        document = {
            "eventID": hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(),
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": region,
            "dynamodb": told,
        }
        made = TableRecord(number=111, key=key, arrived_at=constants.AT_S, document=document)
        arn = f"arn:aws:dynamodb:{region}:{account}:table/{table}/stream/{_LABEL}"
        return {"Records": [dynamodb_record(made, stream_arn=arn)]}

    change.__doc__ = f"The change {name} of an item."
    return change


KINESIS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"record": record}
DYNAMODB: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "insert": _change("INSERT", has_old=False, has_new=True),
    "modify": _change("MODIFY", has_old=True, has_new=True),
    "remove": _change("REMOVE", has_old=True, has_new=False),
}
