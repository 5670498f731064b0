"""Requests over a socket: who is asked, what is answered, what is refused."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ClientError

from tests.aws.conftest import AUTHORIZATION, Aws, Client, send


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


# --- routing, accounts, regions ---------------------------------------------------------


def test_a_query_presigned_call_reaches_its_service(aws: Aws, client: Client) -> None:
    url = client("sts").generate_presigned_url("get_caller_identity")
    _, _, body = send(aws, "GET", url.removeprefix(aws.url))
    assert b"<Account>000000000000</Account>" in body


def test_unsigned_calls_reach_their_service(aws: Aws, client: Client) -> None:
    client("sqs").create_queue(QueueName="it")
    _, _, listed = send(aws, "GET", "/?Action=ListQueues")
    assert b"000000000000/it</QueueUrl>" in listed
    form = urlencode({"Action": "ListQueues", "Version": "2012-11-05"})
    content = {"Content_Type": "application/x-www-form-urlencoded", "Content_Length": "999"}
    content["Content_Length"] = str(len(form))
    assert b"000000000000/it</QueueUrl>" in send(aws, "POST", "/", form, **content)[2]
    target = {"X_Amz_Target": "DynamoDB_20120810.ListTables", "Content_Length": "2"}
    assert json.loads(send(aws, "POST", "/", "{}", **target)[2]) == {"TableNames": []}


def test_the_access_key_chooses_the_account(client: Client) -> None:
    for key, account in (("test", "000000000000"), ("111111111111", "111111111111")):
        assert client("sts", key=key).get_caller_identity()["Account"] == account
    client("sqs", key="111111111111").create_queue(QueueName="theirs")
    assert "QueueUrls" not in client("sqs").list_queues()


def test_moto_agrees_on_the_default_account_everywhere(client: Client) -> None:
    arn = client("sns").create_topic(Name="it")["TopicArn"]
    assert arn == "arn:aws:sns:us-east-1:000000000000:it"
    assert ":000000000000:" in client("iam").create_user(UserName="it")["User"]["Arn"]


def test_role_credentials_act_as_their_session(aws: Aws, client: Client) -> None:
    issued = aws.moto.credentials.issue("000000000000", "arn:aws:iam::000000000000:role/r", "fn")
    identity = client("sts", key=issued.access_key).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::000000000000:assumed-role/r/fn"
    assert identity["UserId"] == issued.user_id


def test_a_region_that_does_not_exist_is_named_with_the_nearest_one(client: Client) -> None:
    for service, operation in (
        ("sqs", "list_queues"),
        ("iam", "list_users"),
        ("s3", "list_buckets"),
    ):
        with pytest.raises(ClientError) as error:
            getattr(client(service, region="eu-cenral-1"), operation)()
        assert code_of(error) == "InvalidRegion"
        assert 'Did you mean "eu-central-1"?' in str(error.value)


def test_regions_are_separate(client: Client) -> None:
    client("sqs", region="eu-west-1").create_queue(QueueName="there")
    assert "QueueUrls" not in client("sqs").list_queues()


# --- errors and moto's own API ----------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "call", "action"),
    [
        ("events", lambda c: c.describe_endpoint(Name="x"), "DescribeEndpoint"),
        ("sns", lambda c: c.list_origination_numbers(), "ListOriginationNumbers"),
        ("apigateway", lambda c: c.get_sdk_types(), "GET /sdktypes"),
        (
            "glue",
            lambda c: c.get_column_statistics_task_runs(DatabaseName="d", TableName="t"),
            "GetColumnStatisticsTaskRuns",
        ),
        (
            "cloudformation",
            lambda c: c.continue_update_rollback(StackName="s"),
            "ContinueUpdateRollback",
        ),
        ("cloudformation", lambda c: c.detect_stack_drift(StackName="s"), "DetectStackDrift"),
    ],
)
def test_what_moto_lacks_is_named_in_the_services_own_error(
    service: str, call: Callable[[Any], Any], action: str, client: Client
) -> None:
    with pytest.raises(ClientError) as error:
        call(client(service))
    assert code_of(error) == "NotImplemented"
    assert f"does not support {action} here" in str(error.value)


def test_a_crash_inside_moto_is_told_once_on_the_terminal_and_an_unknown_service_is_none(
    aws: Aws,
) -> None:
    unknown = {"Authorization": AUTHORIZATION.format("us-east-1a"), "Content_Length": "0"}
    status, _, body = send(aws, "POST", "/", "", **unknown)
    assert (status, 'no service "us-east-1a" here' in json.loads(body)["message"]) == (501, True)
    crash = {
        "X_Amz_Target": "Kinesis_20131202.CreateStream",
        "Authorization": AUTHORIZATION.format("kinesis"),
        "Content_Type": "application/x-amz-json-1.1",
        "Content_Length": "19",
    }
    for _ in range(2):
        status, headers, body = send(aws, "POST", "/", '{"StreamName": "s"}', **crash)
        assert (status, headers["x-amzn-errortype"]) == (501, "NotImplemented")
        assert "CreateStream" in json.loads(body)["message"]
        assert "TypeError" not in json.loads(body)["message"]
    aws.reporter.stop()
    terminal = aws.terminal.getvalue()
    assert (terminal.count("aws.failed service=kinesis"), terminal.count("aws.failed")) == (1, 1)


def test_motos_switches_cannot_be_turned(aws: Aws) -> None:
    status, _, body = send(aws, "POST", "/moto-api/config", "{}", Content_Length="2")
    assert status == 403
    assert b"cannot be changed here" in body


def test_motos_reset_is_ours(aws: Aws, client: Client) -> None:
    client("s3").create_bucket(Bucket="bkt")
    client("sqs", key="111111111111", region="eu-west-1").create_queue(QueueName="it")
    assert send(aws, "POST", "/moto-api/reset", "", Content_Length="0")[0] == 200
    assert client("s3").list_buckets()["Buckets"] == []
    assert "QueueUrls" not in client("sqs", key="111111111111", region="eu-west-1").list_queues()
