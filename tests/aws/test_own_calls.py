"""API calls of the emulator's own."""

import pytest

from emulator.aws import ObjectFact
from emulator.model import AwsError
from tests.aws.conftest import Aws, Client


def test_a_call_does_what_a_client_s_call_does(aws: Aws, client: Client) -> None:
    call = aws.moto.calls.call
    client("s3", key="222222222222").create_bucket(Bucket="bkt")
    where = {"Bucket": "bkt", "Key": "a b/é+?.txt"}
    call("s3", "PutObject", "222222222222", "us-east-1", {**where, "Body": b"\x00content"})
    found = client("s3", key="222222222222").get_object(**where)
    assert found["Body"].read() == b"\x00content"
    assert [fact.key for fact in aws.facts if isinstance(fact, ObjectFact)] == [where["Key"]]
    answer = call("s3", "GetObject", "222222222222", "us-east-1", where)
    assert answer["Body"].read() == b"\x00content"


def test_the_account_and_the_region_are_the_caller_s_choice(aws: Aws, client: Client) -> None:
    client("sqs", key="222222222222", region="eu-west-1").create_queue(QueueName="there")
    for account, region, found in (
        ("222222222222", "eu-west-1", 1),
        ("222222222222", "us-east-1", 0),
        ("000000000000", "eu-west-1", 0),
    ):
        answer = aws.moto.calls.call("sqs", "ListQueues", account, region, {})
        assert len(answer.get("QueueUrls", [])) == found


def test_a_refusal_keeps_the_service_s_code_and_status(aws: Aws) -> None:
    with pytest.raises(AwsError) as refused:
        aws.moto.calls.call(
            "s3", "GetObject", "000000000000", "us-east-1", {"Bucket": "gone", "Key": "k"}
        )
    assert (refused.value.code, refused.value.status) == ("NoSuchBucket", 404)


def test_parameters_that_do_not_fit_are_refused(aws: Aws) -> None:
    with pytest.raises(AwsError, match="Missing required parameter"):
        aws.moto.calls.call("sqs", "SendMessage", "000000000000", "us-east-1", {})


@pytest.mark.parametrize(("service", "operation"), [("nope", "Get"), ("sqs", "Nope")])
def test_what_aws_has_not_cannot_be_called(aws: Aws, service: str, operation: str) -> None:
    with pytest.raises(LookupError):
        aws.moto.calls.call(service, operation, "000000000000", "us-east-1", {})
