"""Firehose has functions transform records on their way to a bucket."""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.aws import FirehoseRecord, FirehoseRecordsFact, Transformation
from emulator.aws.patches.firehose import transformation_of
from emulator.event_sources import Surroundings
from emulator.event_sources.firehose import FirehoseTransformations
from emulator.model import Call, InvocationResult, LambdaError
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker, answered

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
STREAM_ARN = "arn:aws:firehose:us-east-1:000000000000:deliverystream/orders"


@pytest.fixture(scope="module")
def running_source(surroundings: Surroundings) -> Iterator[FirehoseTransformations]:
    source = FirehoseTransformations(surroundings)
    yield source
    source.stop(1)


class Lab:
    """A bucket, and a delivery stream that writes to it."""

    def __init__(self, source: FirehoseTransformations, client: Client) -> None:
        self.source = source
        self.around = source.around
        self.firehose, self.s3 = client("firehose"), client("s3")
        self.s3.create_bucket(Bucket="lake")

    def create(self, parameters: dict[str, str] | None = None, **more: Any) -> None:
        named = {"LambdaArn": ARN} | (parameters or {})
        processor = {
            "Type": "Lambda",
            "Parameters": [
                {"ParameterName": name, "ParameterValue": value} for name, value in named.items()
            ],
        }
        others = more.pop("processors", [])
        self.firehose.create_delivery_stream(
            DeliveryStreamName="orders",
            ExtendedS3DestinationConfiguration={
                "RoleARN": "arn:aws:iam::000000000000:role/firehose",
                "BucketARN": "arn:aws:s3:::lake",
                "ProcessingConfiguration": {"Enabled": True, "Processors": [processor, *others]},
            }
            | more,
        )

    def put(self, *data: bytes) -> list[str]:
        records = [{"Data": each} for each in data]
        answer = self.firehose.put_record_batch(DeliveryStreamName="orders", Records=records)
        assert answer["FailedPutCount"] == 0
        return [each["RecordId"] for each in answer["RequestResponses"]]

    def settle(self) -> None:
        assert self.around.activity.wait_idle(10) or not self.around.activity.pending()

    def advance(self, seconds: float = 60) -> None:
        self.around.clock.advance(seconds)
        while self.around.activity.pending():
            self.settle()

    def objects(self) -> dict[str, bytes]:
        found = self.s3.list_objects_v2(Bucket="lake").get("Contents", [])
        return {
            each["Key"]: self.s3.get_object(Bucket="lake", Key=each["Key"])["Body"].read()
            for each in found
        }


@pytest.fixture
def lab(
    running_source: FirehoseTransformations, aws: Aws, client: Client, invoker: FakeInvoker
) -> Lab:
    running_source.reset()
    invoker.answer = transforming(lambda data: data.upper())
    return Lab(running_source, client)


def transforming(change: Callable[[bytes], bytes]) -> Callable[[Call], InvocationResult]:
    def answer(call: Call) -> InvocationResult:
        records = [
            {
                "recordId": each["recordId"],
                "result": "Ok",
                "data": base64.b64encode(change(base64.b64decode(each["data"]))).decode(),
            }
            for each in json.loads(call.payload)["records"]
        ]
        return answered(json.dumps({"records": records}).encode())

    return answer


def sizes(invoker: FakeInvoker) -> list[int]:
    return [len(json.loads(call.payload)["records"]) for call in invoker.calls]


def test_records_of_a_minute_are_transformed_together_and_put_as_one_object(
    lab: Lab, invoker: FakeInvoker, aws: Aws
) -> None:
    lab.create(Prefix="in/")
    ids = lab.put(b"one,", b"two,")
    ids.append(
        lab.firehose.put_record(DeliveryStreamName="orders", Record={"Data": b"three"})["RecordId"]
    )
    lab.advance(58)
    assert invoker.calls == []
    assert lab.objects() == {}
    lab.advance(3)
    [call] = invoker.calls
    assert (call.function, call.source, call.cause) == (ARN, "firehose", STREAM_ARN)
    event = json.loads(call.payload)
    assert len(event.pop("invocationId")) == 36
    assert [each["recordId"] for each in event["records"]] == ids
    assert event["deliveryStreamArn"] == STREAM_ARN
    assert event["region"] == "us-east-1"
    [(key, content)] = lab.objects().items()
    assert content == b"ONE,TWO,THREE"
    folder, _, name = key.rpartition("/")
    assert folder.startswith("in/20")
    assert folder.count("/") == 4
    assert name.startswith("orders-1-20")
    assert "ObjectCreated:Put" in [getattr(fact, "name", "") for fact in aws.facts]


def test_a_full_buffer_does_not_wait(lab: Lab, invoker: FakeInvoker) -> None:
    lab.create({"BufferSizeInMBs": "0.2"})
    lab.put(*[b"x" * 100_000 for _ in range(5)])
    lab.settle()
    assert sizes(invoker) == [2, 2]
    lab.advance()
    assert sizes(invoker) == [2, 2, 1]


def test_many_small_records_stay_below_the_limit_of_an_event(
    lab: Lab, invoker: FakeInvoker
) -> None:
    records = tuple(FirehoseRecord(id=f"{n:01000}", data=b"x", at_s=1.0) for n in range(6_000))
    lab.source.take(
        FirehoseRecordsFact(
            stream_arn=STREAM_ARN,
            version="1",
            transformation=Transformation(
                function_arn=ARN, bucket="lake", buffer_bytes=3 * 1024 * 1024
            ),
            records=records,
        )
    )
    lab.advance()
    assert len(invoker.calls) == 2
    assert max(len(call.payload) for call in invoker.calls) <= 6_291_456
    assert sum(sizes(invoker)) == 6_000
    assert sum(len(each) for each in lab.objects().values()) == 6_000


def test_a_function_that_fails_is_tried_again_and_its_records_are_kept(
    lab: Lab, invoker: FakeInvoker
) -> None:
    lab.create({"NumberOfRetries": "1"})
    invoker.answer = lambda call: answered(b'{"errorMessage":"no"}', "Unhandled")
    lab.put(b"one", b"two")
    lab.advance()
    assert len(invoker.calls) == 2
    [(key, content)] = lab.objects().items()
    assert key.startswith("processing-failed/20")
    first, second = [json.loads(line) for line in content.decode().splitlines()]
    assert first.pop("arrivalTimestamp") <= first.pop("attemptEndingTimestamp")
    assert first == {
        "attemptsMade": 2,
        "errorCode": "Lambda.FunctionError",
        "errorMessage": (
            "The Lambda function was successfully invoked but it returned an error result."
        ),
        "rawData": base64.b64encode(b"one").decode(),
        "lambdaArn": ARN,
    }
    assert second["rawData"] == base64.b64encode(b"two").decode()


def test_a_function_that_recovers_loses_nothing(lab: Lab, invoker: FakeInvoker) -> None:
    lab.create()
    good = invoker.answer

    def recover(call: Call) -> InvocationResult:
        if len(invoker.calls) < 4:
            raise LambdaError("TooManyRequestsException", "Rate Exceeded.")
        return good(call)

    invoker.answer = recover
    lab.put(b"one")
    lab.advance()
    assert list(lab.objects().values()) == [b"ONE"]


def test_a_function_that_takes_over_five_minutes_has_failed(lab: Lab, invoker: FakeInvoker) -> None:
    lab.create({"NumberOfRetries": "0"})
    good = invoker.answer
    invoker.answer = lambda call: replace(good(call), duration_ms=300_001)
    lab.put(b"one")
    lab.advance()
    [content] = lab.objects().values()
    assert json.loads(content)["errorCode"] == "Lambda.FunctionRequestTimedOut"


def test_without_a_buffer_every_request_is_transformed_at_once(
    lab: Lab, invoker: FakeInvoker
) -> None:
    lab.create({"BufferIntervalInSeconds": "0"})
    lab.put(b"one", b"two")
    lab.settle()
    assert sizes(invoker) == [2]


def test_without_its_function_records_are_failed_at_once(lab: Lab, invoker: FakeInvoker) -> None:
    lab.create(ErrorOutputPrefix="bad/!{firehose:error-output-type}/")
    invoker.gone.add(ARN)
    lab.put(b"one")
    lab.advance()
    [(key, content)] = lab.objects().items()
    assert key.startswith("bad/processing-failed/20")
    document = json.loads(content)
    assert (document["errorCode"], document["attemptsMade"]) == ("Lambda.ResourceNotFound", 1)


def test_partition_keys_delimiters_and_compression(lab: Lab, invoker: FakeInvoker) -> None:
    def answer(call: Call) -> InvocationResult:
        records = []
        for each in json.loads(call.payload)["records"]:
            name = base64.b64decode(each["data"]).decode()
            metadata = {"partitionKeys": {"shop": name[0]}} if name != "none" else {}
            records.append(each | {"result": "Ok", "metadata": metadata})
        return answered(json.dumps({"records": records}).encode())

    invoker.answer = answer
    lab.create(
        Prefix="shop=!{partitionKeyFromLambda:shop}/!{timestamp:yyyy}/",
        ErrorOutputPrefix="bad/",
        DynamicPartitioningConfiguration={"Enabled": True},
        CompressionFormat="GZIP",
        processors=[{"Type": "AppendDelimiterToRecord", "Parameters": []}],
    )
    lab.put(b"a1", b"b1", b"a2", b"none")
    lab.advance()
    found = {key.split("/")[0]: gzip.decompress(content) for key, content in lab.objects().items()}
    assert all(key.endswith(".gz") for key in lab.objects())
    assert found["shop=a"] == b"a1\na2\n"
    assert found["shop=b"] == b"b1\n"
    assert json.loads(found["bad"])["errorCode"] == "DynamicPartitioning.PartitionKeyNotFound"


def test_a_bucket_that_comes_later_gets_its_object(lab: Lab) -> None:
    lab.create()
    lab.s3.delete_bucket(Bucket="lake")
    lab.put(b"one")
    lab.advance()
    lab.s3.create_bucket(Bucket="lake")
    lab.advance()
    assert list(lab.objects().values()) == [b"ONE"]


def test_a_bucket_that_does_not_come_within_a_day_gets_nothing(lab: Lab) -> None:
    lab.create()
    lab.s3.delete_bucket(Bucket="lake")
    lab.put(b"one")
    for _ in range(4):
        lab.advance(40_000)
    lab.s3.create_bucket(Bucket="lake")
    lab.advance()
    assert lab.objects() == {}


def test_after_a_reset_nothing_of_before_is_delivered(lab: Lab) -> None:
    lab.create()
    lab.s3.delete_bucket(Bucket="lake")
    lab.put(b"one")
    lab.advance()
    lab.source.reset()
    lab.s3.create_bucket(Bucket="lake")
    lab.advance()
    assert lab.objects() == {}


def test_a_deleted_stream_takes_its_records_along(lab: Lab, invoker: FakeInvoker) -> None:
    lab.create()
    lab.put(b"one")
    lab.firehose.delete_delivery_stream(DeliveryStreamName="orders")
    lab.advance()
    assert invoker.calls == []


def test_a_stream_whose_processing_is_off_puts_records_as_they_are(
    lab: Lab, invoker: FakeInvoker
) -> None:
    lab.create(ProcessingConfiguration={"Enabled": False})
    lab.put(b"one")
    assert list(lab.objects().values()) == [b"one"]
    assert invoker.calls == []


def test_what_is_not_built_is_told() -> None:
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": ARN}]
    processor = {"Type": "Lambda", "Parameters": parameters}
    found = transformation_of(
        {
            "BucketARN": "arn:aws:s3:::lake",
            "CompressionFormat": "ZIP",
            "S3BackupMode": "Enabled",
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [processor, {"Type": "Decompression"}],
            },
        }
    )
    assert found is not None
    assert found.not_built == ("processor Decompression", "CompressionFormat ZIP", "S3BackupMode")


def test_numbers_that_are_none_are_refused(lab: Lab) -> None:
    with pytest.raises(ClientError, match="InvalidArgument"):
        lab.create({"BufferIntervalInSeconds": "soon"})
    lab.create()
    with pytest.raises(ClientError, match="InvalidArgument"):
        lab.firehose.update_destination(
            DeliveryStreamName="orders",
            CurrentDeliveryStreamVersionId="1",
            DestinationId="destinationId-000000000001",
            ExtendedS3DestinationUpdate={"ProcessingConfiguration": processing("soon")},
        )


def processing(retries: str) -> dict[str, Any]:
    named = {"LambdaArn": ARN, "NumberOfRetries": retries}
    parameters = [{"ParameterName": name, "ParameterValue": value} for name, value in named.items()]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]}
