"""From a Kinesis stream to the function: every option of a mapping."""

import base64
import gc
import json
import re
import threading
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.control import MappingStore
from emulator.event_sources import Surroundings
from emulator.event_sources.kinesis import KinesisPollers
from emulator.event_sources.mappings import Mappings
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import LambdaError
from emulator.storage import Documents
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker, answered
from tests.event_sources.stream_lab import FUNCTION, STREAM, UUID, Script, StreamLab, failing

SHARD = "shardId-000000000000"
DLQ = "arn:aws:sqs:us-east-1:000000000000:dlq"


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> Iterator[Mappings]:
    made = Mappings(surroundings)
    surroundings.clock.freeze(True)
    yield made
    surroundings.clock.freeze(False)
    made.stop(5)


@pytest.fixture
def lab(
    aws: Aws, surroundings: Surroundings, invoker: FakeInvoker, source: Mappings
) -> Iterator[StreamLab]:
    yield StreamLab(surroundings, invoker, STREAM)
    surroundings.mappings.reset()
    source.reset()


@pytest.fixture
def kinesis(client: Client, lab: StreamLab) -> Any:
    made = client("kinesis")
    made.create_stream(StreamName="s", ShardCount=1)
    return made


def put(kinesis: Any, *data: str, key: str = "k") -> list[str]:
    """Put records in one request; return their sequence numbers."""
    entries = [{"Data": one.encode(), "PartitionKey": key} for one in data]
    answer = kinesis.put_records(StreamName="s", Records=entries)
    return [record["SequenceNumber"] for record in answer["Records"]]


def texts(event: dict[str, Any]) -> str:
    """The contents of an event's records, one after the other."""
    return "".join(
        base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]
    )


def given(lab: StreamLab) -> list[str]:
    return [texts(event) for event in lab.events]


def split(kinesis: Any, shard: str = SHARD) -> None:
    kinesis.split_shard(StreamName="s", ShardToSplit=shard, NewStartingHashKey=str(2**127))


def make_queue(client: Client, name: str = "dlq") -> Any:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]

    def received() -> list[Any]:
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found

    return received


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


# --- failures ----------------------------------------------------------------------------------


def test_a_batch_is_tried_again_until_it_succeeds_and_later_ones_wait(
    lab: StreamLab, kinesis: Any
) -> None:
    lab.invoker.answer = Script("error", "error", LambdaError("TooManyRequestsException", "no"))
    lab.map(batch_size=2, maximum_retries=-1)
    put(kinesis, *"abc")
    assert given(lab) == ["ab"]
    assert lab.result == "PROBLEM: Function call failed"
    lab.advance(0.25)
    lab.advance(0.4)
    assert given(lab) == ["ab"] * 2
    lab.advance(0.1)
    assert given(lab) == ["ab"] * 3
    lab.advance(1)
    assert given(lab) == ["ab"] * 4 + ["c"]
    assert lab.result == "OK"


def test_attempts_that_are_used_up_go_to_the_destination(
    lab: StreamLab, kinesis: Any, client: Client
) -> None:
    received = make_queue(client)
    lab.invoker.answer = failing(lambda event: "b" in texts(event))
    lab.map(batch_size=2, maximum_retries=1, on_failure_arn=DLQ)
    numbers = put(kinesis, *"abc")
    lab.advance(0.25)
    assert given(lab) == ["ab", "ab", "c"]
    [message] = received()
    at = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(at, message.pop("timestamp"))
    details = message.pop("KinesisBatchInfo")
    assert re.fullmatch(at, details.pop("approximateArrivalOfFirstRecord"))
    assert re.fullmatch(at, details.pop("approximateArrivalOfLastRecord"))
    assert details == {
        "shardId": SHARD,
        "startSequenceNumber": numbers[0],
        "endSequenceNumber": numbers[1],
        "batchSize": 2,
        "streamArn": STREAM,
    }
    assert message == {
        "requestContext": {
            "requestId": "request-id",
            "functionArn": FUNCTION,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
    }


def test_a_bucket_gets_the_data_too(lab: StreamLab, kinesis: Any, client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="failed")
    lab.invoker.answer = Script("error")
    lab.map(maximum_retries=0, on_failure_arn="arn:aws:s3:::failed")
    put(kinesis, "a")
    [event] = lab.events
    [found] = s3.list_objects_v2(Bucket="failed")["Contents"]
    day = r"\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d"
    assert re.fullmatch(rf"aws/lambda/{UUID}/{SHARD}/{day}-[0-9a-f-]{{36}}", found["Key"])
    record = json.loads(s3.get_object(Bucket="failed", Key=found["Key"])["Body"].read())
    assert record["payload"] == event
    assert list(record)[-1] == "payload"


def test_a_destination_that_is_gone_does_not_stop_the_shard(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = Script("error")
    lab.map(maximum_retries=0, on_failure_arn=DLQ, batch_size=1)
    put(kinesis, *"ab")
    assert given(lab) == ["a", "b"]


def test_old_records_are_given_up_before_and_after_an_attempt(
    lab: StreamLab, kinesis: Any, client: Client
) -> None:
    received = make_queue(client)
    put(kinesis, *"ab")
    lab.advance(61)
    put(kinesis, "c")
    lab.invoker.answer = failing(lambda event: True)
    lab.map(maximum_record_age_s=60, on_failure_arn=DLQ)
    assert given(lab) == ["c"]
    [first] = received()
    assert first["requestContext"]["condition"] == "RecordAgeExceeded"
    assert first["requestContext"]["approximateInvokeCount"] == 1
    assert "responseContext" not in first
    assert first["KinesisBatchInfo"]["batchSize"] == 2
    while not (found := received()):
        lab.advance(0.25)
    assert len(lab.events) == 8
    [second] = found
    assert second["requestContext"]["approximateInvokeCount"] == 8
    assert "responseContext" not in second


def test_records_that_the_stream_no_longer_keeps_are_given_up(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = Script(*["error"] * 2)
    lab.map()
    put(kinesis, "a")
    lab.advance(24 * 3600 + 1)
    put(kinesis, "b")
    assert given(lab) == ["a", "b"]


def test_a_bisected_batch_isolates_the_bad_record(
    lab: StreamLab, kinesis: Any, client: Client
) -> None:
    received = make_queue(client)
    lab.invoker.answer = failing(lambda event: "c" in texts(event))
    lab.map(bisects_batch=True, maximum_retries=1, on_failure_arn=DLQ)
    put(kinesis, *"abcd")
    assert given(lab) == ["abcd", "ab", "cd", "c"]
    lab.advance(0.25)
    assert given(lab) == ["abcd", "ab", "cd", "c", "c", "d"]
    [message] = received()
    assert message["requestContext"]["approximateInvokeCount"] == 2
    assert message["KinesisBatchInfo"]["batchSize"] == 1


def test_a_reported_failure_is_the_checkpoint_and_counts_from_1_again(
    lab: StreamLab, kinesis: Any, client: Client
) -> None:
    received = make_queue(client)

    def answer(call: Any) -> Any:
        last = json.loads(call.payload)["Records"][-1]["kinesis"]["sequenceNumber"]
        return answered(json.dumps({"batchItemFailures": [{"itemIdentifier": last}]}).encode())

    lab.invoker.answer = answer
    lab.map(reports_item_failures=True, maximum_retries=3, on_failure_arn=DLQ, batch_size=3)
    put(kinesis, *"abc")
    for _ in range(12):
        lab.advance(0.25)
    assert given(lab) == ["abc", "c", "c", "c", "c"]
    [message] = received()
    assert message["requestContext"]["approximateInvokeCount"] == 4
    assert message["responseContext"]["functionError"] is None


def test_throttles_use_up_no_attempts(lab: StreamLab, kinesis: Any) -> None:
    throttle = LambdaError("TooManyRequestsException", "Rate Exceeded.")
    lab.invoker.answer = Script(throttle, LambdaError("ServiceException", "x"), throttle)
    lab.map(maximum_retries=0)
    put(kinesis, "a")
    for _ in range(20):
        lab.advance(0.25)
    assert given(lab) == ["a"] * 4
    assert lab.result == "OK"


# --- tumbling windows --------------------------------------------------------------------------


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


# --- changes while running ---------------------------------------------------------------------


def test_options_change_between_two_attempts(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = failing(lambda event: "b" in texts(event))
    lab.map(batch_size=2)
    put(kinesis, *"abc")
    lab.advance(0.25)
    lab.map(bisects_batch=True, maximum_retries=0)
    lab.advance(0.5)
    assert given(lab) == ["ab", "ab", "ab", "a", "b", "c"]


def test_another_parallelization_factor_loses_nothing(lab: StreamLab, kinesis: Any) -> None:
    lab.map(parallelization_factor=4, batch_size=1)
    for value in range(20):
        put(kinesis, str(value), key=str(value))
        if value in (5, 12):
            lab.map(parallelization_factor=2 if value == 5 else 1)
    found = [int(text) for text in given(lab)]
    assert set(found) == set(range(20))


def test_an_accident_while_reading_loses_nothing(
    lab: StreamLab, kinesis: Any, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = aws.moto.streams.read
    accidents = [OSError("no memory")]

    def fail_once(*arguments: Any) -> Any:
        if accidents:
            raise accidents.pop()
        return read(*arguments)

    lab.map()
    lab.settle()
    monkeypatch.setattr(aws.moto.streams, "read", fail_once)
    put(kinesis, "a")
    assert given(lab) == []
    lab.advance(1)
    assert given(lab) == ["a"]
    put(kinesis, "b")
    assert given(lab) == ["a", "b"]


def test_a_lane_that_found_no_thread_goes_on_a_second_later(
    lab: StreamLab, kinesis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, refused = RunnerThreads.start, threading.Event()

    def refuse_once(self: RunnerThreads, job: Any) -> None:
        if "_act_and_go_on" in str(job) and not refused.is_set():
            refused.set()
            raise RuntimeError("can't start new thread")
        start(self, job)

    monkeypatch.setattr(RunnerThreads, "start", refuse_once)
    records = [{"Data": b"x", "PartitionKey": key} for key in "abcdefgh"]
    kinesis.put_records(StreamName="s", Records=records)
    lab.map(parallelization_factor=2)
    lab.settle()
    assert refused.is_set()
    lab.advance(1)
    assert sum(len(event["Records"]) for event in lab.events) == len(records)


def test_a_window_that_gets_many_records_keeps_one_alarm(lab: StreamLab, kinesis: Any) -> None:
    lab.invoker.answer = lambda call: answered(b'{"state": {}}')
    lab.map(tumbling_window_s=900)
    lab.around.clock.freeze(False)
    before = len(lab.around.alarms._heap)
    for number in range(50):
        put(kinesis, str(number))
        lab.settle()
    lab.around.clock.freeze(True)
    assert len(lab.around.alarms._heap) <= before + 2


def test_a_slow_function_delays_no_other_mapping(lab: StreamLab, kinesis: Any) -> None:
    release, other_ran = threading.Event(), threading.Event()

    def hold(call: Any) -> None:
        if call.function == FUNCTION:
            assert release.wait(10)
        else:
            other_ran.set()

    lab.invoker.on_call = hold
    other = StreamLab(lab.around, lab.invoker, STREAM)
    lab.map()
    other.map(uuid="2" * 8, function_arn=FUNCTION + "2")
    put(kinesis, "1")
    assert other_ran.wait(5)
    other_ran.clear()
    put(kinesis, "2")
    assert other_ran.wait(5)
    release.set()
    assert len(lab.events) == 4


def test_a_mapping_that_is_enabled_again_waits_for_what_still_runs(
    lab: StreamLab, kinesis: Any
) -> None:
    release, began = threading.Event(), threading.Event()

    def hold(call: Any) -> None:
        began.set()
        assert release.wait(10)

    lab.invoker.on_call = hold
    lab.map()
    put(kinesis, "1")
    assert began.wait(5)
    lab.map(is_enabled=False)
    lab.map(is_enabled=True)
    put(kinesis, "2")
    assert len(lab.invoker.calls) == 1
    release.set()
    assert given(lab) == ["1", "2"]


def test_a_mapping_that_is_enabled_twice_waits_for_what_still_runs(
    lab: StreamLab, kinesis: Any
) -> None:
    release, began = threading.Event(), threading.Event()

    def hold(call: Any) -> None:
        began.set()
        assert release.wait(10)

    lab.invoker.on_call = hold
    lab.map()
    put(kinesis, "1")
    assert began.wait(5)
    for _ in range(2):
        lab.map(is_enabled=False)
        lab.map(is_enabled=True)
    put(kinesis, "2")
    assert not lab.around.activity.wait_idle(0.2)
    assert len(lab.invoker.calls) == 1
    release.set()
    assert given(lab) == ["1", "2"]


def test_pollers_of_a_mapping_that_is_enabled_often_are_forgotten(
    lab: StreamLab, kinesis: Any, source: Mappings
) -> None:
    lab.map()
    put(kinesis, "1")
    assert given(lab) == ["1"]
    first = weakref.ref(source._pollers[UUID])
    for _ in range(3):
        lab.map(is_enabled=False)
        lab.map(is_enabled=True)
        lab.settle()
    gc.collect()
    assert first() is None
