"""AddPermission, RemovePermission and GetPolicy."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.api.lab import ACCOUNT, Lab

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
BUCKET = "arn:aws:s3:::photos"

Create = Callable[..., Any]


def refusal(call: Callable[..., Any], **request: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    response: Any = caught.value.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )


@pytest.fixture
def add(create: Create, client: Any) -> Callable[..., Any]:
    create(Publish=True)

    def add_permission(**members: Any) -> Any:
        request = {
            "FunctionName": "hello",
            "StatementId": "s1",
            "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
            **members,
        }
        return client.add_permission(**request)

    return add_permission


STATEMENTS: list[tuple[dict[str, Any], Any, Any]] = [
    ({}, {"Service": "s3.amazonaws.com"}, None),
    ({"Principal": "111111111111"}, {"AWS": "arn:aws:iam::111111111111:root"}, None),
    (
        {"Principal": "arn:aws:iam::111111111111:user/me"},
        {"AWS": "arn:aws:iam::111111111111:user/me"},
        None,
    ),
    ({"Principal": "*"}, "*", None),
    (
        {"SourceArn": BUCKET, "SourceAccount": ACCOUNT},
        {"Service": "s3.amazonaws.com"},
        {
            "ArnLike": {"AWS:SourceArn": BUCKET},
            "StringEquals": {"AWS:SourceAccount": ACCOUNT},
        },
    ),
    (
        {
            "Principal": "*",
            "Action": "lambda:InvokeFunctionUrl",
            "FunctionUrlAuthType": "NONE",
            "PrincipalOrgID": "o-0123456789",
            "EventSourceToken": "token",
        },
        "*",
        {
            "StringEquals": {
                "lambda:FunctionUrlAuthType": "NONE",
                "aws:PrincipalOrgID": "o-0123456789",
                "lambda:EventSourceToken": "token",
            }
        },
    ),
    (
        {"Principal": "*", "InvokedViaFunctionUrl": True},
        "*",
        {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
    ),
]


@pytest.mark.parametrize(("members", "principal", "condition"), STATEMENTS)
def test_a_permission_becomes_a_statement(
    add: Callable[..., Any], members: dict[str, Any], principal: Any, condition: Any
) -> None:
    answer = add(**members)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    expected = {
        "Sid": "s1",
        "Effect": "Allow",
        "Principal": principal,
        "Action": members.get("Action", "lambda:InvokeFunction"),
        "Resource": ARN,
    }
    if condition:
        expected["Condition"] = condition
    assert json.loads(answer["Statement"]) == expected


def test_the_policy_has_all_statements_and_a_revision(add: Any, client: Any) -> None:
    add()
    add(StatementId="s2")
    policy = client.get_policy(FunctionName="hello")
    document = json.loads(policy["Policy"])
    assert (document["Version"], document["Id"]) == ("2012-10-17", "default")
    assert [statement["Sid"] for statement in document["Statement"]] == ["s1", "s2"]
    add(StatementId="s3", RevisionId=policy["RevisionId"])
    assert client.get_policy(FunctionName="hello")["RevisionId"] != policy["RevisionId"]
    assert refusal(add, StatementId="s4", RevisionId=policy["RevisionId"]) == (
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to"
        " retrieve the latest Revision Id",
    )


def test_each_qualifier_has_its_own_policy(add: Any, client: Any) -> None:
    statement = json.loads(add(Qualifier="1")["Statement"])
    assert statement["Resource"] == f"{ARN}:1"
    assert "Statement" in json.loads(client.get_policy(FunctionName="hello:1")["Policy"])
    assert refusal(client.get_policy, FunctionName="hello") == (
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )


REFUSALS: list[tuple[dict[str, Any], int, str, str]] = [
    (
        {"FunctionUrlAuthType": "NONE"},
        400,
        "InvalidParameterValueException",
        "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
    ),
    (
        {"Qualifier": "$LATEST"},
        400,
        "InvalidParameterValueException",
        "We currently do not support adding policies for $LATEST.",
    ),
    (
        {"Principal": "nobody"},
        400,
        "InvalidParameterValueException",
        "The provided principal was invalid. Please check the principal and try again.",
    ),
    (
        {"Qualifier": "1221"},
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN}:1221",
    ),
    (
        {"Qualifier": "alias"},
        404,
        "ResourceNotFoundException",
        f"Cannot find alias arn: {ARN}:alias",
    ),
    (
        {"FunctionName": "missing"},
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN.replace('hello', 'missing')}",
    ),
    (
        {"StatementId": "a b"},
        400,
        "ValidationException",
        "1 validation error detected: Value 'a b' at 'statementId' failed to satisfy constraint:"
        " Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
    ),
]


@pytest.mark.parametrize(("members", "status", "code", "text"), REFUSALS)
def test_permissions_that_cannot_be_added(
    add: Any, members: dict[str, Any], status: int, code: str, text: str
) -> None:
    assert refusal(add, **members) == (status, code, text)


def test_a_statement_id_is_taken_once(add: Any) -> None:
    add()
    assert refusal(add) == (
        409,
        "ResourceConflictException",
        "The statement id (s1) provided already exists. Please provide a new statement id, or"
        " remove the existing statement.",
    )


def test_a_policy_has_at_most_20_kb(add: Any) -> None:
    for number in range(8):
        add(StatementId=f"s{number}", SourceArn=f"{BUCKET}-{'x' * 2200}")
    status, code, _ = refusal(add, StatementId="last", SourceArn=f"{BUCKET}-{'x' * 2200}")
    assert (status, code) == (400, "PolicyLengthExceededException")


def test_permissions_are_removed_by_their_id(add: Any, client: Any) -> None:
    add()
    assert refusal(client.remove_permission, FunctionName="hello", StatementId="s2") == (
        404,
        "ResourceNotFoundException",
        "Statement s2 is not found in resource policy.",
    )
    answer = client.remove_permission(FunctionName="hello", StatementId="s1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(client.get_policy, FunctionName="hello")[0] == 404
    assert refusal(client.remove_permission, FunctionName="hello", StatementId="s1") == (
        404,
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )
    assert refusal(client.remove_permission, FunctionName="missing", StatementId="s1") == (
        404,
        "ResourceNotFoundException",
        f"No policy found for: {ARN.replace('hello', 'missing')}",
    )


def test_a_shared_function_answers_another_account(add: Any, lab: Lab) -> None:
    other = lab.client(account="111111111111")
    status, code, message = refusal(other.invoke, FunctionName=ARN)
    assert (status, code) == (403, "AccessDeniedException")
    assert message == (
        "User: arn:aws:iam::111111111111:root is not authorized to perform: lambda:InvokeFunction"
        f" on resource: {ARN} because no resource-based policy allows the lambda:InvokeFunction"
        " action"
    )
    add(Principal="111111111111")
    assert other.invoke(FunctionName=ARN)["StatusCode"] == 200
