"""PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.lab import Lab
from tests.api.test_policy_operations import ARN, Create, refusal

MISSING = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
ANOTHER_ID = "00000000-0000-4000-8000-000000000000"


def document(resource: str = ARN, **changes: Any) -> str:
    statement = {
        "Sid": "other-account",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "lambda:InvokeFunction",
        "Resource": resource,
        **changes,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def put(create: Create, client: Any) -> Callable[..., Any]:
    create(Publish=True)

    def put_resource_policy(**members: Any) -> Any:
        return client.put_resource_policy(**{"ResourceArn": ARN, "Policy": document(), **members})

    return put_resource_policy


def test_a_policy_is_replaced_and_deleted_as_a_whole(put: Any, client: Any) -> None:
    made = put()
    assert json.loads(made["Policy"]) == json.loads(document())
    shown = client.get_resource_policy(ResourceArn=ARN)
    assert (shown["Policy"], shown["RevisionId"]) == (made["Policy"], made["RevisionId"])
    again = put(Policy=document(Effect="Deny"), RevisionId=made["RevisionId"])
    assert again["RevisionId"] != made["RevisionId"]
    assert json.loads(again["Policy"])["Statement"][0]["Effect"] == "Deny"
    gone = client.delete_resource_policy(ResourceArn=ARN, RevisionId=again["RevisionId"])
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(client.get_resource_policy, ResourceArn=ARN) == MISSING
    assert refusal(client.delete_resource_policy, ResourceArn=ARN)[:2] == MISSING[:2]


def test_it_is_the_policy_that_add_permission_extends(put: Any, client: Any) -> None:
    put()
    client.add_permission(
        FunctionName="hello", StatementId="s2", Action="lambda:GetFunction", Principal="*"
    )
    policy = client.get_policy(FunctionName="hello")
    sids = [each["Sid"] for each in json.loads(policy["Policy"])["Statement"]]
    assert sids == ["other-account", "s2"]
    assert client.get_resource_policy(ResourceArn=ARN)["RevisionId"] == policy["RevisionId"]


def test_each_qualifier_has_its_own(put: Any, client: Any) -> None:
    put(ResourceArn=f"{ARN}:1", Policy=document(f"{ARN}:1"))
    assert refusal(client.get_resource_policy, ResourceArn=ARN) == MISSING
    assert "Statement" in client.get_policy(FunctionName="hello", Qualifier="1")["Policy"]


def test_a_deny_outweighs_an_allow(put: Any, lab: Lab) -> None:
    other = lab.client(account="111111111111")
    put()
    assert other.invoke(FunctionName=ARN)["StatusCode"] == 200
    both = json.loads(document())
    both["Statement"].append({**both["Statement"][0], "Sid": "no", "Effect": "Deny"})
    put(Policy=json.dumps(both))
    assert refusal(other.invoke, FunctionName=ARN)[:2] == (403, "AccessDeniedException")


REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"RevisionId": ANOTHER_ID}, 412, "PreconditionFailedException"),
    ({"Policy": "no JSON"}, 400, "InvalidParameterValueException"),
    ({"ResourceArn": f"{ARN}:$LATEST"}, 400, "InvalidParameterValueException"),
    ({"ResourceArn": ARN.replace("hello", "missing")}, 404, "ResourceNotFoundException"),
    ({"ResourceArn": f"{ARN}:7"}, 404, "ResourceNotFoundException"),
    ({"ResourceArn": f"{ARN}:nobody"}, 404, "ResourceNotFoundException"),
    ({"ResourceArn": ARN.replace("function:hello", "runtime/a/b")}, 404, MISSING[1]),
    ({"ResourceArn": "hello"}, 400, "ValidationException"),
    ({"Policy": "x" * 20_481}, 400, "ValidationException"),
]


@pytest.mark.parametrize(("members", "status", "code"), REFUSALS)
def test_what_cannot_be_put(put: Any, members: dict[str, Any], status: int, code: str) -> None:
    assert refusal(put, **members)[:2] == (status, code)


def test_who_saw_another_revision_deletes_nothing(put: Any, client: Any) -> None:
    put()
    refused = refusal(client.delete_resource_policy, ResourceArn=ARN, RevisionId=ANOTHER_ID)
    assert refused[:2] == (412, "PreconditionFailedException")
    assert client.get_resource_policy(ResourceArn=ARN)["Policy"]
