"""Requests that moto fails at: the client reads what is wrong with them, in its own protocol."""

import io
import json
from typing import Any

import pytest

from emulator.aws.client_mistakes import mistake_in
from tests.aws.conftest import AUTHORIZATION, Aws, send

FORM = "application/x-www-form-urlencoded"
NULL = "failed to satisfy constraint: Member must not be null"


def environ(body: bytes, target: str = "", content_type: str = "") -> dict[str, Any]:
    made = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": content_type,
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    }
    return {**made, "HTTP_X_AMZ_TARGET": target} if target else made


@pytest.mark.parametrize(
    ("backend", "target", "body", "code", "text"),
    [
        ("sqs", "AmazonSQS.SendMessage", b"{", "SerializationException", "as JSON"),
        ("sqs", "AmazonSQS.SendMessage", b"\xff", "SerializationException", "as JSON"),
        ("sqs", "AmazonSQS.SendMessage", b"[" * 100_000, "SerializationException", "as JSON"),
        ("sqs", "AmazonSQS.SendMessage", b"[]", "SerializationException", "not a JSON object"),
        (
            *("sqs", "AmazonSQS.SendMessage", b'{"QueueUrl": 1}', "SerializationException"),
            "NUMBER_VALUE can not be converted to String at 'QueueUrl'",
        ),
        (
            *("sqs", "AmazonSQS.SendMessage", b'{"QueueUrl": "q"}', "ValidationException"),
            f"Value null at 'MessageBody' {NULL}",
        ),
        (
            *("events", "AWSEvents.PutTargets"),
            *(b'{"Rule": "r", "Targets": [{"Id": "1"}]}', "ValidationException"),
            f"Value null at 'Targets[].Arn' {NULL}",
        ),
        (
            *("dynamodb", "DynamoDB_20120810.BatchWriteItem"),
            *(b'{"RequestItems": {"t": [null]}}', "ValidationException"),
            f"Value null at 'RequestItems.t[]' {NULL}",
        ),
        (
            *("cognitoidp", "AWSCognitoIdentityProviderService.SignUp", b"{}"),
            *("ValidationException", f"Value null at 'ClientId' {NULL}"),
        ),
        ("s3", "", b"<Tagging>", "MalformedXML", "not well-formed"),
        ("apigateway", "", b"{", "SerializationException", "as JSON"),
    ],
)
def test_what_is_wrong_is_named(
    backend: str, target: str, body: bytes, code: str, text: str
) -> None:
    mistake = mistake_in(environ(body, target), backend)
    assert mistake is not None
    assert mistake[0] == code
    assert text in mistake[1]


@pytest.mark.parametrize("rest", [b"", b"&Message=", b"&Message.member.1=m"])
def test_a_query_without_a_parameter_names_it(rest: bytes) -> None:
    asked = environ(b"Action=Publish&TopicArn=t" + rest, content_type=FORM)
    text = "The request must contain the parameter Message."
    assert mistake_in(asked, "sns") == ("MissingParameter", text)


@pytest.mark.parametrize(
    ("backend", "target", "body", "content_type"),
    [
        ("sqs", "AmazonSQS.SendMessage", b'{"QueueUrl": "q", "MessageBody": "m"}', ""),
        ("sqs", "AmazonSQS.OfTomorrow", b"{}", ""),
        ("of-tomorrow", "Tomorrow.Do", b"{}", ""),
        ("dynamodb", "DynamoDB_20120810.GetItem", b'{"TableName": "t", "Key": {}}', ""),
        ("sns", "", b"Action=Publish&Message=m", FORM),
        ("sns", "", b"Action=TagResource&ResourceArn=r&Tags.member.1.Key=k", FORM),
        ("s3", "", b"<Tagging/>", ""),
        ("s3", "", b"", ""),
        ("apigateway", "", b'{"name": "api"}', ""),
    ],
)
def test_a_request_in_order_has_no_mistake(
    backend: str, target: str, body: bytes, content_type: str
) -> None:
    assert mistake_in(environ(body, target, content_type), backend) is None


def test_the_client_reads_it_and_no_traceback_is_shown(aws: Aws) -> None:
    target = {"X_Amz_Target": "DynamoDB_20120810.BatchWriteItem"}
    signed = {"Authorization": AUTHORIZATION.format("dynamodb")}

    for body in ("{", "[]", "[" * 100_000, "null", '{"RequestItems": 1}', "{}"):
        length = {"Content_Length": str(len(body))}
        status, headers, answer = send(aws, "POST", "/", body, **target, **signed, **length)
        assert status == 400, body[:20]
        assert headers["x-amzn-errortype"] == json.loads(answer)["__type"]

    aws.reporter.stop()
    assert "Traceback" not in aws.terminal.getvalue()
