"""What becomes of records that a function failed with."""

import json
import re
from typing import Any

from emulator.model import LambdaError
from tests.aws.conftest import Client
from tests.event_sources.conftest import answered
from tests.event_sources.kinesis.kinesis_lab import SHARD, given, put, texts
from tests.event_sources.stream_lab import FUNCTION, STREAM, UUID, Script, StreamLab, failing

DLQ = "arn:aws:sqs:us-east-1:000000000000:dlq"


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
