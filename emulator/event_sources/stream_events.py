"""Events of streams as functions receive them, and records of batches that were given up."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from emulator.aws import KinesisRecord, TableRecord
from emulator.event_sources.stream_lane import GiveUp
from emulator.event_sources.stream_rules import Batch
from emulator.model.mapping import EventSourceMapping


def kinesis_record(
    record: KinesisRecord, *, stream_arn: str, shard_id: str, role_arn: str
) -> dict[str, Any]:
    """One of `Records`. Source: spec/events.md section 4."""
    content: dict[str, Any] = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": record.key,
        "sequenceNumber": str(record.number),
        "data": record.data,
        "approximateArrivalTimestamp": round(record.arrived_at, 3),
    }
    if record.is_encrypted:
        content["encryptionType"] = "KMS"
    return {
        "kinesis": content,
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record.number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role_arn,
        "awsRegion": stream_arn.split(":")[3],
        "eventSourceARN": stream_arn,
    }


def dynamodb_record(record: TableRecord, *, stream_arn: str) -> dict[str, Any]:
    """One of `Records`. Source: spec/events.md section 5."""
    told = record.document
    change = told["dynamodb"]
    shown = {
        "ApproximateCreationDateTime": float(int(record.arrived_at)),
        "Keys": change["Keys"],
        "NewImage": change.get("NewImage"),
        "OldImage": change.get("OldImage"),
        "SequenceNumber": change["SequenceNumber"],
        "SizeBytes": change["SizeBytes"],
        "StreamViewType": change["StreamViewType"],
    }
    document = {
        "eventID": told["eventID"],
        "eventName": told["eventName"],
        "eventVersion": told["eventVersion"],
        "eventSource": "aws:dynamodb",
        "awsRegion": told["awsRegion"],
        "dynamodb": {name: value for name, value in shown.items() if value is not None},
        "eventSourceARN": stream_arn,
    }
    if "userIdentity" in told:
        identity = told["userIdentity"]
        document["userIdentity"] = {
            "type": identity["Type"],
            "principalId": identity["PrincipalId"],
        }
    return document


def payload(
    batch: Batch, *, stream_arn: str, shard_id: str, state: Mapping[str, Any] | None
) -> bytes:
    """The whole event. state: of the tumbling window, if there is one."""
    records = b'{"Records":[' + b",".join(entry.body for entry in batch.entries) + b"]"
    if batch.window is None:
        return records + b"}"
    members = {
        "window": {"start": _seconds(batch.window.start), "end": _seconds(batch.window.end)},
        "state": state or {},
        "shardId": shard_id,
        "eventSourceARN": stream_arn,
        "isFinalInvokeForWindow": not batch.entries,
        "isWindowTerminatedEarly": batch.ends_early,
    }
    return records + b"," + json.dumps(members, separators=(",", ":")).encode()[1:]


def failure_record(
    given_up: GiveUp,
    mapping: EventSourceMapping,
    *,
    stream_arn: str,
    shard_id: str,
    now_s: float,
) -> dict[str, Any]:
    """What an on-failure destination is told. Source: spec/event-source-mappings.md section 5."""
    batch, outcome = given_up.batch, given_up.outcome
    request_id = outcome.request_id if outcome else ""
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id or str(uuid.uuid4()),
            "functionArn": mapping.function_arn,
            "condition": given_up.condition,
            "approximateInvokeCount": max(batch.attempts, 1),
        }
    }
    if outcome is not None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": outcome.executed_version,
            "functionError": outcome.function_error,
        }
    is_kinesis = mapping.service == "kinesis"
    moment = _milliseconds if is_kinesis else _seconds
    first, last = batch.entries[0].record, batch.entries[-1].record
    record["version"] = "1.0"
    record["timestamp"] = _milliseconds(now_s)
    record["KinesisBatchInfo" if is_kinesis else "DDBStreamBatchInfo"] = {
        "shardId": shard_id,
        "startSequenceNumber": str(first.number),
        "endSequenceNumber": str(last.number),
        "approximateArrivalOfFirstRecord": moment(first.arrived_at),
        "approximateArrivalOfLastRecord": moment(last.arrived_at),
        "batchSize": len(batch.entries),
        "streamArn": stream_arn,
    }
    return record


def object_key(mapping_uuid: str, shard_id: str, now_s: float) -> str:
    """Where an on-failure bucket gets a record."""
    moment = datetime.fromtimestamp(now_s, UTC)
    unique = uuid.uuid4()
    return (
        f"aws/lambda/{mapping_uuid}/{shard_id}/{moment:%Y/%m/%d}/"
        f"{moment:%Y-%m-%dT%H.%M.%S}-{unique}"
    )


def _seconds(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _milliseconds(at_s: float) -> str:
    moment = datetime.fromtimestamp(at_s, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
