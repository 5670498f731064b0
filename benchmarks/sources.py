"""How soon a source's handler runs beside a slow one, and how fast a long queue is worked off."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.client import burst, expect_success, request
from benchmarks.emulator_process import Emulator, pause
from benchmarks.producers import (
    LOG_STREAM,
    PRODUCERS,
    arn,
    call,
    many_items,
    many_messages,
    many_records,
    queue_url,
)

_MAPPINGS: Final = "/2015-03-31/event-source-mappings"
_GAP_S: Final = 0.01  # between two sends: each is a batch of its own
_WAIT_S: Final = 30.0
_SENDS: Final = 220
_WARM_UP: Final = 20

TOML: Final = """
[resources]
buckets = ["probe", "slow"]
queues = ["probe", "slow", "drain-100", "drain-1000", "drain-10000"]
[resources.streams.probe]
[resources.streams.slow]
[resources.streams.drain-100]
shards = 4
[resources.streams.drain-1000]
shards = 4
[resources.streams.drain-10000]
shards = 4
[resources.tables.probe]
stream = "NEW_IMAGE"
[resources.tables.slow]
stream = "NEW_IMAGE"
[resources.tables.drain-100]
stream = "NEW_IMAGE"
[resources.tables.drain-1000]
stream = "NEW_IMAGE"
[resources.tables.drain-10000]
stream = "NEW_IMAGE"
""" + "".join(
    f"""
[[functions.{function}.triggers]]
source = "sns"
topic = "{name}"
[[functions.{function}.triggers]]
source = "events"
pattern = {{ source = ["{name}"] }}
[[functions.{function}.triggers]]
source = "s3"
bucket = "{name}"
events = ["s3:ObjectCreated:*"]
[[functions.{function}.triggers]]
source = "logs"
log_group = "{name}"
"""
    for function, name in (("source_probe", "probe"), ("slow", "slow"))
)


def map_source(emulator: Emulator, source_arn: str, function: str, **options: Any) -> str:
    """Create an event source mapping; returns its UUID."""
    body = {"EventSourceArn": source_arn, "FunctionName": function, **options}
    if not source_arn.startswith("arn:aws:sqs"):
        body["StartingPosition"] = "TRIM_HORIZON"
    answer = emulator.api.call(request("POST", _MAPPINGS, json.dumps(body).encode()))
    expect_success(answer)
    uuid: str = answer.json()["UUID"]
    return uuid


def source_arn(emulator: Emulator, kind: str, name: str) -> str:
    """ARN of what a mapping of this kind reads."""
    if kind == "SQS":
        return arn("sqs", name)
    if kind == "Kinesis":
        return arn("kinesis", f"stream/{name}")
    table = emulator.api.call(
        call("dynamodb", "DynamoDB_20120810.DescribeTable", {"TableName": name})
    ).json()["Table"]
    found: str = table["LatestStreamArn"]
    return found


def map_all(emulator: Emulator) -> None:
    """Bind the queues, streams and tables that are measured; the project binds the rest."""
    for kind in ("SQS", "Kinesis", "DynamoDB"):
        for function, name in (("source_probe", "probe"), ("slow", "slow")):
            map_source(emulator, source_arn(emulator, kind, name), function)
    for name in ("probe", "slow"):
        stream = {"logGroupName": name, "logStreamName": LOG_STREAM}
        expect_success(emulator.api.call(call("logs", "Logs_20140328.CreateLogStream", stream)))
    emulator.api.settle()


def reached(emulator: Emulator, kind: str) -> list[float]:
    """Seconds from each send to the handler's first line, while a slow neighbour runs."""
    produce = PRODUCERS[kind]
    emulator.api.settle()
    expect_success(emulator.api.call(produce("slow", "x")))
    sent: dict[str, float] = {}
    for n in range(_SENDS):
        identity = f"{kind}-{n}"
        data = produce("probe", identity)
        sent[identity] = time.time()
        expect_success(emulator.api.call(data))
        pause(_GAP_S)
    started = _wait_for(emulator, set(sent))
    return [started[identity] - at for identity, at in sent.items()][_WARM_UP:]


def _wait_for(emulator: Emulator, identities: set[str]) -> dict[str, float]:
    """When the handler began with each; raise when one is missing after a while."""
    give_up = time.perf_counter() + _WAIT_S
    while True:
        started = {
            identity: record["response"]["started"]
            for record in reversed(emulator.api.invocations("source_probe", 1000))
            for identity in record["response"]["ids"]
        }
        missing = identities - set(started)
        if not missing:
            return started
        if time.perf_counter() > give_up:
            raise RuntimeError(f"{len(missing)} of {len(identities)} never reached the handler")
        pause(0.05)


@dataclass(frozen=True, slots=True)
class Drain:
    """A queue or stream that is filled first and worked off then."""

    kind: str
    fill: Callable[[str, Sequence[str]], Iterator[bytes]]
    batch_size: int


DRAINS: Final = (
    Drain("SQS", many_messages, 10),
    Drain("Kinesis", many_records, 100),
    Drain("DynamoDB", many_items, 100),
)


def drained(emulator: Emulator, drain: Drain, count: int) -> float:
    """Seconds to work off `count` records that wait when the mapping is enabled."""
    name = f"drain-{count}"
    identities = [f"{drain.kind}-{count}-{n}" for n in range(count)]
    where = source_arn(emulator, drain.kind, name)
    expect_filled(emulator, drain.fill(name, identities))
    began = time.perf_counter()
    map_source(emulator, where, "source_probe", BatchSize=drain.batch_size)
    emulator.api.settle()
    seconds = time.perf_counter() - began
    if drain.kind == "SQS":
        _expect_empty(emulator, name)
    else:  # few enough invocations that all of them are on record
        _wait_for(emulator, set(identities))
    return seconds


def _expect_empty(emulator: Emulator, queue: str) -> None:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    members = {"QueueUrl": queue_url(queue), "AttributeNames": names}
    answer = emulator.api.call(call("sqs", "AmazonSQS.GetQueueAttributes", members)).json()
    if set(answer["Attributes"].values()) != {"0"}:
        raise RuntimeError(f"messages are left in {queue}: {answer['Attributes']}")


def expect_filled(emulator: Emulator, requests: Iterable[bytes]) -> None:
    """Send all requests by 8 clients."""
    burst(emulator.port, list(requests), clients=8)
