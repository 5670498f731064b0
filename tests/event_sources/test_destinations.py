"""Documents sent to every kind of destination, as they really arrive."""

import json
from typing import Any

import pytest

from emulator.aws import EventFact, ObjectFact
from emulator.event_sources import DestinationSender, Surroundings
from emulator.model import DestinationError, DestinationMessage
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker

ACCOUNT = "000000000000"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
ATTRIBUTES = {"RequestID": ("String", "6c1b"), "ErrorCode": ("Number", "200")}


@pytest.fixture
def sender(aws: Aws, surroundings: Surroundings, invoker: FakeInvoker) -> DestinationSender:
    return DestinationSender(surroundings.moto, invoker.accept, surroundings.clock)


def message(target_arn: str, body: str = '{"n": 1}', **members: Any) -> DestinationMessage:
    return DestinationMessage(
        target_arn=target_arn, account=ACCOUNT, region="us-east-1", body=body, **members
    )


def received(client: Client) -> list[dict[str, Any]]:
    sqs = client("sqs")
    answer = sqs.receive_message(
        QueueUrl=sqs.get_queue_url(QueueName="q")["QueueUrl"],
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["AWSTraceHeader"],
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def test_a_queue_gets_body_attributes_and_trace(client: Client, sender: DestinationSender) -> None:
    client("sqs").create_queue(QueueName="q")
    sender.send(message(QUEUE, attributes=ATTRIBUTES, trace_header=TRACE))
    [one] = received(client)
    assert one["Body"] == '{"n": 1}'
    assert one["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": "6c1b"},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
    }
    assert one["Attributes"] == {"AWSTraceHeader": TRACE}


def test_a_queue_message_without_attributes_has_none(
    client: Client, sender: DestinationSender
) -> None:
    client("sqs").create_queue(QueueName="q")
    sender.send(message(QUEUE))
    [one] = received(client)
    assert "MessageAttributes" not in one
    assert "AWSTraceHeader" not in one.get("Attributes", {})


def test_a_topic_publishes_with_attributes(client: Client, sender: DestinationSender) -> None:
    client("sqs").create_queue(QueueName="q")
    sns = client("sns")
    sns.create_topic(Name="t")
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    sender.send(message(TOPIC, attributes=ATTRIBUTES))
    [one] = received(client)
    envelope = json.loads(one["Body"])
    assert envelope["Message"] == '{"n": 1}'
    assert envelope["MessageAttributes"]["ErrorCode"] == {"Type": "Number", "Value": "200"}


def test_a_topic_takes_no_more_than_256_kib(client: Client, sender: DestinationSender) -> None:
    client("sns").create_topic(Name="t")
    sender.send(message(TOPIC, body="x" * 262_144))
    with pytest.raises(DestinationError, match="larger than 262144"):
        sender.send(message(TOPIC, body="ü" * 131_073))


def test_a_function_is_invoked_asynchronously(
    sender: DestinationSender, invoker: FakeInvoker
) -> None:
    sender.send(message(FUNCTION, trace_header=TRACE, cause="6c1b"))
    [call] = invoker.calls
    assert (call.function, call.payload) == (FUNCTION, b'{"n": 1}')
    assert (call.trace_header, call.source, call.cause) == (TRACE, "destination", "6c1b")


def test_a_bus_gets_an_event_of_the_source_lambda(
    aws: Aws, client: Client, sender: DestinationSender
) -> None:
    events = client("events")
    bus = events.create_event_bus(Name="results")["EventBusArn"]
    for name in ("results", "default"):
        pattern = json.dumps({"source": ["lambda"]})
        events.put_rule(Name=name, EventBusName=name, EventPattern=pattern)
        target = {"Id": "1", "Arn": QUEUE}
        events.put_targets(Rule=name, EventBusName=name, Targets=[target])
    kind = "Lambda Function Invocation Result - Success"
    sender.send(message(bus, detail_type=kind, resources=(f"{FUNCTION}:$LATEST",)))
    [event] = [fact.event for fact in aws.facts if isinstance(fact, EventFact)]
    assert event["detail-type"] == kind
    assert event["source"] == "lambda"
    assert event["resources"] == [bus, f"{FUNCTION}:$LATEST"]
    assert event["detail"] == {"n": 1}


def test_a_bucket_gets_an_object_and_tells_of_it(
    aws: Aws, client: Client, sender: DestinationSender
) -> None:
    client("s3").create_bucket(Bucket="failures")
    aws.facts.clear()
    sender.send(message("arn:aws:s3:::failures", object_key="a/b.json", trace_header=TRACE))
    found = client("s3").get_object(Bucket="failures", Key="a/b.json")
    assert found["Body"].read() == b'{"n": 1}'
    assert found["ContentType"] == "application/json"
    [fact] = [fact for fact in aws.facts if isinstance(fact, ObjectFact)]
    assert (fact.name, fact.key) == ("ObjectCreated:Put", "a/b.json")
    assert fact.requester.trace_header == TRACE


@pytest.mark.parametrize(
    ("target_arn", "reason"),
    [
        (QUEUE, "NonExistentQueue"),
        (TOPIC, "NotFound"),
        (f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/none", "ResourceNotFoundException"),
        ("arn:aws:s3:::none", "NoSuchBucket"),
        (FUNCTION, "ResourceNotFoundException"),
        (QUEUE.replace("us-east-1", "us-east-99"), "no region"),
        ("arn:aws:batch:us-east-1:000000000000:job-queue/j", "sends nothing"),
        ("kafka://topic", "sends nothing"),
    ],
)
def test_a_target_that_takes_nothing_says_so(
    sender: DestinationSender, invoker: FakeInvoker, target_arn: str, reason: str
) -> None:
    invoker.gone.add(FUNCTION)
    with pytest.raises(DestinationError, match=reason):
        sender.send(message(target_arn, object_key="k", detail_type="x"))


def test_fifo_queues_and_topics_take_nothing(client: Client, sender: DestinationSender) -> None:
    client("sqs").create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})
    client("sns").create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})
    for arn in (f"{QUEUE}.fifo", f"{TOPIC}.fifo"):
        with pytest.raises(DestinationError, match="MessageGroupId"):
            sender.send(message(arn))
