"""Tumbling windows."""

import json
import re
from typing import Any

from tests.aws.conftest import Client
from tests.event_sources.conftest import answered
from tests.event_sources.kinesis.kinesis_lab import SHARD, put, texts
from tests.event_sources.stream_lab import STREAM, Script, StreamLab


def test_a_tumbling_window_carries_state_to_its_end(lab: StreamLab, kinesis: Any) -> None:
    def count(call: Any) -> Any:
        event = json.loads(call.payload)
        state = {"n": event["state"].get("n", 0) + len(event["Records"])}
        return answered(json.dumps({"state": state}).encode())

    lab.invoker.answer = count
    lab.advance(60 - lab.around.clock.now() % 60 + 1)
    lab.map(tumbling_window_s=60, batch_size=2)
    put(kinesis, *"abc")
    lab.advance(30)
    put(kinesis, "d")
    lab.advance(29)
    put(kinesis, "e")
    members = [
        (texts(event), event["state"].get("n"), event["isFinalInvokeForWindow"])
        for event in lab.events
    ]
    assert members == [
        ("ab", None, False),
        ("c", 2, False),
        ("d", 3, False),
        ("", 4, True),
        ("e", None, False),  # came when the next window had begun
    ]
    lab.advance(60)
    assert len(lab.events) == 6


def test_a_tumbling_window_ends_with_an_empty_call(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = Script({"state": {"n": 1}}, "error", {"state": {"n": 2}}, {"state": {}})
    lab.advance(60 - lab.around.clock.now() % 60 + 1)
    lab.map(tumbling_window_s=60, reports_item_failures=True)
    put(kinesis, "a")
    lab.settle()
    put(kinesis, "b")
    lab.advance(0.25)
    assert [event["state"] for event in lab.events] == [{}, {"n": 1}, {"n": 1}]
    lab.advance(60)
    event = lab.events[-1]
    assert event["Records"] == []
    assert event["state"] == {"n": 2}
    assert event["shardId"] == SHARD
    assert event["eventSourceARN"] == STREAM
    assert event["isFinalInvokeForWindow"] is True
    assert event["isWindowTerminatedEarly"] is False
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z"
    assert all(re.fullmatch(stamp, event["window"][end]) for end in ("start", "end"))
    lab.advance(600)
    assert len(lab.events) == 4
    put(kinesis, "c")
    assert lab.events[-1]["state"] == {}


def test_a_state_that_is_too_large_ends_its_window(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = Script({"state": {"x": "x" * 1_048_576}}, {"state": {}}, {"state": {}})
    lab.map(tumbling_window_s=900)
    put(kinesis, "a")
    first, final = lab.events
    assert first["isWindowTerminatedEarly"] is False
    assert (final["Records"], final["isFinalInvokeForWindow"]) == ([], True)
    assert final["isWindowTerminatedEarly"] is True
    put(kinesis, "b")
    assert lab.events[-1]["state"] == {}


def test_what_failed_before_a_window_ended_early_gets_a_final_call_too(
    lab: StreamLab, kinesis: Any
) -> None:
    put(kinesis, "a", "b")
    number = kinesis.get_records(
        ShardIterator=kinesis.get_shard_iterator(
            StreamName="s", ShardId=SHARD, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
    )["Records"][1]["SequenceNumber"]
    lab.invoker.answer = Script(
        {"state": {"x": "x" * 1_048_576}, "batchItemFailures": [{"itemIdentifier": number}]},
        {"state": {}},
        {"state": {"b": 1}},
        {"state": {}},
    )
    lab.map(tumbling_window_s=900, reports_item_failures=True)
    shown = [
        (len(event["Records"]), event["state"] == {"b": 1}, event["isWindowTerminatedEarly"])
        for event in lab.events
    ]
    assert shown == [(2, False, False), (0, False, True), (1, False, False)]
    lab.advance(900)
    assert (lab.events[-1]["Records"], lab.events[-1]["state"]) == ([], {"b": 1})


def test_the_last_result_is_that_of_the_last_batch_of_any_shard(
    lab: StreamLab, client: Client
) -> None:
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=2)
    lab.invoker.answer = Script("error")
    lab.map()
    for place in (2**128 - 1, 0):  # the second shard, whose batch fails, then the first
        kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k", ExplicitHashKey=str(place))
        lab.settle()
    assert lab.result == "OK"
