"""SNS to functions: who gets which message, and what becomes of one that no function takes."""

import json
import re
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.sns import SnsEvents
from emulator.model.triggers.sns import SnsTrigger
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> SnsEvents:
    return SnsEvents(surroundings)


@pytest.fixture(autouse=True)
def functions(source: SnsEvents, aws: Aws) -> None:
    aws.functions.arns.add(ARN)
    aws.functions.policies[ARN] = True


@pytest.fixture
def sns(client: Client) -> Any:
    return client("sns")


@pytest.fixture
def topic(sns: Any) -> str:
    arn: str = sns.create_topic(Name="t")["TopicArn"]
    return arn


def subscribe(sns: Any, topic: str, endpoint: str = ARN, **attributes: str) -> str:
    arn: str = sns.subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=endpoint, Attributes=attributes
    )["SubscriptionArn"]
    return arn


def events(invoker: FakeInvoker) -> list[dict[str, Any]]:
    return [json.loads(call.payload)["Records"][0]["Sns"] for call in invoker.calls]


def messages(invoker: FakeInvoker) -> list[str]:
    return [event["Message"] for event in events(invoker)]


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def test_a_message_becomes_the_event_of_aws(sns: Any, topic: str, invoker: FakeInvoker) -> None:
    subscription = subscribe(sns, topic)
    message_id = sns.publish(
        TopicArn=topic,
        Message="hello ü",
        MessageAttributes={
            "event": text("push"),
            "size": {"DataType": "Number", "StringValue": "2.5"},
            "tags": {"DataType": "String.Array", "StringValue": '["a"]'},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )["MessageId"]
    [call] = invoker.calls
    assert (call.function, call.account, call.region) == (ARN, "000000000000", "us-east-1")
    assert (call.source, call.cause) == ("sns", message_id)
    [record] = json.loads(call.payload)["Records"]
    sent = record.pop("Sns")
    assert record == {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
    }
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", sent.pop("Timestamp"))
    assert len(sent.pop("Signature")) == 344
    assert sent.pop("SigningCertUrl").startswith("https://sns.us-east-1.amazonaws.com/Simple")
    assert sent.pop("UnsubscribeUrl").endswith(f"Unsubscribe&SubscriptionArn={subscription}")
    assert sent == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Subject": None,
        "Message": "hello ü",
        "SignatureVersion": "1",
        "MessageAttributes": {
            "event": {"Type": "String", "Value": "push"},
            "size": {"Type": "Number", "Value": "2.5"},
            "tags": {"Type": "String.Array", "Value": '["a"]'},
            "raw": {"Type": "Binary", "Value": "AP8="},
        },
    }


def test_the_publishers_trace_goes_on(sns: Any, topic: str, invoker: FakeInvoker) -> None:
    subscribe(sns, topic)
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=abc:1"
    sns.meta.events.register(
        "before-sign.sns.Publish",
        lambda request, **_: request.headers.add_header(*("X-Amzn-Trace-Id", trace)),
    )
    sns.publish(TopicArn=topic, Message="hello", Subject="s")
    assert invoker.calls[0].trace_header == trace
    assert events(invoker)[0]["Subject"] == "s"


def test_each_message_of_a_batch_is_an_event(sns: Any, topic: str, invoker: FakeInvoker) -> None:
    subscribe(sns, topic)
    entries = [{"Id": str(number), "Message": f"m{number}"} for number in range(3)]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert messages(invoker) == ["m0", "m1", "m2"]
    assert [each["MessageId"] for each in answer["Successful"]] == [
        each["MessageId"] for each in events(invoker)
    ]


def test_every_subscription_of_a_topic_is_served(
    sns: Any, topic: str, aws: Aws, invoker: FakeInvoker
) -> None:
    for number in range(120):
        subscribe(sns, topic, f"{ARN}{number}")
    sns.publish(TopicArn=topic, Message="hello")
    assert len(invoker.calls) == 120


def test_a_structured_message_has_one_text_for_functions(
    sns: Any, topic: str, invoker: FakeInvoker
) -> None:
    subscribe(sns, topic)
    for message in ({"default": "d", "lambda": "l"}, {"default": "d", "sqs": "s"}):
        sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps(message))
    assert messages(invoker) == ["l", "d"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "Message Structure - JSON message body failed to parse"),
        ('{"lambda":"x"}', "Message Structure - No default entry in JSON message body"),
    ],
)
def test_a_structured_message_without_default_is_refused(
    sns: Any, topic: str, message: str, reason: str
) -> None:
    with pytest.raises(sns.exceptions.InvalidParameterException, match=reason):
        sns.publish(TopicArn=topic, MessageStructure="json", Message=message)


def test_a_filter_policy_lets_through_what_it_matches(
    sns: Any, topic: str, invoker: FakeInvoker
) -> None:
    subscription = subscribe(sns, topic, FilterPolicy='{"event":["push",{"cidr":"10.0.0.0/8"}]}')
    for event in ("push", "pull", "10.1.2.3"):
        sns.publish(TopicArn=topic, Message=event, MessageAttributes={"event": text(event)})
    sns.publish(TopicArn=topic, Message="without")
    assert messages(invoker) == ["push", "10.1.2.3"]
    invoker.reset()
    sns.set_subscription_attributes(
        SubscriptionArn=subscription,
        AttributeName="FilterPolicyScope",
        AttributeValue="MessageBody",
    )
    for message in ('{"event":"push"}', '{"event":"pull"}', "push"):
        sns.publish(TopicArn=topic, Message=message, MessageAttributes={"event": text("push")})
    assert messages(invoker) == ['{"event":"push"}']
    sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue=""
    )
    sns.publish(TopicArn=topic, Message="all")
    assert messages(invoker)[1:] == ["all"]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"FilterPolicy": "{"}, "FilterPolicy: failed to parse JSON"),
        ({"FilterPolicy": "[" * 5000}, "FilterPolicy: failed to parse JSON"),
        ({"RedrivePolicy": "[" * 5000}, "RedrivePolicy: failed to parse JSON"),
        ({"FilterPolicy": '{"a":{"b":["c"]}}'}, "does not support nested filter policy"),
        ({"FilterPolicy": '{"a":[{"fits":"c"}]}'}, "Unrecognized match type fits"),
        ({"FilterPolicy": '{"a":[{"prefix":5}]}'}, "prefix match pattern must be a string"),
        ({"FilterPolicy": '{"a":[{"cidr":"10.0"}]}'}, "Malformed CIDR"),
        ({"FilterPolicy": '{"a":[]}'}, "Empty arrays are not allowed"),
        ({"FilterPolicyScope": "Body"}, r"Invalid value \[Body\]"),
        ({"RedrivePolicy": '{"deadLetterTargetArn":"q"}'}, "is an invalid arn"),
        ({"RawMessageDelivery": "true"}, r"protocol \[lambda\] does not support raw"),
    ],
)
def test_a_subscription_with_wrong_attributes_does_not_come_to_be(
    sns: Any, topic: str, attributes: dict[str, str], reason: str
) -> None:
    with pytest.raises(sns.exceptions.InvalidParameterException, match=reason):
        subscribe(sns, topic, **attributes)
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_subscribing_again_finds_the_subscription_and_changes_nothing(sns: Any, topic: str) -> None:
    first = subscribe(sns, topic)
    assert subscribe(sns, topic) == first
    assert subscribe(sns, topic, FilterPolicyScope="MessageAttributes") == first
    with pytest.raises(sns.exceptions.InvalidParameterException, match="different attributes"):
        subscribe(sns, topic, FilterPolicy='{"a":["b"]}')


@pytest.mark.parametrize(
    "endpoint", ["f", "arn:aws:sqs:us-east-1:000000000000:q", "https://example.com/f"]
)
def test_only_the_arn_of_a_function_can_subscribe(sns: Any, topic: str, endpoint: str) -> None:
    with pytest.raises(sns.exceptions.InvalidParameterException, match="Lambda endpoint ARN"):
        subscribe(sns, topic, endpoint)


def test_a_fifo_topic_takes_no_function(sns: Any) -> None:
    topic = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    with pytest.raises(
        sns.exceptions.InvalidParameterException, match="Invalid protocol type: lambda"
    ):
        subscribe(sns, topic)


def test_a_function_of_another_account_and_region_subscribes_itself(
    client: Client, aws: Aws, topic: str, invoker: FakeInvoker
) -> None:
    function = "arn:aws:lambda:eu-west-1:111111111111:function:f"
    aws.functions.policies[function] = True
    subscription = subscribe(client("sns", key="111111111111"), topic, function)
    client("sns").publish(TopicArn=topic, Message="hello")
    assert [(call.account, call.region) for call in invoker.calls] == [
        ("111111111111", "eu-west-1")
    ]
    [listed] = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Owner"]) == (subscription, "111111111111")


def test_who_unsubscribes_gets_no_more(sns: Any, topic: str, invoker: FakeInvoker) -> None:
    subscription = subscribe(sns, topic)
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.publish(TopicArn=topic, Message="hello")
    assert invoker.calls == []


@pytest.mark.parametrize(
    ("is_gone", "code", "reason"),
    [(True, "404", f"Function not found: {ARN}"), (False, "403", "is not authorized to perform")],
)
def test_what_a_function_cannot_take_goes_to_the_dead_letter_queue(
    client: Client,
    aws: Aws,
    topic: str,
    invoker: FakeInvoker,
    is_gone: bool,
    code: str,
    reason: str,
) -> None:
    queue = client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": QUEUE})
    subscription = subscribe(client("sns"), topic, RedrivePolicy=policy)
    if is_gone:
        invoker.gone.add(ARN)
    else:
        aws.functions.policies[ARN] = False
    message_id = client("sns").publish(
        TopicArn=topic, Message="hello", MessageAttributes={"event": text("push")}
    )["MessageId"]
    assert invoker.calls == []
    [message] = client("sqs").receive_message(QueueUrl=queue, MessageAttributeNames=["All"])[
        "Messages"
    ]
    body = json.loads(message["Body"])
    assert (body["Type"], body["MessageId"], body["Message"]) == (
        "Notification",
        message_id,
        "hello",
    )
    assert body["MessageAttributes"] == {"event": {"Type": "String", "Value": "push"}}
    assert body["UnsubscribeURL"].endswith(subscription)
    assert "Subject" not in body
    attributes = message["MessageAttributes"]
    assert attributes["ErrorCode"]["StringValue"] == code
    assert reason in attributes["ErrorMessage"]["StringValue"]


def test_a_queue_that_is_gone_does_not_keep_a_message_from_functions(
    client: Client, sns: Any, topic: str, invoker: FakeInvoker
) -> None:
    queue = client("sqs").create_queue(QueueName="q")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:q")
    subscribe(sns, topic)
    client("sqs").delete_queue(QueueUrl=queue)
    sns.publish(TopicArn=topic, Message="hello")
    assert messages(invoker) == ["hello"]


def test_a_projects_trigger_subscribes_its_function_and_unsubscribes_it(
    source: SnsEvents, sns: Any, aws: Aws, invoker: FakeInvoker
) -> None:
    aws.functions.policies[ARN] = False  # what the project binds needs no permission
    topic = "arn:aws:sns:us-east-1:000000000000:commits"
    trigger = SnsTrigger(
        topic="commits", filter_policy='{"event":["push"]}', filter_scope="MessageBody"
    )
    source.bind(trigger, ARN)
    for message in ('{"event":"push"}', '{"event":"pull"}'):
        sns.publish(TopicArn=topic, Message=message)
    source.unbind(trigger, ARN)
    sns.publish(TopicArn=topic, Message='{"event":"push"}')
    assert messages(invoker) == ['{"event":"push"}']


def test_a_message_that_the_emulator_publishes_reaches_functions_too(
    source: SnsEvents, sns: Any, topic: str, invoker: FakeInvoker
) -> None:
    subscribe(sns, topic)
    source.around.moto.topics.publish(topic, "from S3")
    assert messages(invoker) == ["from S3"]
