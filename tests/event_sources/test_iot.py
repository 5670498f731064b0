"""Topic rules of IoT Core and their actions."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.event_sources import Surroundings
from emulator.event_sources.iot import TopicRules
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
ROLE = "arn:aws:iam::000000000000:role/iot"
TO_FUNCTION = {"lambda": {"functionArn": ARN}}


@pytest.fixture(scope="module")
def running_source(surroundings: Surroundings) -> Iterator[TopicRules]:
    source = TopicRules(surroundings)
    yield source
    source.stop(1)


class Lab:
    def __init__(self, source: TopicRules, client: Client) -> None:
        self.activity = source.around.activity
        self.client = client
        self.iot, self.data = client("iot"), client("iot-data")

    def rule(self, sql: str, *actions: Any, name: str = "r", **more: Any) -> None:
        payload = {"sql": sql, "actions": list(actions)} | more
        self.iot.create_topic_rule(ruleName=name, topicRulePayload=payload)

    def publish(self, topic: str, payload: Any) -> None:
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.data.publish(topic=topic, payload=content)
        while self.activity.pending():
            self.activity.wait_idle(10)


@pytest.fixture
def lab(running_source: TopicRules, aws: Aws, client: Client, invoker: FakeInvoker) -> Lab:
    aws.functions.policies[ARN] = True
    return Lab(running_source, client)


def events(invoker: FakeInvoker) -> list[Any]:
    return [json.loads(call.payload) for call in invoker.calls]


def test_what_a_rule_selects_invokes_its_function(lab: Lab, invoker: FakeInvoker) -> None:
    lab.rule("SELECT *, topic(2) AS id FROM 'plant/+' WHERE t > 20", TO_FUNCTION)
    lab.publish("plant/7", {"t": 21})
    lab.publish("plant/8", {"t": 19})
    lab.publish("other/7", {"t": 21})
    [call] = invoker.calls
    assert (call.function, call.source, call.cause) == (ARN, "iot", "plant/7")
    assert events(invoker) == [{"t": 21, "id": "7"}]


def test_disabled_rules_and_those_that_were_deleted_get_nothing(
    lab: Lab, invoker: FakeInvoker
) -> None:
    lab.rule("SELECT * FROM '#'", TO_FUNCTION, ruleDisabled=True)
    lab.publish("a", {"n": 1})
    lab.iot.enable_topic_rule(ruleName="r")
    lab.publish("a", {"n": 2})
    lab.iot.disable_topic_rule(ruleName="r")
    lab.publish("a", {"n": 3})
    lab.iot.enable_topic_rule(ruleName="r")
    lab.iot.delete_topic_rule(ruleName="r")
    lab.publish("a", {"n": 4})
    assert events(invoker) == [{"n": 2}]


def test_basic_ingest_names_the_rule(lab: Lab, invoker: FakeInvoker) -> None:
    lab.rule("SELECT *, topic() AS t FROM 'elsewhere'", TO_FUNCTION)
    lab.publish("$aws/rules/r/a/b", {"n": 1})
    assert events(invoker) == [{"n": 1, "t": "a/b"}]


@pytest.mark.parametrize("is_new", [True, False])
def test_sql_that_is_not_understood_is_refused_and_changes_nothing(lab: Lab, is_new: bool) -> None:
    if not is_new:
        lab.rule("SELECT * FROM 'a'", TO_FUNCTION)
    save = lab.iot.create_topic_rule if is_new else lab.iot.replace_topic_rule
    with pytest.raises(ClientError) as caught:
        save(ruleName="r", topicRulePayload={"sql": "SELECT a[ FROM 'b'", "actions": []})
    assert caught.value.response["Error"]["Code"] == "SqlParseException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    rules = lab.iot.list_topic_rules()["rules"]
    assert [each["topicPattern"] for each in rules] == ([] if is_new else ["a"])


def test_a_message_goes_on_to_other_services(lab: Lab) -> None:
    sqs, s3, sns, dynamodb = (lab.client(name) for name in ("sqs", "s3", "sns", "dynamodb"))
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    s3.create_bucket(Bucket="lake")
    topic = sns.create_topic(Name="t")["TopicArn"]
    queue_arn = "arn:aws:sqs:us-east-1:000000000000:q"
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=raw)
    dynamodb.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    lab.rule(
        "SELECT id, n FROM 'in/#'",
        {"sqs": {"queueUrl": queue, "useBase64": True, "roleArn": ROLE}},
        {"s3": {"bucketName": "lake", "key": "${topic(2)}/${id}", "roleArn": ROLE}},
        {"dynamoDBv2": {"putItem": {"tableName": "table"}, "roleArn": ROLE}},
        {"sns": {"targetArn": topic, "roleArn": ROLE}},
        {"republish": {"topic": "out/${id}", "roleArn": ROLE}},
    )
    lab.rule(
        "SELECT topic() AS t FROM 'out/#'",
        {"sqs": {"queueUrl": queue, "useBase64": False, "roleArn": ROLE}},
        name="again",
    )
    lab.publish("in/a", {"id": "7", "n": [1, 2.5, None, True], "more": 1})
    selected = b'{"id":"7","n":[1,2.5,null,true]}'
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert sorted(each["Body"] for each in found) == sorted(
        [base64.b64encode(selected).decode(), selected.decode(), '{"t":"out/7"}']
    )
    assert s3.get_object(Bucket="lake", Key="a/7")["Body"].read() == selected
    [item] = dynamodb.scan(TableName="table")["Items"]
    numbers = [{"N": "1"}, {"N": "2.5"}, {"NULL": True}, {"BOOL": True}]
    assert item == {"id": {"S": "7"}, "n": {"L": numbers}}


def test_what_is_no_json_goes_on_as_it_is_and_an_error_action_waits_for_an_error(
    lab: Lab,
) -> None:
    sqs, s3 = lab.client("sqs"), lab.client("s3")
    s3.create_bucket(Bucket="lake")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    error = {"sqs": {"queueUrl": queue, "useBase64": False, "roleArn": ROLE}}
    action = {"s3": {"bucketName": "lake", "key": "k", "roleArn": ROLE}}
    lab.rule("SELECT * FROM '#'", action, errorAction=error)
    lab.publish("a", b"\xff\x00 no JSON")
    assert s3.get_object(Bucket="lake", Key="k")["Body"].read() == b"\xff\x00 no JSON"
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


@pytest.mark.parametrize("reason", ["gone", "denied", "unknown"])
def test_what_fails_goes_to_the_error_action_and_fails_no_other(
    lab: Lab, aws: Aws, invoker: FakeInvoker, reason: str
) -> None:
    sqs = lab.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    error = {"sqs": {"queueUrl": queue, "useBase64": False, "roleArn": ROLE}}
    other = {"lambda": {"functionArn": f"{ARN}-2"}}
    action: dict[str, Any] = TO_FUNCTION
    if reason == "gone":
        invoker.gone.add(ARN)
    elif reason == "denied":
        aws.functions.policies[ARN] = False
    else:
        action = {"cloudwatchAlarm": {"alarmName": "a", "stateReason": "r", "stateValue": "OK"}}
        action["cloudwatchAlarm"]["roleArn"] = ROLE
    lab.rule("SELECT * FROM '#'", action, other, errorAction=error)
    lab.publish("a/b", b'{"n":1}')
    assert [call.function for call in invoker.calls] == [f"{ARN}-2"]
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    document = json.loads(message["Body"])
    [failure] = document.pop("failures")
    assert failure["errorMessage"]
    assert document == {
        "ruleName": "r",
        "topic": "a/b",
        "clientId": "N/A",
        "base64OriginalPayload": base64.b64encode(b'{"n":1}').decode(),
    }
