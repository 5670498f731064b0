"""Mail that SES receives, and the actions of its receipt rules."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.ses import ReceivedMails
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker, answered

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
OTHER = "arn:aws:lambda:us-east-1:000000000000:function:other"


@pytest.fixture(scope="module")
def running_source(surroundings: Surroundings) -> Iterator[ReceivedMails]:
    source = ReceivedMails(surroundings)
    yield source
    source.stop(1)


class Lab:
    def __init__(self, source: ReceivedMails, client: Client) -> None:
        self.activity = source.around.activity
        self.client = client
        self.ses = client("ses")
        self.ses.verify_domain_identity(Domain="example.com")
        self.ses.create_receipt_rule_set(RuleSetName="inbound")
        self.ses.set_active_receipt_rule_set(RuleSetName="inbound")
        self.last: str | None = None
        self.rules = 0

    def rule(self, *actions: Mapping[str, Any], **more: Any) -> None:
        self.rules += 1
        name = f"rule-{self.rules}"
        rule = {"Name": name, "Enabled": True, "Actions": list(actions)} | more
        after = {"After": self.last} if self.last else {}
        self.ses.create_receipt_rule(RuleSetName="inbound", Rule=rule, **after)
        self.last = name

    def send(self, to: str = "bob@example.com", body: str = "hello") -> None:
        self.ses.send_email(
            Source="ann@example.com",
            Destination={"ToAddresses": [to]},
            Message={"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": body}}},
        )
        while self.activity.pending():
            self.activity.wait_idle(10)


@pytest.fixture
def lab(running_source: ReceivedMails, aws: Aws, client: Client, invoker: FakeInvoker) -> Lab:
    aws.functions.arns |= {ARN, OTHER}
    aws.functions.policies |= {ARN: True, OTHER: True}
    return Lab(running_source, client)


def function(arn: str = ARN, **more: str) -> dict[str, Any]:
    return {"LambdaAction": {"FunctionArn": arn} | more}


def functions(invoker: FakeInvoker) -> list[str]:
    return [call.function for call in invoker.calls]


def test_mail_to_a_verified_domain_invokes_the_function(lab: Lab, invoker: FakeInvoker) -> None:
    lab.rule(function(), Recipients=["bob@example.com"])
    lab.send()
    lab.send("eve@example.com")
    [call] = invoker.calls
    [record] = json.loads(call.payload)["Records"]
    assert (call.function, call.source) == (ARN, "ses")
    assert call.cause == record["ses"]["mail"]["messageId"]
    assert record["ses"]["mail"]["commonHeaders"]["subject"] == "Hi"
    assert record["ses"]["receipt"]["recipients"] == ["bob@example.com"]
    assert record["ses"]["receipt"]["action"] == {
        "type": "Lambda",
        "functionArn": ARN,
        "invocationType": "Event",
    }


def test_raw_mail_and_the_newer_api_are_received_too(lab: Lab, invoker: FakeInvoker) -> None:
    lab.rule(function())
    raw = b"From: ann@example.com\r\nTo: Bob <bob@example.com>\r\nSubject: raw\r\n\r\nx"
    lab.ses.send_raw_email(RawMessage={"Data": raw})
    text = {"Data": "x"}
    lab.client("sesv2").send_email(
        FromEmailAddress="ann@example.com",
        Destination={"ToAddresses": ["bob@example.com"]},
        Content={"Simple": {"Subject": text, "Body": {"Text": text}}},
    )
    lab.activity.wait_idle(10)
    mails = [json.loads(call.payload)["Records"][0]["ses"]["mail"] for call in invoker.calls]
    assert [each["commonHeaders"]["subject"] for each in mails] == ["raw", "x"]
    assert [each["destination"] for each in mails] == [["bob@example.com"]] * 2


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ("CONTINUE", [ARN, OTHER, OTHER]),
        ("STOP_RULE", [ARN, OTHER]),
        ("STOP_RULE_SET", [ARN]),
    ],
)
def test_a_function_that_is_waited_for_decides_how_to_go_on(
    lab: Lab, invoker: FakeInvoker, disposition: str, expected: list[str]
) -> None:
    answer = json.dumps({"disposition": disposition}).encode()
    invoker.answer = lambda call: answered(answer if call.function == ARN else b"null")
    lab.rule(function(InvocationType="RequestResponse"), function(OTHER))
    lab.rule(function(OTHER))
    lab.send()
    assert functions(invoker) == expected


def test_a_failing_function_stops_nothing(lab: Lab, invoker: FakeInvoker) -> None:
    invoker.answer = lambda call: answered(b'{"disposition":"STOP_RULE_SET"}', "Unhandled")
    lab.rule(function(InvocationType="RequestResponse"), function(OTHER))
    lab.send()
    assert functions(invoker) == [ARN, OTHER]


def test_a_function_that_takes_over_thirty_seconds_decides_nothing(
    lab: Lab, invoker: FakeInvoker
) -> None:
    slow = replace(answered(b'{"disposition":"STOP_RULE_SET"}'), duration_ms=30_001)
    invoker.answer = lambda call: slow
    lab.rule(function(InvocationType="RequestResponse"), function(OTHER))
    lab.send()
    assert functions(invoker) == [ARN, OTHER]


def test_a_header_stays_for_the_rules_that_follow(lab: Lab, invoker: FakeInvoker) -> None:
    lab.rule({"AddHeaderAction": {"HeaderName": "X-Seen", "HeaderValue": "yes"}})
    lab.rule(function())
    lab.send()
    [call] = invoker.calls
    headers = json.loads(call.payload)["Records"][0]["ses"]["mail"]["headers"]
    assert {"name": "X-Seen", "value": "yes"} in headers


def test_what_is_too_large_to_publish_is_not_and_the_next_action_runs(
    lab: Lab, invoker: FakeInvoker
) -> None:
    sns, sqs = lab.client("sns"), lab.client("sqs")
    topic = sns.create_topic(Name="large")["TopicArn"]
    queue = sqs.create_queue(QueueName="large")["QueueUrl"]
    queue_arn = "arn:aws:sqs:us-east-1:000000000000:large"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    lab.rule({"SNSAction": {"TopicArn": topic}}, function())
    lab.send(body="x" * 160_000)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    assert functions(invoker) == [ARN]


def test_a_policy_that_does_not_allow_it(lab: Lab, aws: Aws, invoker: FakeInvoker) -> None:
    aws.functions.policies[ARN] = False
    lab.rule(function(), function(OTHER))
    lab.send()
    assert functions(invoker) == [OTHER]


def test_mail_is_stored_published_and_given_headers(lab: Lab, invoker: FakeInvoker) -> None:
    s3, sns, sqs = lab.client("s3"), lab.client("sns"), lab.client("sqs")
    s3.create_bucket(Bucket="mails")
    topic = sns.create_topic(Name="mails")["TopicArn"]
    queue = sqs.create_queue(QueueName="mails")["QueueUrl"]
    queue_arn = "arn:aws:sqs:us-east-1:000000000000:mails"
    attributes = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=attributes)
    lab.rule(
        {"AddHeaderAction": {"HeaderName": "X-Seen", "HeaderValue": "yes"}},
        {"S3Action": {"BucketName": "mails", "ObjectKeyPrefix": "in/", "TopicArn": topic}},
        {"SNSAction": {"TopicArn": topic, "Encoding": "UTF-8"}},
        {"StopAction": {"Scope": "RuleSet"}},
        function(),
    )
    lab.send(body="the body")
    [found] = s3.list_objects_v2(Bucket="mails")["Contents"]
    content = s3.get_object(Bucket="mails", Key=found["Key"])["Body"].read()
    assert b"X-Seen: yes\r\n" in content
    assert content.rstrip().endswith(b"the body")
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    stored, published = sorted(
        (json.loads(each["Body"]) for each in answer["Messages"]), key=lambda one: "content" in one
    )
    assert stored["notificationType"] == "Received"
    assert stored["receipt"]["action"] == {
        "type": "S3",
        "topicArn": topic,
        "bucketName": "mails",
        "objectKeyPrefix": "in/",
        "objectKey": found["Key"],
    }
    assert found["Key"] == f"in/{stored['mail']['messageId']}"
    assert published["content"].rstrip().endswith("the body")
    assert invoker.calls == []


def test_disabled_rules_inactive_sets_and_foreign_domains_receive_nothing(
    lab: Lab, invoker: FakeInvoker
) -> None:
    lab.rule(function(), Enabled=False)
    lab.send()
    lab.rule(function())
    lab.send("bob@elsewhere.org")
    lab.ses.set_active_receipt_rule_set()
    lab.send()
    assert invoker.calls == []
