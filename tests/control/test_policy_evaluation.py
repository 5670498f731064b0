from typing import Any

import pytest

from emulator.control.policy import ResourcePolicy, statement
from emulator.control.policy_evaluation import allows_account, allows_service

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


def decision(*statements: dict[str, Any], **context: str) -> bool:
    made = [{"Effect": "Allow", "Principal": "*", "Action": "*", **each} for each in statements]
    keys = {key.replace("_", ":"): value for key, value in context.items()}
    written = ResourcePolicy(statements=tuple(made), revision_id="")
    return allows_account(written, "111111111111", "lambda:GetFunction", keys)


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        ({"Principal": {"AWS": ["222222222222", "111111111111"]}}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"Service": "111111111111"}}, False),
        ({"Action": ["lambda:Invoke*", "lambda:Get*"]}, True),
        ({"Action": "LAMBDA:getfunction"}, True),
        ({"Action": "lambda:GetFunctionConfiguration"}, False),
        ({"Effect": "Deny"}, False),
    ],
)
def test_principals_and_actions_may_be_lists_and_patterns(
    statement: dict[str, Any], is_allowed: bool
) -> None:
    assert decision(statement) is is_allowed


def test_one_deny_outweighs_every_allow() -> None:
    assert decision({}, {}) is True
    assert decision({}, {"Effect": "Deny", "Principal": {"AWS": "111111111111"}}) is False
    assert decision({}, {"Effect": "Deny", "Principal": {"AWS": "222222222222"}}) is True


@pytest.mark.parametrize(
    ("condition", "with_key", "without_key"),
    [
        ({"StringEquals": {"AWS:tag": "red"}}, True, False),
        ({"StringEquals": {"aws:tag": ["blue", "red"]}}, True, False),
        ({"StringEquals": {"aws:tag": "Red"}}, False, False),
        ({"StringEqualsIgnoreCase": {"aws:tag": "Red"}}, True, False),
        ({"StringLike": {"aws:tag": "r*"}}, True, False),
        ({"StringNotEquals": {"aws:tag": "red"}}, False, True),
        ({"StringNotEquals": {"aws:tag": "blue"}}, True, True),
        ({"StringNotLike": {"aws:tag": ["b*", "r*"]}}, False, True),
        ({"StringEqualsIfExists": {"aws:tag": "blue"}}, False, True),
        ({"Bool": {"aws:tag": "true"}}, False, False),
        ({"Null": {"aws:tag": "true"}}, False, True),
        ({"Null": {"aws:tag": "false"}}, True, False),
        ({"ArnLike": {"aws:tag": "arn:*"}}, False, False),
        ({"StringEquals": {"aws:tag": "red"}, "Null": {"aws:tag": "true"}}, False, False),
    ],
)
def test_conditions_are_compared_by_their_operator(
    condition: dict[str, Any], with_key: bool, without_key: bool
) -> None:
    assert decision({"Condition": condition}, aws_tag="red") is with_key
    assert decision({"Condition": condition}) is without_key
