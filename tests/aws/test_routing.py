import io
from typing import Any

import pytest

from emulator.aws.routing import backend_of, read_body, scope_of


def environ(**more: Any) -> dict[str, Any]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "127.0.0.1:4566", **more}


def signed(service: str, key: str = "AKIA", region: str = "eu-west-1") -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential={key}/20261122/{region}/{service}/aws4_request, "
        "SignedHeaders=host, Signature=0"
    )


def form(text: str) -> dict[str, Any]:
    return environ(
        REQUEST_METHOD="POST",
        CONTENT_TYPE="application/x-www-form-urlencoded; charset=utf-8",
        CONTENT_LENGTH=str(len(text)),
        **{"wsgi.input": io.BytesIO(text.encode())},
    )


CREDENTIAL = "X-Amz-Credential=AKIA%2F20261122%2Feu-west-1%2Fsts%2Faws4_request"


@pytest.mark.parametrize(
    ("request_environ", "service"),
    [
        (environ(HTTP_AUTHORIZATION=signed("sqs")), "sqs"),
        (environ(HTTP_AUTHORIZATION="AWS AKIA:signature"), "s3"),
        (environ(QUERY_STRING=f"Action=GetCallerIdentity&{CREDENTIAL}"), "sts"),
        (environ(QUERY_STRING="AWSAccessKeyId=A&Signature=b&Expires=1"), "s3"),
        (environ(HTTP_X_AMZ_TARGET="DynamoDB_20120810.ListTables"), "dynamodb"),
        (environ(HTTP_X_AMZ_TARGET="AmazonSQS.ListQueues"), "sqs"),
        (environ(QUERY_STRING="Action=ListQueues"), "sqs"),
        (environ(QUERY_STRING="Action=ListUsers&Version=2010-05-08"), "iam"),
        (form("Action=Publish&Version=2010-03-31"), "sns"),
        (environ(HTTP_HOST="sqs.eu-west-1.amazonaws.com"), "sqs"),
        (environ(HTTP_HOST="lambda.us-east-1.localhost.localstack.cloud:4566"), "lambda"),
        (environ(HTTP_HOST="bkt.s3.amazonaws.com"), "s3"),
        (environ(PATH_INFO="/eu-west-1_abc/.well-known/jwks.json"), "cognito-idp"),
        (environ(PATH_INFO="/bucket/key"), None),
        (environ(PATH_INFO="/my_bucket/key"), None),
    ],
)
def test_the_service_of_a_request_is_found(
    request_environ: dict[str, Any], service: str | None
) -> None:
    assert scope_of(request_environ).service == service


def test_the_region_comes_from_scope_host_or_pool_and_is_us_east_1_otherwise() -> None:
    requests = [
        environ(HTTP_AUTHORIZATION=signed("sqs")),
        environ(HTTP_HOST="sqs.eu-west-1.amazonaws.com"),
        environ(PATH_INFO="/eu-west-1_abc/.well-known/jwks.json"),
        environ(),
    ]
    regions = [scope_of(request).region for request in requests]
    assert regions == ["eu-west-1", "eu-west-1", "eu-west-1", "us-east-1"]


def test_looking_into_a_form_leaves_its_body_readable() -> None:
    request = form("Action=ListQueues")
    scope_of(request)
    assert read_body(request) == b"Action=ListQueues"


@pytest.mark.parametrize(
    ("service", "more", "backend"),
    [
        ("s3", {}, "s3"),
        (None, {}, "s3"),
        ("s3", {"PATH_INFO": "/v20180820/accesspoint"}, "s3control"),
        ("dynamodb", {"HTTP_X_AMZ_TARGET": "DynamoDB_20120810.GetItem"}, "dynamodb"),
        ("dynamodb", {"HTTP_X_AMZ_TARGET": "DynamoDBStreams_20120810.X"}, "dynamodbstreams"),
        ("states", {}, "stepfunctions"),
        ("glue", {}, None),
        (None, {"PATH_INFO": "/moto-api/data.json"}, "moto_api"),
    ],
)
def test_the_service_is_known_by_motos_name(
    service: str | None, more: dict[str, str], backend: str | None
) -> None:
    assert backend_of(service, environ(**more)) == backend
