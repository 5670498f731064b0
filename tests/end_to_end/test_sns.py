"""SNS: from boto3's publish to the event a handler gets, and to what it does."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

TOPIC = "arn:aws:sns:us-east-1:000000000000:commits"
SETTINGS = """
[[functions.hook.triggers]]
source = "sns"
topic = "commits"
filter_policy = { event = ["push"] }
"""
HOOK = """
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    message = event["Records"][0]["Sns"]["Message"]
    if message == "fail":
        raise RuntimeError("no")
    s3.put_object(Bucket="seen", Key=message)
    return event
"""
TOP = """
[emulator]
retry_delay_scale = 0
[resources]
buckets = ["seen"]
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"), TOP)
    folder.add("hook", HOOK, SETTINGS)
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def emulator(started: RunningEmulator) -> RunningEmulator:
    started.reset()
    return started


def publish(sns: Any, message: str, event: str = "push", **more: Any) -> str:
    attributes = {"event": {"DataType": "String", "StringValue": event}}
    message_id: str = sns.publish(
        TopicArn=TOPIC, Message=message, MessageAttributes=attributes, **more
    )["MessageId"]
    return message_id


def seen(emulator: RunningEmulator) -> list[str]:
    objects = emulator.client("s3").list_objects_v2(Bucket="seen").get("Contents", [])
    return [each["Key"] for each in objects]


def test_a_published_message_reaches_the_handler_as_in_aws(emulator: RunningEmulator) -> None:
    sns = emulator.client("sns")
    message_id = publish(sns, "9fceb02", Subject="push to main")
    publish(sns, "unwanted", event="pull")
    emulator.settle()
    assert seen(emulator) == ["9fceb02"]
    [invocation] = emulator.invocations("hook")
    assert (invocation["source"], invocation["cause"]) == ("sns", message_id)
    event = invocation["event"]
    assert invocation["response"] == event
    [subscription] = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    [record] = event["Records"]
    assert list(record) == ["EventSource", "EventVersion", "EventSubscriptionArn", "Sns"]
    assert record["EventSubscriptionArn"] == subscription["SubscriptionArn"]
    made = {name: record["Sns"].pop(name) for name in ("Timestamp", "Signature", "SigningCertUrl")}
    assert re.fullmatch(r"[\dT:.-]{23}Z", made["Timestamp"])
    assert record["Sns"] == {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": TOPIC,
        "Subject": "push to main",
        "Message": "9fceb02",
        "SignatureVersion": "1",
        "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe"
        f"&SubscriptionArn={subscription['SubscriptionArn']}",
        "MessageAttributes": {"event": {"Type": "String", "Value": "push"}},
    }


def test_a_failing_function_is_tried_three_times_and_delays_nobody(
    emulator: RunningEmulator,
) -> None:
    sns = emulator.client("sns")
    publish(sns, "fail")
    publish(sns, "6dcb09b")
    emulator.settle()
    assert seen(emulator) == ["6dcb09b"]
    statuses = sorted(each["status"] for each in emulator.invocations("hook"))
    assert statuses == ["error", "error", "error", "success"]


def test_a_subscription_made_by_api_asks_the_functions_policy(emulator: RunningEmulator) -> None:
    sns, sqs, functions = (emulator.client(each) for each in ("sns", "sqs", "lambda"))
    topic = sns.create_topic(Name="other")["TopicArn"]
    queue = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = functions.get_function(FunctionName="hook")["Configuration"]["FunctionArn"]
    redrive = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"})
    sns.subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=arn, Attributes={"RedrivePolicy": redrive}
    )
    permission = {"FunctionName": "hook", "Action": "lambda:InvokeFunction"}
    functions.add_permission(
        **permission, StatementId="s", Principal="sns.amazonaws.com", SourceArn=TOPIC
    )
    sns.publish(TopicArn=topic, Message="refused")
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "refused"
    functions.add_permission(
        **permission, StatementId="o", Principal="sns.amazonaws.com", SourceArn=topic
    )
    sns.publish(TopicArn=topic, Message="taken")
    emulator.settle()
    assert seen(emulator) == ["taken"]
