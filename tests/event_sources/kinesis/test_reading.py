"""Events of a stream: where reading starts, in which batches, over which shards."""

import json
import re
import threading
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.control import MappingStore
from emulator.event_sources.kinesis import KinesisPollers
from emulator.storage import Documents
from tests.aws.conftest import Aws, Client
from tests.event_sources.kinesis.kinesis_lab import SHARD, given, put, texts
from tests.event_sources.stream_lab import FUNCTION, STREAM, UUID, Script, StreamLab, failing


def split(kinesis: Any, shard: str = SHARD) -> None:
    kinesis.split_shard(StreamName="s", ShardToSplit=shard, NewStartingHashKey=str(2**127))


# --- events ------------------------------------------------------------------------------------


def test_an_event_is_as_aws_sends_it(lab: StreamLab, kinesis: Any, aws: Aws) -> None:
    lab.map()
    [number] = put(kinesis, "hello")
    [event] = lab.events
    [call] = lab.invoker.calls
    assert (call.function, call.source, call.cause) == (FUNCTION, "kinesis", f"{SHARD}:{number}")
    assert re.fullmatch(r"49\d{54}", number)
    assert event == {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "k",
                    "sequenceNumber": number,
                    "data": "aGVsbG8=",
                    "approximateArrivalTimestamp": round(aws.clock.now(), 3),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{SHARD}:{number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "",  # there is no such function here
                "awsRegion": "us-east-1",
                "eventSourceARN": STREAM,
            }
        ]
    }
    assert lab.result == "OK"


# --- positions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "expected"), [("TRIM_HORIZON", "123"), ("LATEST", "3"), ("AT_TIMESTAMP", "23")]
)
def test_reading_starts_where_it_should(
    lab: StreamLab, kinesis: Any, position: str, expected: str
) -> None:
    put(kinesis, "1")
    lab.advance(60)
    put(kinesis, "2")
    lab.map(starting_position=position, starting_at=lab.around.clock.now() - 30)
    put(kinesis, "3")
    assert "".join(given(lab)) == expected


def test_a_stream_that_comes_later_is_read_from_its_beginning(
    lab: StreamLab, client: Client
) -> None:
    lab.map(starting_position="LATEST")
    assert lab.result == "PROBLEM: Stream not found"
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    put(kinesis, "1")
    assert given(lab) == ["1"]


def test_a_recreated_stream_begins_anew(lab: StreamLab, kinesis: Any) -> None:
    put(kinesis, "0")
    lab.map(starting_position="LATEST")
    put(kinesis, "1")
    assert given(lab) == ["1"]
    kinesis.delete_stream(StreamName="s")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    put(kinesis, "2")
    assert given(lab) == ["1", "2"]


def test_a_disabled_mapping_goes_on_where_it_was(lab: StreamLab, kinesis: Any) -> None:
    lab.map(starting_position="LATEST")
    put(kinesis, "1")
    assert given(lab) == ["1"]
    lab.map(is_enabled=False)
    put(kinesis, "2")
    assert given(lab) == ["1"]
    lab.map(is_enabled=True)
    assert given(lab) == ["1", "2"]


def test_a_deleted_mapping_is_forgotten(lab: StreamLab, kinesis: Any) -> None:
    lab.map()
    put(kinesis, "1")
    assert given(lab) == ["1"]
    lab.around.mappings.withdraw(UUID)
    put(kinesis, "2")
    assert given(lab) == ["1"]
    lab.map()
    assert given(lab) == ["1", "12"]


def test_a_restarted_emulator_goes_on_where_it_was(
    lab: StreamLab, kinesis: Any, tmp_path: Path
) -> None:
    def run(*data: str) -> list[str]:
        """One life of an emulator, in which the stream gets some records."""
        around = replace(
            lab.around,
            documents=Documents(tmp_path / "documents"),
            mappings=MappingStore(lab.around.clock),
        )
        lab.invoker.calls.clear()
        pollers = KinesisPollers(around)
        poller = pollers.start(lab.mapping)
        put(kinesis, *data)
        found = given(lab)
        poller.stop(5)
        pollers.stop(5)
        around.documents.close()
        return found

    assert run("a", "b") == ["ab"]
    put(kinesis, "c")
    assert "".join(run("d")) == "cd"


def test_several_functions_read_one_stream(lab: StreamLab, kinesis: Any) -> None:
    other = StreamLab(lab.around, lab.invoker, STREAM)
    lab.map()
    other.map(uuid="2" * 8, function_arn=FUNCTION + "2")
    lab.invoker.answer = failing(lambda event: False)
    put(kinesis, "1")
    lab.settle()
    assert sorted(call.function for call in lab.invoker.calls) == [FUNCTION, FUNCTION + "2"]
    assert {texts(event) for event in lab.events} == {"1"}


# --- batches -----------------------------------------------------------------------------------


def test_a_backlog_comes_in_batches_in_order(lab: StreamLab, kinesis: Any) -> None:
    put(kinesis, *"abcdefg")
    lab.map(batch_size=3)
    assert given(lab) == ["abc", "def", "g"]


def test_a_window_waits_for_its_end_or_a_full_batch(lab: StreamLab, kinesis: Any) -> None:
    lab.map(batch_size=3, window_s=10)
    put(kinesis, "a")
    lab.advance(9)
    put(kinesis, "b")
    assert given(lab) == []
    lab.advance(1)
    assert given(lab) == ["ab"]
    put(kinesis, "c", "d")
    put(kinesis, "e", "f")
    assert given(lab) == ["ab", "cde"]
    lab.advance(10)
    assert given(lab) == ["ab", "cde", "f"]


def test_a_batch_ends_before_6_mb(lab: StreamLab, kinesis: Any) -> None:
    for _ in range(6):
        put(kinesis, "x" * 1_000_000)  # a third more in base64
    lab.map()
    assert [len(event["Records"]) for event in lab.events] == [4, 2]


def test_lanes_run_side_by_side_and_keep_the_order_of_a_key(lab: StreamLab, kinesis: Any) -> None:
    lab.map(parallelization_factor=10, batch_size=1)
    blocked, others = threading.Event(), threading.Event()
    lanes = {str(key): zlib.crc32(str(key).encode()) % 10 for key in range(10)}
    assert lanes["0"] != lanes["1"]

    def hold(call: Any) -> None:
        event = json.loads(call.payload)
        if event["Records"][0]["kinesis"]["partitionKey"] == "0":
            assert blocked.wait(10)
        elif texts(event) == "91":
            others.set()

    lab.invoker.on_call = hold
    for value in range(100):
        put(kinesis, str(value), key=str(value % 10))
    assert others.wait(10)  # while the lane of key 0 stands still
    blocked.set()
    by_key: dict[str, list[int]] = {}
    for event in lab.events:
        [record] = event["Records"]
        by_key.setdefault(record["kinesis"]["partitionKey"], []).append(int(texts(event)))
    assert by_key == {str(key): list(range(key, 100, 10)) for key in range(10)}


def test_filtered_records_are_skipped_for_good(lab: StreamLab, kinesis: Any) -> None:
    lab.map(filters=('{"data":{"n":[{"numeric":[">",1]}]}}', '{"partitionKey":["always"]}'))
    put(kinesis, '{"n":1}', '{"n":2}', "text", '{"n":3}')
    assert given(lab) == ['{"n":2}{"n":3}']
    put(kinesis, '{"n":0}')
    assert len(lab.events) == 1
    lab.map(filters=())
    put(kinesis, "more")
    assert given(lab)[1:] == ["more"]
    lab.map(filters=('{"partitionKey":["always"]}',))
    put(kinesis, "no")
    put(kinesis, "yes", key="always")
    assert given(lab)[2:] == ["yes"]


# --- shards ------------------------------------------------------------------------------------


def test_children_wait_for_their_parents(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = Script("error")
    lab.map(starting_position="LATEST")
    put(kinesis, "1")
    split(kinesis)
    put(kinesis, "2")
    kinesis.merge_shards(
        StreamName="s",
        ShardToMerge="shardId-000000000001",
        AdjacentShardToMerge="shardId-000000000002",
    )
    put(kinesis, "3")
    assert given(lab) == ["1"]
    lab.advance(0.25)
    assert given(lab) == ["1", "1", "2", "3"]
    put(kinesis, "4")
    assert given(lab)[-1] == "4"


def test_history_of_closed_shards_is_read_in_order(lab: StreamLab, kinesis: Any) -> None:
    put(kinesis, "1")
    split(kinesis)
    put(kinesis, "2")
    lab.map()
    assert given(lab) == ["1", "2"]


def test_events_are_counted_when_a_mapping_asks_for_it(
    lab: StreamLab, kinesis: Any, aws: Aws
) -> None:
    aws.metrics.reset()
    lab.invoker.answer = failing(lambda event: "b" in texts(event))
    pattern = '{"partitionKey":["k"]}'
    lab.map(counts_events=True, batch_size=1, maximum_retries=0, filters=(pattern,))
    put(kinesis, *"ab")
    put(kinesis, "c", key="other")
    lab.settle()
    counted = {
        one.name: one.total
        for one in aws.metrics.drain()
        if dict(one.dimensions) == {"EventSourceMappingUUID": UUID}
    }
    assert counted == {
        "PolledEventCount": 3,
        "FilteredOutEventCount": 1,
        "InvokedEventCount": 2,
        "FailedInvokeEventCount": 1,
        "DroppedEventCount": 1,
    }
