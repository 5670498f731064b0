"""Kinesis as AWS has it: numbers, shards, splits and merges, reading, facts."""

import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.aws import RecordsAppendedFact, StreamChangedFact
from tests.aws.conftest import Aws, Client

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
FIRST = "shardId-000000000000"


@pytest.fixture
def kinesis(client: Client) -> Any:
    made = client("kinesis")
    made.create_stream(StreamName="s", ShardCount=1)
    return made


def put(kinesis: Any, data: str = "x", key: str = "k") -> Any:
    return kinesis.put_record(StreamName="s", Data=data.encode(), PartitionKey=key)


def contents(kinesis: Any, shard: str = FIRST, **iterator: Any) -> list[str]:
    given = {"ShardIteratorType": "TRIM_HORIZON"} | iterator
    first = kinesis.get_shard_iterator(StreamName="s", ShardId=shard, **given)["ShardIterator"]
    records = kinesis.get_records(ShardIterator=first)["Records"]
    return [record["Data"].decode() for record in records]


def test_sequence_numbers_have_56_digits_grow_and_are_the_same_everywhere(kinesis: Any) -> None:
    numbers = [put(kinesis, str(index))["SequenceNumber"] for index in range(3)]
    assert [len(number) for number in numbers] == [56] * 3
    assert sorted(numbers) == numbers
    iterator = kinesis.get_shard_iterator(
        StreamARN=ARN,
        ShardId=FIRST,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=numbers[1],
    )["ShardIterator"]
    found = kinesis.get_records(StreamARN=ARN, ShardIterator=iterator)
    assert [record["SequenceNumber"] for record in found["Records"]] == numbers[1:]
    after = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": numbers[1]}
    assert contents(kinesis, **after) == ["2"]
    assert contents(kinesis, ShardIteratorType="LATEST") == []
    shard = kinesis.list_shards(StreamName="s")["Shards"][0]
    assert len(shard["SequenceNumberRange"]["StartingSequenceNumber"]) == 56
    assert shard["SequenceNumberRange"]["StartingSequenceNumber"] < numbers[0]


def test_a_timestamp_finds_the_records_from_then_on(kinesis: Any, aws: Aws) -> None:
    put(kinesis, "before")
    aws.clock.advance(60)
    moment = aws.clock.now()
    aws.clock.advance(60)
    put(kinesis, "after")
    assert contents(kinesis, ShardIteratorType="AT_TIMESTAMP", Timestamp=moment) == ["after"]


def test_facts_are_told_once_for_each_request(kinesis: Any, aws: Aws) -> None:
    entries = [{"Data": b"x", "PartitionKey": str(index)} for index in range(3)]
    kinesis.put_records(StreamName="s", Records=entries)
    assert aws.facts == [
        StreamChangedFact(stream_arn=ARN),
        RecordsAppendedFact(stream_arn=ARN, shard_id=FIRST),
    ]
    kinesis.delete_stream(StreamName="s")
    assert aws.facts[2:] == [StreamChangedFact(stream_arn=ARN)]


def test_a_split_keeps_history_in_the_parent_and_new_records_go_to_the_children(
    kinesis: Any, aws: Aws
) -> None:
    put(kinesis, "old")
    aws.facts.clear()
    kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    assert aws.facts == [StreamChangedFact(stream_arn=ARN)]
    at = put(kinesis, "new")["ShardId"]
    shards = kinesis.list_shards(StreamName="s")["Shards"]
    assert [shard.get("ParentShardId") for shard in shards] == [None, FIRST, FIRST]
    assert [shard["ShardId"] for shard in shards if contents(kinesis, shard["ShardId"])] == [
        FIRST,
        at,
    ]
    assert (contents(kinesis), contents(kinesis, at)) == (["old"], ["new"])


def test_the_last_iterator_of_a_closed_shard_leads_nowhere(kinesis: Any) -> None:
    put(kinesis)
    kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId=FIRST, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert "NextShardIterator" not in kinesis.get_records(ShardIterator=iterator)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_merge_keeps_history_whatever_the_order_of_the_two(
    kinesis: Any, order: tuple[int, int]
) -> None:
    kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    at = put(kinesis, "old")["ShardId"]
    one, other = (f"shardId-{index:012}" for index in order)
    kinesis.merge_shards(StreamName="s", ShardToMerge=one, AdjacentShardToMerge=other)
    merged = kinesis.list_shards(StreamName="s")["Shards"][-1]
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (one, other)
    assert merged["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(2**128 - 1)}
    assert put(kinesis, "new")["ShardId"] == merged["ShardId"]
    assert (contents(kinesis, at), contents(kinesis, merged["ShardId"])) == (["old"], ["new"])
    with pytest.raises(ClientError, match="already been merged or split"):
        kinesis.merge_shards(StreamName="s", ShardToMerge=one, AdjacentShardToMerge=other)


def test_the_greatest_hash_has_a_shard(kinesis: Any) -> None:
    record = {"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": str(2**128 - 1)}
    assert kinesis.put_record(StreamName="s", **record)["ShardId"] == FIRST


def test_no_number_is_given_twice_under_threads(kinesis: Any, client: Client) -> None:
    numbers: list[str] = []

    def produce(one: Any) -> None:
        numbers.extend([put(one)["SequenceNumber"] for _ in range(25)])

    threads = [threading.Thread(target=produce, args=(client("kinesis"),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 100
    assert len(contents(kinesis)) == 100


def test_what_reading_the_tail_costs_does_not_depend_on_the_length(kinesis: Any, aws: Aws) -> None:
    from moto.kinesis.models import kinesis_backends

    stream = kinesis_backends["000000000000"]["us-east-1"].streams["s"]

    def append(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            stream.put_record("k", "", "eA==")
            last = aws.moto.streams.last_number(ARN, FIRST)
            assert aws.moto.streams.read(ARN, FIRST, last - 1, 10)
        return time.perf_counter() - started

    append(1000)
    short = append(500)
    for _ in range(30_000):
        stream.put_record("k", "", "eA==")
    assert append(500) < 10 * short


def test_a_reader_finds_shards_parents_and_records(kinesis: Any, aws: Aws) -> None:
    number = int(put(kinesis, "a")["SequenceNumber"])
    kinesis.split_shard(StreamName="s", ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    described = aws.moto.streams.describe(ARN)
    assert described is not None
    assert described.retention_s == 86_400
    assert [(shard.parents, shard.is_closed) for shard in described.shards] == [
        ((), True),
        ((FIRST,), False),
        ((FIRST,), False),
    ]
    [record] = aws.moto.streams.read(ARN, FIRST, 0, 10)
    assert (record.number, record.key) == (number, "k")
    kinesis.delete_stream(StreamName="s")
    assert aws.moto.streams.describe(ARN) is None
    assert aws.moto.streams.read(ARN, FIRST, 0, 10) == []
    kinesis.create_stream(StreamName="s", ShardCount=1)
    again = aws.moto.streams.describe(ARN)
    assert again is not None
    assert again.identity != described.identity
