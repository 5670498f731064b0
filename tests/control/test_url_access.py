from typing import Any

import pytest

from emulator.control.policy import ResourcePolicy
from emulator.control.url_access import may_call
from emulator.model.function_url import IAM_AUTH, NO_AUTH, FunctionUrl

OWNER, STRANGER = "0" * 12, "2" * 12


def made(effect: str, principal: Any, *conditions: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "Sid": "s",
        "Effect": effect,
        "Principal": principal,
        "Action": "lambda:*",
        "Resource": "*",
        "Condition": {operator: {key: value} for operator, key, value in conditions},
    }


BY_URL = ("Bool", "lambda:InvokedViaFunctionUrl", "true")
OPEN = ("StringEquals", "lambda:FunctionUrlAuthType", NO_AUTH)
ALL, STRANGERS = made("Allow", "*"), made("Allow", {"AWS": STRANGER})


@pytest.mark.parametrize(
    ("auth_type", "caller", "statements", "is_let_in"),
    [
        (NO_AUTH, None, [], False),
        (NO_AUTH, None, [ALL], True),
        (NO_AUTH, None, [made("Allow", "*", BY_URL, OPEN)], True),
        (NO_AUTH, None, [ALL, made("Deny", "*", BY_URL)], False),
        (NO_AUTH, None, [made("Allow", {"AWS": OWNER})], False),
        (IAM_AUTH, None, [ALL], False),
        (IAM_AUTH, OWNER, [], True),
        (IAM_AUTH, OWNER, [STRANGERS], True),
        (IAM_AUTH, OWNER, [made("Deny", "*")], False),
        (IAM_AUTH, OWNER, [made("Deny", {"AWS": f"arn:aws:iam::{OWNER}:root"}, BY_URL)], False),
        (IAM_AUTH, OWNER, [made("Deny", "*", OPEN)], True),
        (IAM_AUTH, OWNER, [made("Deny", {"AWS": STRANGER})], True),
        (IAM_AUTH, STRANGER, [], False),
        (IAM_AUTH, STRANGER, [STRANGERS], True),
        (IAM_AUTH, STRANGER, [made("Allow", "*", OPEN)], False),
        (IAM_AUTH, STRANGER, [STRANGERS, made("Deny", "*")], False),
    ],
)
def test_who_is_let_in(
    auth_type: str, caller: str | None, statements: list[dict[str, Any]], is_let_in: bool
) -> None:
    url = FunctionUrl(url_id="x", auth_type=auth_type)
    policy = ResourcePolicy(statements=tuple(statements), revision_id="r") if statements else None
    assert may_call(url, policy, OWNER, caller) is is_let_in


def test_a_declared_url_without_authorization_needs_no_policy() -> None:
    assert may_call(FunctionUrl(url_id="x", is_declared=True), None, OWNER, None)
    signed = FunctionUrl(url_id="x", auth_type=IAM_AUTH, is_declared=True)
    assert not may_call(signed, None, OWNER, None)
    assert not may_call(signed, None, OWNER, STRANGER)
