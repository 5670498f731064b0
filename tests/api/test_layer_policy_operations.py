"""Layers that other accounts may use."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.lab import ACCOUNT, Lab, archive
from tests.api.test_layer_operations import LAYER, ZIP, publish, refused

OTHER = "111111111111"
ANOTHER_ID = "00000000-0000-4000-8000-000000000000"
NO_POLICY = (
    404,
    "ResourceNotFoundException",
    "No policy is associated with the given resource.",
)
DENIED = (
    403,
    "AccessDeniedException",
    f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: lambda:GetLayerVersion on"
    f" resource: {LAYER}:1 because no resource-based policy allows the lambda:GetLayerVersion"
    " action",
)


@pytest.fixture
def version(client: Any) -> dict[str, Any]:
    """The first version of a layer, as requests name it."""
    publish(client)
    return {"LayerName": "shared", "VersionNumber": 1}


@pytest.fixture
def add(client: Any, version: dict[str, Any]) -> Callable[..., Any]:
    def add_layer_version_permission(**members: Any) -> Any:
        request = {
            **version,
            "StatementId": "s1",
            "Action": "lambda:GetLayerVersion",
            "Principal": OTHER,
            **members,
        }
        return client.add_layer_version_permission(**request)

    return add_layer_version_permission


@pytest.mark.parametrize(
    ("members", "principal", "condition"),
    [
        ({}, {"AWS": f"arn:aws:iam::{OTHER}:root"}, None),
        ({"Principal": f"arn:aws:iam::{OTHER}:root"}, {"AWS": f"arn:aws:iam::{OTHER}:root"}, None),
        ({"Principal": "*"}, "*", None),
        (
            {"Principal": "*", "OrganizationId": "o-0123456789"},
            "*",
            {"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}},
        ),
    ],
)
def test_a_permission_becomes_a_statement_on_the_version(
    add: Any, members: dict[str, Any], principal: Any, condition: Any
) -> None:
    answer = add(**members)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    expected = {
        "Sid": "s1",
        "Effect": "Allow",
        "Principal": principal,
        "Action": "lambda:GetLayerVersion",
        "Resource": f"{LAYER}:1",
    }
    assert json.loads(answer["Statement"]) == expected | (
        {"Condition": condition} if condition else {}
    )


def test_the_policy_has_all_statements_and_a_revision(
    add: Any, client: Any, version: dict[str, Any]
) -> None:
    first = add()
    second = add(StatementId="s2", RevisionId=first["RevisionId"])
    shown = client.get_layer_version_policy(**version)
    assert shown["RevisionId"] == second["RevisionId"] != first["RevisionId"]
    document = json.loads(shown["Policy"])
    assert (document["Version"], document["Id"]) == ("2012-10-17", "default")
    assert [each["Sid"] for each in document["Statement"]] == ["s1", "s2"]
    stale = (
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy"
        " API to retrieve the latest Revision Id",
    )
    assert refused(lambda: add(StatementId="s3", RevisionId=first["RevisionId"])) == stale
    remove = {**version, "StatementId": "s1", "RevisionId": ANOTHER_ID}
    assert refused(lambda: client.remove_layer_version_permission(**remove)) == stale


def test_permissions_are_removed_by_their_id(
    add: Any, client: Any, version: dict[str, Any]
) -> None:
    remove = client.remove_layer_version_permission
    assert refused(lambda: client.get_layer_version_policy(**version)) == NO_POLICY
    assert refused(lambda: remove(**version, StatementId="s1")) == NO_POLICY
    add()
    assert refused(lambda: remove(**version, StatementId="s2")) == (
        404,
        "ResourceNotFoundException",
        "Statement s2 is not found in resource policy.",
    )
    answer = remove(**version, StatementId="s1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(lambda: client.get_layer_version_policy(**version)) == NO_POLICY


@pytest.mark.parametrize(
    ("members", "status", "code", "text"),
    [
        (
            {"VersionNumber": 7},
            404,
            "ResourceNotFoundException",
            f"Layer version {LAYER}:7 does not exist.",
        ),
        (
            {"LayerName": "nothing"},
            404,
            "ResourceNotFoundException",
            f"Layer version {LAYER.replace('shared', 'nothing')}:1 does not exist.",
        ),
        (
            {"VersionNumber": 0},
            400,
            "InvalidParameterValueException",
            "Layer Version Cannot be less than 1",
        ),
        (
            {"Action": "lambda:GetFunction"},
            400,
            "ValidationException",
            "1 validation error detected: Value 'lambda:GetFunction' at 'action' failed to satisfy"
            " constraint: Member must satisfy regular expression pattern: lambda:GetLayerVersion",
        ),
    ],
)
def test_permissions_that_cannot_be_added(
    add: Any, members: dict[str, Any], status: int, code: str, text: str
) -> None:
    assert refused(lambda: add(**members)) == (status, code, text)


def test_a_statement_id_is_taken_once(add: Any) -> None:
    add()
    assert refused(add) == (
        409,
        "ResourceConflictException",
        "The statement id (s1) provided already exists. Please provide a new statement id, or"
        " remove the existing statement.",
    )


def test_a_policy_has_at_most_20_kb(add: Any) -> None:
    def fill() -> None:
        for number in range(100):
            add(StatementId=f"{number:0100}")

    assert refused(fill)[:2] == (400, "PolicyLengthExceededException")


def test_a_layer_is_used_by_whom_its_policy_names_and_by_nobody_else(lab: Lab, add: Any) -> None:
    other = lab.client(account=OTHER)

    def create(name: str) -> Any:
        return other.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=f"arn:aws:iam::{OTHER}:role/r",
            Handler="app.handler",
            Code={"ZipFile": archive()},
            Layers=[f"{LAYER}:1"],
        )

    def read() -> Any:
        return other.get_layer_version_by_arn(Arn=f"{LAYER}:1")

    assert refused(lambda: create("hello")) == refused(read) == DENIED
    add(Principal="222222222222")
    assert refused(lambda: create("hello")) == refused(read) == DENIED
    add(StatementId="s2")
    assert read()["Content"]["CodeSize"] == len(ZIP)
    assert other.get_layer_version(LayerName=LAYER, VersionNumber=1)["Version"] == 1
    assert create("hello")["Layers"] == [{"Arn": f"{LAYER}:1", "CodeSize": len(ZIP)}]
    (layer,) = lab.store.resolve(OTHER, "us-east-1", "hello", None).version.layers
    assert (layer.folder / "python").is_dir()


def test_who_may_use_a_layer_changes_nothing_of_it(lab: Lab, add: Any, client: Any) -> None:
    add()
    other = lab.client(account=OTHER)
    for call in (
        lambda: other.delete_layer_version(LayerName=LAYER, VersionNumber=1),
        lambda: other.list_layer_versions(LayerName=LAYER),
        lambda: other.get_layer_version_policy(LayerName=LAYER, VersionNumber=1),
        lambda: other.publish_layer_version(LayerName=LAYER, Content={"ZipFile": ZIP}),
        lambda: other.remove_layer_version_permission(
            LayerName=LAYER, VersionNumber=1, StatementId="s1"
        ),
    ):
        assert refused(call)[:2] == (403, "AccessDeniedException")
    assert client.list_layers()["Layers"][0]["LatestMatchingVersion"]["Version"] == 1


def test_what_is_not_there_looks_like_what_is_not_shared(lab: Lab, add: Any) -> None:
    add(Principal="*")
    status, code, _ = refused(
        lambda: lab.client(account=OTHER).get_layer_version_by_arn(Arn=f"{LAYER}:7")
    )
    assert (status, code) == (403, "AccessDeniedException")


def test_a_permission_is_for_one_version(lab: Lab, add: Any, client: Any) -> None:
    add(Principal="*")
    publish(client)
    other = lab.client(account=OTHER)
    assert other.get_layer_version_by_arn(Arn=f"{LAYER}:1")["Version"] == 1
    status, *_ = refused(lambda: other.get_layer_version_by_arn(Arn=f"{LAYER}:2"))
    assert status == 403
    assert LAYER.split(":")[4] == ACCOUNT
