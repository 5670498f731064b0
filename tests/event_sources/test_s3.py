"""From an object to the functions, queues, topics and rules that want to hear of it."""

import json
import re
import threading
from typing import Any
from urllib.parse import unquote_plus

import pytest

from emulator.aws import EventFact, ObjectFact, Requester
from emulator.event_sources import Surroundings
from emulator.event_sources.s3 import S3Events, bus_event, record
from emulator.model import Call
from emulator.model.triggers.s3 import S3Trigger
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:resize"
OTHER = "arn:aws:lambda:us-east-1:000000000000:function:other"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
CREATED = "s3:ObjectCreated:*"
JPG = S3Trigger(bucket="photos", events=(CREATED,), suffix=".jpg")


def records(invoker: FakeInvoker) -> list[dict[str, Any]]:
    return [json.loads(call.payload)["Records"][0] for call in invoker.calls]


@pytest.fixture(scope="module")
def events(surroundings: Surroundings) -> S3Events:
    return S3Events(surroundings)


@pytest.fixture
def s3(aws: Aws, client: Client, events: S3Events, invoker: FakeInvoker) -> Any:
    aws.functions.arns |= {FUNCTION, OTHER}
    made = client("s3")
    made.create_bucket(Bucket="bkt")
    return made


def configure(s3: Any, **configuration: Any) -> None:
    s3.put_bucket_notification_configuration(Bucket="bkt", NotificationConfiguration=configuration)


def to_function(arn: str = FUNCTION, *events: str, **rules: str) -> dict[str, Any]:
    filter_rules = [{"Name": name, "Value": value} for name, value in rules.items()]
    return {
        "Id": "mine",
        "LambdaFunctionArn": arn,
        "Events": list(events or (CREATED,)),
        "Filter": {"Key": {"FilterRules": filter_rules}},
    }


def received(client: Client, queue: str = "q") -> list[Any]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in messages]


def test_a_record_is_as_aws_sends_it(s3: Any, invoker: FakeInvoker) -> None:
    configure(s3, LambdaFunctionConfigurations=[to_function()])
    meta = s3.put_object(Bucket="bkt", Key="a b/c@d+é.txt", Body=b"hello")["ResponseMetadata"]
    [call] = invoker.calls
    [found] = records(invoker)
    assert (call.function, call.account, call.region) == (FUNCTION, "000000000000", "us-east-1")
    assert (call.source, call.cause) == ("s3", meta["RequestId"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("eventTime"))
    assert found.pop("userIdentity")["principalId"].startswith("AWS:AIDA")
    owner = found["s3"]["bucket"].pop("ownerIdentity")
    assert re.fullmatch(r"A[A-Z0-9]{13}", owner["principalId"])
    assert re.fullmatch(r"00[0-9A-F]{16}", found["s3"]["object"].pop("sequencer"))
    assert found == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": meta["RequestId"],
            "x-amz-id-2": meta["HostId"],
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "mine",
            "bucket": {"name": "bkt", "arn": "arn:aws:s3:::bkt"},
            "object": {
                "key": "a+b/c%40d%2B%C3%A9.txt",
                "size": 5,
                "eTag": "5d41402abc4b2a76b9719d911017c592",
            },
        },
    }


@pytest.mark.parametrize(
    ("name", "version", "members"),
    [
        ("ObjectCreated:Put", "2.1", {"key", "size", "eTag", "versionId", "sequencer"}),
        ("ObjectRemoved:DeleteMarkerCreated", "2.1", {"key", "versionId", "sequencer"}),
        ("ObjectRestore:Post", "2.1", {"key", "size", "eTag", "versionId", "sequencer"}),
        ("ObjectTagging:Put", "2.3", {"key", "eTag", "versionId"}),
        ("ObjectAcl:Put", "2.3", {"key", "eTag", "versionId"}),
    ],
)
def test_each_family_has_its_version_and_members(
    name: str, version: str, members: set[str]
) -> None:
    found = record(fact(name), "id")
    assert found["eventVersion"] == version
    assert set(found["s3"]["object"]) == members


def test_a_completed_restore_says_until_when() -> None:
    done = fact(
        "ObjectRestore:Completed",
        restored_until="2026-11-23T00:00:00.000Z",
        storage_class="GLACIER",
    )
    assert record(done, "id")["glacierEventData"] == {
        "restoreEventData": {
            "lifecycleRestorationExpiryTime": "2026-11-23T00:00:00.000Z",
            "lifecycleRestoreStorageClass": "GLACIER",
        }
    }


def fact(name: str, **more: Any) -> ObjectFact:
    return ObjectFact(
        name=name,
        account="000000000000",
        region="us-east-1",
        bucket="bkt",
        key="a b",
        at_s=0.0,
        sequencer="0018EA3D5FD425600C",
        requester=Requester(
            account="000000000000",
            principal="AWS:AIDA",
            source_ip="127.0.0.1",
            request_id="R",
            host_id="H",
        ),
        version_id="v1",
        size=5,
        etag="e",
        **more,
    )


def test_filters_are_for_the_decoded_key(s3: Any, invoker: FakeInvoker) -> None:
    configure(s3, LambdaFunctionConfigurations=[to_function(prefix="in put/", suffix="+é.jpg")])
    for key in ("in put/a+é.jpg", "in+put/a+é.jpg", "in put/a.jpg"):
        s3.put_object(Bucket="bkt", Key=key)
    keys = [unquote_plus(found["s3"]["object"]["key"]) for found in records(invoker)]
    assert keys == ["in put/a+é.jpg"]


def test_only_the_events_asked_for_arrive(s3: Any, invoker: FakeInvoker) -> None:
    removed = to_function(OTHER, "s3:ObjectRemoved:*")
    removed["Id"] = "other"
    configure(
        s3, LambdaFunctionConfigurations=[to_function(FUNCTION, "s3:ObjectCreated:Copy"), removed]
    )
    s3.put_object(Bucket="bkt", Key="a")
    s3.copy_object(Bucket="bkt", Key="b", CopySource="bkt/a")
    s3.delete_object(Bucket="bkt", Key="a")
    assert [
        (call.function, found["eventName"])
        for call, found in zip(invoker.calls, records(invoker), strict=True)
    ] == [(FUNCTION, "ObjectCreated:Copy"), (OTHER, "ObjectRemoved:Delete")]


def test_function_queue_topic_and_bus_all_hear_of_it(
    s3: Any, aws: Aws, client: Client, invoker: FakeInvoker
) -> None:
    for name in ("q", "by-topic", "by-bus"):
        client("sqs").create_queue(QueueName=name)
    topic = client("sns").create_topic(Name="t")["TopicArn"]
    by_topic, by_bus = QUEUE.replace(":q", ":by-topic"), QUEUE.replace(":q", ":by-bus")
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=by_topic)
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": ["bkt"]}}}
    client("events").put_rule(Name="r", EventPattern=json.dumps(pattern))
    client("events").put_targets(Rule="r", Targets=[{"Id": "1", "Arn": by_bus}])
    configure(
        s3,
        LambdaFunctionConfigurations=[to_function(FUNCTION, "s3:ObjectCreated:Put", prefix="a")],
        QueueConfigurations=[
            {
                "QueueArn": QUEUE,
                "Events": ["s3:ObjectCreated:Put"],
                "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "k"}]}},
            }
        ],
        TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectRemoved:*"]}],
        EventBridgeConfiguration={},
    )
    tests = received(client)[0], json.loads(received(client, "by-topic")[0]["Message"])
    for test in tests:
        assert (test["Service"], test["Event"]) == ("Amazon S3", "s3:TestEvent")
        assert set(test) == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}
    assert invoker.calls == []  # functions get no test event
    s3.put_object(Bucket="bkt", Key="a b")
    s3.put_object(Bucket="bkt", Key="key")
    s3.delete_object(Bucket="bkt", Key="key")
    assert len(invoker.calls) == 1
    assert received(client)[0]["Records"][0]["s3"]["object"]["key"] == "key"
    [by_sns] = received(client, "by-topic")
    assert by_sns["Subject"] == "Amazon S3 Notification"
    assert json.loads(by_sns["Message"])["Records"][0]["eventName"] == "ObjectRemoved:Delete"
    told = [fact.event for fact in aws.facts if isinstance(fact, EventFact)]
    kinds = [event["detail-type"] for event in told]
    assert sorted(kinds) == ["Object Created", "Object Created", "Object Deleted"]


def test_the_bus_gets_the_key_as_it_is() -> None:
    event = bus_event(fact("ObjectRemoved:DeleteMarkerCreated"))
    assert (event.source, event.detail_type) == ("aws.s3", "Object Deleted")
    assert event.resources == ("arn:aws:s3:::bkt",)
    assert event.detail["object"]["key"] == "a b"
    assert event.detail["object"]["version-id"] == "v1"
    assert event.detail["reason"] == "DeleteObject"
    assert event.detail["deletion-type"] == "Delete Marker Created"
    assert event.detail["requester"] == "000000000000"


def test_a_target_that_is_gone_does_not_keep_others_from_it(
    s3: Any, client: Client, invoker: FakeInvoker
) -> None:
    client("sqs").create_queue(QueueName="q")
    configure(
        s3,
        QueueConfigurations=[
            {
                "QueueArn": QUEUE,
                "Events": [CREATED],
                "Filter": {"Key": {"FilterRules": [{"Name": "Suffix", "Value": ".txt"}]}},
            }
        ],
        LambdaFunctionConfigurations=[
            to_function(OTHER, "s3:ObjectCreated:Put", suffix=".jpg"),
            {**to_function(FUNCTION, "s3:ObjectTagging:*"), "Id": "2"},
        ],
    )
    client("sqs").delete_queue(QueueUrl=client("sqs").get_queue_url(QueueName="q")["QueueUrl"])
    invoker.gone.add(OTHER)
    s3.put_object(Bucket="bkt", Key="a.txt")
    s3.put_object(Bucket="bkt", Key="a.jpg")
    tags = {"TagSet": [{"Key": "x", "Value": "y"}]}
    s3.put_object_tagging(Bucket="bkt", Key="a.jpg", Tagging=tags)
    assert [call.function for call in invoker.calls] == [FUNCTION]


def test_a_function_that_writes_to_its_own_bucket_hangs_nothing(
    s3: Any, client: Client, invoker: FakeInvoker
) -> None:
    configure(s3, LambdaFunctionConfigurations=[to_function()])
    inner = client("s3")
    enough = threading.Event()

    def write_again(call: Call) -> None:
        if len(invoker.calls) < 4:
            name = f"again-{len(invoker.calls)}"
            threading.Thread(target=lambda: inner.put_object(Bucket="bkt", Key=name)).start()
        else:
            enough.set()

    invoker.on_call = write_again
    s3.put_object(Bucket="bkt", Key="first")
    assert enough.wait(10)
    assert len(invoker.calls) == 4


# --- triggers of emulator.toml ---------------------------------------------------------------


def test_a_trigger_is_in_the_buckets_configuration_and_fires(
    aws: Aws, events: S3Events, invoker: FakeInvoker, client: Client
) -> None:
    for _ in range(2):
        events.bind(JPG, FUNCTION)
    s3 = client("s3")
    [rule] = s3.get_bucket_notification_configuration(Bucket="photos")[
        "LambdaFunctionConfigurations"
    ]
    assert (rule["LambdaFunctionArn"], rule["Events"]) == (FUNCTION, [CREATED])
    s3.put_object(Bucket="photos", Key="a.jpg")
    assert len(invoker.calls) == 1
    events.unbind(JPG, FUNCTION)
    s3.put_object(Bucket="photos", Key="a.jpg")
    assert len(invoker.calls) == 1


def test_a_bound_function_needs_no_permission_to_be_saved_again(
    aws: Aws, events: S3Events, client: Client
) -> None:
    events.bind(S3Trigger(bucket="photos", events=(CREATED,)), FUNCTION)
    s3 = client("s3")
    saved = s3.get_bucket_notification_configuration(Bucket="photos")
    del saved["ResponseMetadata"]
    s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration=saved)


def test_triggers_that_overlap_are_refused_on_the_terminal(
    aws: Aws, events: S3Events, client: Client
) -> None:
    events.bind(S3Trigger(bucket="photos", events=(CREATED,)), FUNCTION)
    events.bind(S3Trigger(bucket="photos", events=("s3:ObjectCreated:Put",)), OTHER)
    rules = client("s3").get_bucket_notification_configuration(Bucket="photos")
    assert len(rules["LambdaFunctionConfigurations"]) == 1
    aws.reporter.stop()
    assert "s3.trigger_refused bucket=photos" in aws.terminal.getvalue()
