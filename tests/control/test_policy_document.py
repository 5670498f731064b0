"""Which texts are resource policies."""

import json
from typing import Any

import pytest

from emulator.control.policy_document import read_policy
from emulator.model import LambdaError

ARN = "arn:aws:lambda:us-east-1:000000000000:function:hello"
STATEMENT = {
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": ARN,
}


def text(**changes: Any) -> str:
    made = {name: value for name, value in (STATEMENT | changes).items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [made]})


def test_a_policy_says_the_same_again() -> None:
    written = {
        "Version": "2008-10-17",
        "Id": "mine",
        "Statement": [
            {
                "Sid": "s1",
                **STATEMENT,
                "Principal": {"AWS": ["111111111111"], "Service": "s3.amazonaws.com"},
                "Condition": {"StringLikeIfExists": {"aws:SourceArn": ["a", "b"]}},
            }
        ],
    }
    assert json.loads(read_policy(json.dumps(written), ARN).document()) == written


def test_a_single_statement_needs_no_list() -> None:
    policy = read_policy(json.dumps({"Statement": STATEMENT}), ARN)
    assert policy.statements == (STATEMENT,)
    assert json.loads(policy.document()) == {"Version": "2012-10-17", "Statement": [STATEMENT]}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("no JSON", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("{}", "it has no Statement"),
        ('{"Statement":[]}', "it has no Statement"),
        ('{"Statement":[1]}', "a Statement is not a JSON object"),
        ('{"Statement":[],"Version":"2020-01-01"}', "Version must be one of"),
        ('{"Statement":[],"Id":1}', "Id must be a text"),
        ('{"Statement":[],"Statements":[]}', "it has an unknown element Statements"),
        (text(Sid="a b"), "the Sid a b"),
        (text(Effect="allow"), "the Effect allow is neither"),
        (text(Principal=None), "a Statement has no Principal"),
        (text(Principal="me"), "a Principal is neither"),
        (text(Principal={"User": "me"}), "a Principal is neither"),
        (text(Principal={"AWS": []}), "Principal must have texts"),
        (text(Action="s3:GetObject"), "the Action s3:GetObject is none of Lambda's"),
        (text(Action=[1]), "Action must have texts"),
        (text(Resource="*"), f"the Resource of a Statement must be {ARN}"),
        (text(Resource=f"{ARN}:1"), f"the Resource of a Statement must be {ARN}"),
        (text(Condition={"StringEquals": "x"}), "a Condition is not an object of objects"),
        (text(Condition={"StringEquals": {"k": 1}}), "Condition must have texts"),
        (text(Effects="Allow"), "a Statement has an unknown element Effects"),
        (
            json.dumps({"Statement": [{"Sid": "s", **STATEMENT}] * 2}),
            "two Statements have the same Sid",
        ),
    ],
)
def test_what_is_no_policy_is_refused_with_a_reason(wrong: str, why: str) -> None:
    with pytest.raises(LambdaError) as caught:
        read_policy(wrong, ARN)
    assert caught.value.code == "InvalidParameterValueException"
    assert caught.value.message.startswith(f"The provided resource policy is invalid: {why}")


@pytest.mark.parametrize(
    "changes",
    [{"NotAction": "lambda:Get*"}, {"Condition": {"DateLessThan": {"aws:CurrentTime": "2026"}}}],
)
def test_what_cannot_be_evaluated_is_said_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(LambdaError, match=r"NotAction|DateLessThan") as caught:
        read_policy(text(**changes), ARN)
    assert caught.value.code == "NotImplemented"


def test_a_policy_has_at_most_20_kb() -> None:
    with pytest.raises(LambdaError) as caught:
        read_policy(text(Condition={"StringEquals": {"k": "x" * 20_400}}), ARN)
    assert caught.value.code == "PolicyLengthExceededException"
