"""CreateAlias, GetAlias, UpdateAlias, DeleteAlias and ListAliases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.control import Target
from tests.api.lab import ACCOUNT, Lab, archive
from tests.api.test_policy_operations import refusal

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
INVALID = "InvalidParameterValueException"
NOT_FOUND = "ResourceNotFoundException"
UPDATERS = 16

Create = Callable[..., Any]


@pytest.fixture(autouse=True)
def versions(create: Create, client: Any) -> None:
    """Versions 1 and 2 of `hello`."""
    create(Publish=True)
    client.update_function_code(FunctionName="hello", ZipFile=archive(app="two"), Publish=True)


@pytest.fixture
def add(client: Any) -> Callable[..., Any]:
    def add(name: str = "live", version: str = "1", **members: Any) -> Any:
        return client.create_alias(
            FunctionName="hello", Name=name, FunctionVersion=version, **members
        )

    return add


@pytest.fixture
def update(client: Any) -> Callable[..., Any]:
    def update(**members: Any) -> Any:
        return client.update_alias(FunctionName="hello", Name="live", **members)

    return update


def weights(**shares: float) -> dict[str, Any]:
    named = {name.removeprefix("v"): share for name, share in shares.items()}
    return {"RoutingConfig": {"AdditionalVersionWeights": named}}


def body(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_an_alias_is_created_shown_and_deleted(client: Any, add: Callable[..., Any]) -> None:
    made = add()
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert body(made) == {
        "AliasArn": f"{ARN}:live",
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "",
        "RevisionId": made["RevisionId"],
    }
    assert body(client.get_alias(FunctionName="hello", Name="live")) == body(made)
    for _ in range(2):  # one that is not there is no error
        deleted = client.delete_alias(FunctionName="hello", Name="live")
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    text = f"Cannot find alias arn: {ARN}:live"
    assert refusal(client.get_alias, FunctionName="hello", Name="live") == (404, NOT_FOUND, text)


def test_what_an_update_leaves_out_stays(
    add: Callable[..., Any], update: Callable[..., Any]
) -> None:
    made = add(Description="mine", **weights(v2=0.25))
    assert made["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.25}}
    changed = update(Description="yours")
    assert changed["ResponseMetadata"]["HTTPStatusCode"] == 200
    expected = {**body(made), "Description": "yours", "RevisionId": changed["RevisionId"]}
    assert body(changed) == expected
    assert changed["RevisionId"] != made["RevisionId"]
    moved = update(FunctionVersion="2", **weights(v1=1))
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "yours")
    assert moved["RoutingConfig"] == {"AdditionalVersionWeights": {"1": 1.0}}


@pytest.mark.parametrize("routing", [{}, {"AdditionalVersionWeights": {}}])
def test_an_empty_routing_takes_the_weights_away(
    routing: Any, add: Callable[..., Any], update: Callable[..., Any], client: Any
) -> None:
    add(**weights(v2=0.25))
    assert "RoutingConfig" not in update(RoutingConfig=routing)
    assert "RoutingConfig" not in client.get_alias(FunctionName="hello", Name="live")


def test_a_name_is_given_once(add: Callable[..., Any]) -> None:
    add()
    text = f"Alias already exists: {ARN}:live"
    assert refusal(add) == (409, "ResourceConflictException", text)
    add("Live")  # names differ by case


@pytest.mark.parametrize(
    "members",
    [
        {"version": "42"},
        weights(v42=0.5),
    ],
)
def test_an_alias_of_an_unknown_version_is_refused(
    members: Any, add: Callable[..., Any], update: Callable[..., Any], client: Any
) -> None:
    expected = (404, NOT_FOUND, f"Function not found: {ARN}:42")
    assert refusal(lambda: add(**members)) == expected
    assert client.list_aliases(FunctionName="hello")["Aliases"] == []
    add()
    changes = dict(members)
    if "version" in changes:
        changes["FunctionVersion"] = changes.pop("version")
    assert refusal(lambda: update(**changes)) == expected


@pytest.mark.parametrize(
    ("version", "routing", "text"),
    [
        (
            "1",
            weights(v2=0.1, v1=0.1),
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ),
        (
            "1",
            weights(v1=0.1),
            "Invalid function version 1. Function version 1 is already included in routing"
            " configuration.",
        ),
        (
            "$LATEST",
            weights(v1=0.1),
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
    ],
)
def test_versions_that_do_not_go_together_are_refused(
    version: str,
    routing: Any,
    text: str,
    add: Callable[..., Any],
    update: Callable[..., Any],
) -> None:
    assert refusal(lambda: add("other", version, **routing)) == (400, INVALID, text)
    add()
    assert refusal(lambda: update(FunctionVersion=version, **routing)) == (400, INVALID, text)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"name": "12"}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "a" * 129}, "name"),
        ({"version": "live"}, "functionVersion"),
        ({"Description": "d" * 257}, "description"),
        (weights(v2=1.5), "routingConfig.additionalVersionWeights"),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}},
            "routingConfig.additionalVersionWeights",
        ),
    ],
)
def test_members_out_of_bounds_are_refused(
    members: Any, path: str, add: Callable[..., Any]
) -> None:
    status, code, text = refusal(lambda: add(**members))
    assert (status, code) == (400, "ValidationException")
    assert f"at '{path}' failed to satisfy constraint" in text


def test_an_unknown_alias_is_not_updated(update: Callable[..., Any]) -> None:
    text = f"Alias not found: {ARN}:live"
    assert refusal(lambda: update(FunctionVersion="2")) == (404, NOT_FOUND, text)


def test_aliases_are_listed_by_name_in_pages(client: Any, add: Callable[..., Any]) -> None:
    for name in ("c", "a", "B", "d"):
        add(name)
    add("moved", "2")
    add("both", "1", **weights(v2=0.5))
    pages = client.get_paginator("list_aliases").paginate(
        FunctionName="hello", PaginationConfig={"PageSize": 4}
    )
    assert [[alias["Name"] for alias in page["Aliases"]] for page in pages] == [
        ["B", "a", "both", "c"],
        ["d", "moved"],
    ]
    of_two = client.list_aliases(FunctionName="hello", FunctionVersion="2")["Aliases"]
    assert [alias["Name"] for alias in of_two] == ["both", "moved"]
    assert of_two[0] == body(client.get_alias(FunctionName="hello", Name="both"))
    assert client.list_aliases(FunctionName="hello", FunctionVersion="$LATEST")["Aliases"] == []


def test_functions_show_what_they_were_asked_for(client: Any, add: Callable[..., Any]) -> None:
    add("live", "2", **weights(v1=1.0))
    for found in (
        client.get_function(FunctionName="hello", Qualifier="live")["Configuration"],
        client.get_function_configuration(FunctionName="hello:live"),
        client.get_function_configuration(FunctionName=f"{ARN}:live"),
    ):
        assert (found["FunctionArn"], found["Version"]) == (f"{ARN}:live", "2")


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_version_that_an_alias_invokes_cannot_be_deleted(
    version: str, client: Any, add: Callable[..., Any]
) -> None:
    add(**weights(v2=0.0))
    add("blue", version)

    def delete() -> Any:
        return client.delete_function(FunctionName="hello", Qualifier=version)

    text = "Unable to delete version because the following aliases reference it: [blue, live]"
    assert refusal(delete) == (409, "ResourceConflictException", text)
    assert client.get_function(FunctionName="hello", Qualifier=version)
    for name in ("blue", "live"):
        client.delete_alias(FunctionName="hello", Name=name)
    delete()


def test_aliases_go_with_their_function(
    client: Any, create: Create, add: Callable[..., Any]
) -> None:
    add()
    client.delete_function(FunctionName="hello")
    create(Publish=True)
    assert client.list_aliases(FunctionName="hello")["Aliases"] == []


def test_what_belongs_to_an_alias_goes_with_it(client: Any, add: Callable[..., Any]) -> None:
    add()
    client.add_permission(
        FunctionName="hello",
        Qualifier="live",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )
    client.put_function_event_invoke_config(
        FunctionName="hello", Qualifier="live", MaximumRetryAttempts=0
    )
    client.delete_alias(FunctionName="hello", Name="live")
    add()
    assert refusal(client.get_policy, FunctionName="hello", Qualifier="live")[0] == 404
    assert refusal(
        client.get_function_event_invoke_config, FunctionName="hello", Qualifier="live"
    )[0] == 404  # fmt: skip


def test_an_alias_of_a_qualified_name_is_refused(client: Any) -> None:
    status, code, _ = refusal(
        client.create_alias, FunctionName="hello:1", Name="live", FunctionVersion="1"
    )
    assert (status, code) == (400, INVALID)


def test_an_alias_that_moves_is_followed_at_once(
    lab: Lab, add: Callable[..., Any], update: Callable[..., Any]
) -> None:
    def version() -> str:
        return lab.store.resolve(ACCOUNT, "us-east-1", "hello:live", None).version.version

    add()
    assert version() == "1"
    update(FunctionVersion="2")
    assert version() == "2"
    update(FunctionVersion="$LATEST")
    assert version() == "$LATEST"
    update(FunctionVersion="2", **weights(v1=1.0))
    assert version() == "1"


def winners(change: Callable[[int], Any]) -> list[int]:
    """Which of many updaters who all start at once get their way; the others get a 412."""
    start = Barrier(UPDATERS)

    def attempt(number: int) -> bool:
        start.wait()
        try:
            change(number)
        except ClientError as error:
            response: Any = error.response
            assert response["Error"]["Code"] == "PreconditionFailedException"
            assert response["ResponseMetadata"]["HTTPStatusCode"] == 412
            return False
        return True

    with ThreadPoolExecutor(UPDATERS) as updaters:
        return [number for number, won in enumerate(updaters.map(attempt, range(UPDATERS))) if won]


def test_of_many_who_update_one_revision_of_an_alias_one_wins(
    client: Any, add: Callable[..., Any], update: Callable[..., Any]
) -> None:
    revision = add()["RevisionId"]
    for _ in range(8):

        def change(number: int, revision: str = revision) -> None:
            update(Description=str(number), RevisionId=revision)

        (winner,) = winners(change)
        now = client.get_alias(FunctionName="hello", Name="live")
        assert now["Description"] == str(winner)
        assert now["RevisionId"] != revision
        revision = now["RevisionId"]


def test_of_many_who_update_one_revision_of_a_function_one_wins(lab: Lab, client: Any) -> None:
    where = Target(ACCOUNT, "us-east-1", "hello")
    for _ in range(8):
        revision = client.get_function_configuration(FunctionName="hello")["RevisionId"]

        def change(number: int, revision: str = revision) -> None:
            client.update_function_configuration(
                FunctionName="hello", Description=str(number), RevisionId=revision
            )

        (winner,) = winners(change)
        assert lab.store.get(where).spec.description == str(winner)
