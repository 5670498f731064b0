import json
from typing import Any

import pytest

from emulator.aws.stacks.intrinsics import TemplateProblem
from emulator.aws.stacks.stack_policy import MOST_BYTES, UpdateAction, read_stack_policy

ALLOW_ALL = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
QUEUE = "AWS::SQS::Queue"


def deny(**members: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Principal": "*", "Action": "Update:*", "Resource": "*", **members}


def of_type(*types: str, operator: str = "StringEquals") -> dict[str, Any]:
    return {operator: {"ResourceType": list(types)}}


def policy(*statements: Any) -> str:
    return json.dumps({"Statement": list(statements)})


@pytest.mark.parametrize(
    ("statements", "denied"),
    [
        ([ALLOW_ALL], []),
        ([deny()], ["MODIFY", "REPLACE", "DELETE"]),
        ([{**ALLOW_ALL, "Resource": "LogicalResourceId/Other"}], ["MODIFY", "REPLACE", "DELETE"]),
        ([{**ALLOW_ALL, "Principal": {"AWS": "*"}, "Sid": "all"}], []),
        ([ALLOW_ALL, deny(Resource="LogicalResourceId/Q")], ["MODIFY", "REPLACE", "DELETE"]),
        ([deny(Action=["Update:Replace", "Update:Delete"]), ALLOW_ALL], ["REPLACE", "DELETE"]),
        ([ALLOW_ALL, deny(Resource=["LogicalResourceId/O*", "LogicalResourceId/P"])], []),
        ([ALLOW_ALL, {**deny(), "Condition": of_type(QUEUE)}], ["MODIFY", "REPLACE", "DELETE"]),
        ([ALLOW_ALL, {**deny(), "Condition": of_type("AWS::SNS::Topic")}], []),
        (
            [ALLOW_ALL, {**deny(), "Condition": of_type("AWS::SQS::*", operator="StringLike")}],
            ["MODIFY", "REPLACE", "DELETE"],
        ),
        (
            [
                {"Effect": "Allow", "NotAction": "Update:Delete", "Principal": "*"}
                | {"NotResource": "LogicalResourceId/Other"}
            ],
            ["DELETE"],
        ),
    ],
)
def test_what_a_statement_allows_and_none_denies_can_be_updated(
    statements: list[Any], denied: list[str]
) -> None:
    read = read_stack_policy(policy(*statements))
    found = [action.name for action in UpdateAction if read.denial(action, "Q", QUEUE) is not None]
    assert found == denied


def test_one_statement_needs_no_list() -> None:
    read = read_stack_policy(json.dumps({"Statement": deny()}))
    denial = read.denial(UpdateAction.MODIFY, "Q", QUEUE)
    assert denial is not None
    assert "[Update:Modify]" in denial
    assert "[Q]" in denial


@pytest.mark.parametrize(
    "text",
    [
        *("", "no JSON", "[]", "{}", '{"Statement": []}', '{"Statement": ["Deny"]}', "[" * 9_999),
        policy(deny(Effect="deny")),
        policy(deny(Principal="someone")),
        policy({"Effect": "Deny", "Action": "Update:*", "Resource": "*"}),
        policy(deny(Action="s3:PutObject")),
        policy(deny(Action=[])),
        policy(deny(Action=[1])),
        policy(deny(NotAction="Update:*")),
        policy(deny(Resource="Q")),
        policy(deny(Resources="*")),
        policy({**deny(), "Condition": {"Bool": {"ResourceType": "x"}}}),
        policy({**deny(), "Condition": {"StringEquals": {"Name": "x"}}}),
        policy({**deny(), "Condition": []}),
        policy(deny(Sid="x" * MOST_BYTES)),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(TemplateProblem, match=r"^Error validating stack policy: "):
        read_stack_policy(text)
