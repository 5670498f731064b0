"""Provisioned concurrency of published versions, as the API sets and shows it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.lab import ACCOUNT
from tests.api.test_policy_operations import refusal

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
INVALID = "InvalidParameterValueException"

Create = Callable[..., Any]


@pytest.fixture(autouse=True)
def function(create: Create) -> None:
    create(Publish=True)


@pytest.fixture
def put(client: Any) -> Callable[..., Any]:
    def put(executions: int, qualifier: str = "1", name: str = "hello") -> Any:
        return client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=executions
        )

    return put


def test_it_is_put_shown_listed_and_deleted(client: Any, put: Callable[..., Any]) -> None:
    before = client.get_function_configuration(FunctionName="hello", Qualifier="1")["RevisionId"]
    made = put(2)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    expected = {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    assert expected.items() <= made.items()
    after = client.get_function_configuration(FunctionName="hello", Qualifier="1")["RevisionId"]
    assert after != before
    shown = client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
    assert expected.items() <= shown.items()
    assert shown["LastModified"] == made["LastModified"]
    client.publish_version(FunctionName="hello")
    (listed,) = client.list_provisioned_concurrency_configs(FunctionName="hello")[
        "ProvisionedConcurrencyConfigs"
    ]
    assert listed["FunctionArn"] == f"{ARN}:1"
    assert expected.items() <= listed.items()

    def delete() -> Any:
        return client.delete_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")

    assert delete()["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert delete()["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(
        lambda: client.get_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
    ) == (
        404,
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
    )


def test_what_is_not_published_has_none(client: Any, put: Callable[..., Any]) -> None:
    text = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    assert refusal(lambda: put(1, "$LATEST")) == (400, INVALID, text)
    text = "The function resource provided must be an alias or a published version."
    for call in (
        client.get_provisioned_concurrency_config,
        client.delete_provisioned_concurrency_config,
    ):
        named = {"FunctionName": "hello", "Qualifier": "$LATEST"}
        assert refusal(lambda call=call, named=named: call(**named)) == (400, INVALID, text)


def test_an_unknown_version_and_none_at_all_are_refused(put: Callable[..., Any]) -> None:
    text = f"Function not found: {ARN}:7"
    assert refusal(lambda: put(1, "7")) == (404, "ResourceNotFoundException", text)
    assert refusal(lambda: put(0))[:2] == (400, "ValidationException")


def test_it_is_not_more_than_what_the_function_reserves(
    client: Any, put: Callable[..., Any]
) -> None:
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=2)
    put(2)
    text = (
        "Requested Provisioned Concurrency should not be greater than the"
        " reservedConcurrentExecution for function"
    )
    assert refusal(lambda: put(3)) == (400, INVALID, text)
    text = (
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned"
        " concurrency [2]."
    )
    assert refusal(
        lambda: client.put_function_concurrency(
            FunctionName="hello", ReservedConcurrentExecutions=1
        )
    ) == (400, INVALID, text)


def test_a_hundred_must_be_left_for_the_account(
    client: Any, create: Create, put: Callable[..., Any]
) -> None:
    create("other", Publish=True)
    client.put_function_concurrency(FunctionName="other", ReservedConcurrentExecutions=300)
    put(500)
    put(600)  # what it has itself does not count against it
    text = (
        "Specified ConcurrentExecutions for function decreases account's"
        " UnreservedConcurrentExecution below its minimum value of [100]."
    )
    assert refusal(lambda: put(601)) == (400, INVALID, text)
    text = (
        "Specified ConcurrentExecutions for function is greater than account's unreserved"
        " concurrency [700]."
    )
    assert refusal(lambda: put(701)) == (400, INVALID, text)
    text = (
        "Specified ReservedConcurrentExecutions for function decreases account's"
        " UnreservedConcurrentExecution below its minimum value of [100]."
    )
    assert refusal(
        lambda: client.put_function_concurrency(
            FunctionName="other", ReservedConcurrentExecutions=301
        )
    ) == (400, INVALID, text)


def test_it_goes_with_its_version(client: Any, put: Callable[..., Any]) -> None:
    put(900)
    client.delete_function(FunctionName="hello", Qualifier="1")
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=900)
