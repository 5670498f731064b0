"""Provisioned concurrency of published versions, as the API sets and shows it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.lab import ACCOUNT, Lab
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


@pytest.fixture
def alias(client: Any) -> Callable[..., Any]:
    """Point an alias at a version; `v2=0.5` gives version 2 half of its calls."""

    def alias(name: str, version: str, **shares: float) -> Any:
        known = {each["Name"] for each in client.list_aliases(FunctionName="hello")["Aliases"]}
        weights = {number.removeprefix("v"): share for number, share in shares.items()}
        return (client.update_alias if name in known else client.create_alias)(
            FunctionName="hello",
            Name=name,
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )

    return alias


@pytest.fixture
def second(client: Any) -> None:
    """Version 2."""
    client.update_function_configuration(FunctionName="hello", Timeout=9)
    assert client.publish_version(FunctionName="hello")["Version"] == "2"


@pytest.fixture
def wanted(lab: Lab) -> list[tuple[str, int]]:
    """Which environments the sandbox was told to have."""
    told: list[tuple[str, int]] = []
    lab.store.provisions.subscribe(
        lambda version, executions: told.append((version.version, executions))
    )
    return told


def provisioned(lab: Lab, qualifier: str) -> int:
    return lab.store.resolve(ACCOUNT, "us-east-1", "hello", qualifier).provisioned


@pytest.mark.usefixtures("second")
def test_an_aliass_moves_with_it(
    lab: Lab,
    client: Any,
    put: Callable[..., Any],
    alias: Callable[..., Any],
    wanted: list[tuple[str, int]],
) -> None:
    alias("live", "1")
    before = client.get_function_configuration(FunctionName="hello", Qualifier="1")["RevisionId"]
    put(3, "live")
    after = client.get_function_configuration(FunctionName="hello", Qualifier="1")["RevisionId"]
    assert after != before
    assert wanted == [("1", 3)]
    assert [provisioned(lab, each) for each in ("live", "1", "2")] == [3, 3, 0]
    none = (404, "ProvisionedConcurrencyConfigNotFoundException")
    get = client.get_provisioned_concurrency_config
    assert refusal(lambda: get(FunctionName="hello", Qualifier="1"))[:2] == none
    (listed,) = client.list_provisioned_concurrency_configs(FunctionName="hello")[
        "ProvisionedConcurrencyConfigs"
    ]
    assert listed["FunctionArn"] == f"{ARN}:live"

    alias("live", "2")
    assert sorted(wanted[1:]) == [("1", 0), ("2", 3)]
    assert [provisioned(lab, each) for each in ("live", "1", "2")] == [3, 0, 3]
    shown = get(FunctionName="hello", Qualifier="live")
    assert shown["RequestedProvisionedConcurrentExecutions"] == 3

    client.delete_alias(FunctionName="hello", Name="live")
    assert wanted[3:] == [("2", 0)]
    assert provisioned(lab, "2") == 0
    assert client.list_provisioned_concurrency_configs(FunctionName="hello")[
        "ProvisionedConcurrencyConfigs"
    ] == []  # fmt: skip


def test_it_is_put_once_for_each_version(
    put: Callable[..., Any], alias: Callable[..., Any], client: Any
) -> None:
    alias("live", "1")
    alias("blue", "1")
    taken = (
        409,
        "ResourceConflictException",
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned"
        " version",
    )
    put(1, "1")
    assert refusal(lambda: put(1, "live")) == taken
    client.delete_provisioned_concurrency_config(FunctionName="hello", Qualifier="1")
    put(1, "live")
    assert refusal(lambda: put(1, "blue")) == taken
    assert refusal(lambda: put(1, "1")) == (
        409,
        "ResourceConflictException",
        "Version is pointed by a Provisioned Concurrency alias",
    )
    put(2, "live")  # its own may change


@pytest.mark.usefixtures("second")
def test_an_alias_that_has_some_moves_to_no_version_that_cannot_have_it(
    put: Callable[..., Any], alias: Callable[..., Any]
) -> None:
    alias("live", "1")
    put(1, "live")
    put(1, "2")
    assert refusal(lambda: alias("live", "2"))[:2] == (409, "ResourceConflictException")
    assert refusal(lambda: alias("live", "$LATEST"))[:2] == (400, INVALID)
    alias("live", "1")


@pytest.mark.usefixtures("second")
def test_an_alias_that_shares_its_calls_is_given_none(
    lab: Lab, put: Callable[..., Any], alias: Callable[..., Any]
) -> None:
    alias("live", "1", v2=0.5)
    text = "Alias with weights can not be used with Provisioned Concurrency"
    assert refusal(lambda: put(1, "live")) == (400, INVALID, text)
    alias("live", "1")
    put(2, "live")
    alias("live", "1", v2=1.0)  # a deployment that shifts the calls bit by bit
    assert provisioned(lab, "1") == 2
    assert provisioned(lab, "live") == 0  # of version 2
    alias("latest", "$LATEST")
    text = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    assert refusal(lambda: put(1, "latest")) == (400, INVALID, text)
