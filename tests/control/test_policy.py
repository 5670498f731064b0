from typing import Any

import pytest

from emulator.control.policy import ResourcePolicy, allows_account, allows_service, statement

ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello"
BUCKET = "arn:aws:s3:::photos"


def policy(**members: Any) -> ResourcePolicy:
    request = {
        "StatementId": "s",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        **members,
    }
    return ResourcePolicy(statements=(statement(request, ARN),), revision_id="")


@pytest.mark.parametrize(
    ("members", "is_allowed"),
    [
        ({}, True),
        ({"Principal": "*"}, True),
        ({"Action": "lambda:*"}, True),
        ({"Action": "*"}, True),
        ({"Action": "lambda:GetFunction"}, False),
        ({"Principal": "sns.amazonaws.com"}, False),
        ({"Principal": "111111111111"}, False),
        ({"SourceArn": BUCKET}, True),
        ({"SourceArn": "arn:aws:s3:::photo?"}, True),
        ({"SourceArn": "arn:aws:s3:::*"}, True),
        ({"SourceArn": "arn:*:s3:::photos"}, True),
        ({"SourceArn": "arn:aws:s3:::other"}, False),
        ({"SourceArn": "arn:aws:s3:::photo"}, False),
        ({"SourceAccount": "000000000000"}, True),
        ({"SourceAccount": "111111111111"}, False),
        ({"SourceArn": BUCKET, "SourceAccount": "111111111111"}, False),
        ({"EventSourceToken": "token"}, False),
    ],
)
def test_a_service_needs_a_statement_that_fits(members: dict[str, Any], is_allowed: bool) -> None:
    found = allows_service(policy(**members), "s3.amazonaws.com", BUCKET, "000000000000")
    assert found is is_allowed


@pytest.mark.parametrize(
    ("members", "is_allowed"),
    [
        ({"Principal": "111111111111"}, True),
        ({"Principal": "arn:aws:iam::111111111111:user/me"}, True),
        ({"Principal": "*"}, True),
        ({"Principal": "222222222222"}, False),
        ({"Principal": "s3.amazonaws.com"}, False),
        ({"Principal": "111111111111", "Action": "lambda:GetFunction"}, False),
    ],
)
def test_an_account_needs_a_statement_that_names_it(
    members: dict[str, Any], is_allowed: bool
) -> None:
    assert allows_account(policy(**members), "111111111111", "lambda:InvokeFunction") is is_allowed
