"""FunctionEventInvokeConfig: Put, Update, Get, List, Delete."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.lab import ACCOUNT, Lab
from tests.api.test_policy_operations import refusal

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
OTHER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:q"
BATCH = f"arn:aws:batch:us-east-1:{ACCOUNT}:job-queue/j"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
NOWHERE: dict[str, Any] = {"OnSuccess": {}, "OnFailure": {}}

Create = Callable[..., Any]


@pytest.fixture(autouse=True)
def function(create: Create) -> None:
    create(Publish=True)


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    hidden = ("ResponseMetadata", "LastModified", "FunctionArn")
    return {name: value for name, value in answer.items() if name not in hidden}


def test_what_was_put_is_read_back_and_what_was_not_is_absent(client: Any, lab: Lab) -> None:
    lab.clock.freeze(True)
    put = client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=0)
    assert shown(put) == {"MaximumRetryAttempts": 0, "DestinationConfig": NOWHERE}
    assert put["FunctionArn"] == f"{ARN}:$LATEST"
    assert put["LastModified"].timestamp() == pytest.approx(lab.clock.now(), abs=0.001)
    assert (
        client.get_function_event_invoke_config(FunctionName="hello")["FunctionArn"]
        == (put["FunctionArn"])
    )
    assert shown(client.get_function_event_invoke_config(FunctionName=ARN)) == shown(put)


def test_put_replaces_and_update_merges(client: Any) -> None:
    name = {"FunctionName": "hello", "Qualifier": "1"}
    ends = {"OnFailure": {"Destination": QUEUE}}
    client.put_function_event_invoke_config(**name, MaximumRetryAttempts=1, DestinationConfig=ends)
    updated = client.update_function_event_invoke_config(
        **name,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnSuccess": {"Destination": TOPIC}},
    )
    assert updated["FunctionArn"] == f"{ARN}:1"
    assert shown(updated) == {
        "MaximumRetryAttempts": 1,
        "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {
            "OnSuccess": {"Destination": TOPIC},
            "OnFailure": {"Destination": QUEUE},
        },
    }
    put = client.put_function_event_invoke_config(**name, MaximumEventAgeInSeconds=90)
    assert shown(put) == {"MaximumEventAgeInSeconds": 90, "DestinationConfig": NOWHERE}


@pytest.mark.parametrize("end", [{}, {"Destination": ""}])
def test_an_empty_destination_is_none(client: Any, end: dict[str, str]) -> None:
    put = client.put_function_event_invoke_config(
        FunctionName="hello", DestinationConfig={"OnSuccess": end}
    )
    assert shown(put) == {"DestinationConfig": NOWHERE}


def test_each_qualifier_has_its_own_and_they_are_listed_in_pages(client: Any) -> None:
    client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=0)
    client.put_function_event_invoke_config(FunctionName="hello:1", MaximumRetryAttempts=1)
    pages = client.get_paginator("list_function_event_invoke_configs").paginate(
        FunctionName="hello", PaginationConfig={"PageSize": 1}
    )
    listed = [page["FunctionEventInvokeConfigs"] for page in pages]
    found = [(one["FunctionArn"], one["MaximumRetryAttempts"]) for [one] in listed]
    assert found == [(f"{ARN}:$LATEST", 0), (f"{ARN}:1", 1)]
    client.delete_function_event_invoke_config(FunctionName="hello", Qualifier="$LATEST")
    [left] = client.list_function_event_invoke_configs(FunctionName="hello")[
        "FunctionEventInvokeConfigs"
    ]
    assert left["FunctionArn"] == f"{ARN}:1"


def test_it_goes_with_its_version_and_with_the_function(client: Any, create: Create) -> None:
    client.put_function_event_invoke_config(FunctionName="hello:1", MaximumRetryAttempts=1)
    client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=1)
    client.delete_function(FunctionName="hello", Qualifier="1")
    listed = client.list_function_event_invoke_configs(FunctionName="hello")
    assert len(listed["FunctionEventInvokeConfigs"]) == 1
    client.delete_function(FunctionName="hello")
    create()
    listed = client.list_function_event_invoke_configs(FunctionName="hello")
    assert listed["FunctionEventInvokeConfigs"] == []


def test_invocations_get_the_settings_of_their_qualifier(client: Any, lab: Lab) -> None:
    client.put_function_event_invoke_config(FunctionName="hello:1", MaximumRetryAttempts=1)
    retries = [
        lab.store.resolve(ACCOUNT, "us-east-1", "hello", qualifier).invoke_config.retries
        for qualifier in (None, "$LATEST", "1")
    ]
    assert retries == [None, None, 1]


@pytest.mark.parametrize("verb", ["put", "update"])
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "You must specify at least one of error handling or destination setting."),
        (
            {"DestinationConfig": {"OnSuccess": {"Destination": ARN}}},
            "You can't specify the function as a destination for itself.",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": f"{ARN}:1"}}},
            "You can't specify the function as a destination for itself.",
        ),
        (
            {"DestinationConfig": {"OnSuccess": {"Destination": OTHER}}},
            f"The destination ARN {OTHER} is invalid.",
        ),
        (
            {"DestinationConfig": {"OnSuccess": {"Destination": BATCH}}},
            "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination="
            f"{BATCH}), onFailure=null) is invalid.",
        ),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::b"}}}, None),
    ],
)
def test_settings_that_lambda_refuses(
    client: Any, verb: str, members: dict[str, Any], message: str | None
) -> None:
    if verb == "update":
        client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=1)
    call = getattr(client, f"{verb}_function_event_invoke_config")
    status, code, text = refusal(call, FunctionName="hello", **members)
    assert (status, code) == (400, "InvalidParameterValueException")
    assert message is None or text == message


def test_constraints_of_the_model_are_checked(client: Any) -> None:
    status, code, text = refusal(
        client.put_function_event_invoke_config,
        FunctionName="hello",
        MaximumRetryAttempts=3,
        MaximumEventAgeInSeconds=59,
        DestinationConfig={"OnFailure": {"Destination": "nonsense"}},
    )
    assert (status, code) == (400, "ValidationException")
    assert text.startswith("3 validation errors detected: ")
    member = "'destinationConfig.onFailure.destination'"
    assert f"{member} failed to satisfy constraint: Member must satisfy regular" in text


@pytest.mark.parametrize(
    ("verb", "members", "text"),
    [
        ("put", {"MaximumRetryAttempts": 1}, "The function doesn't exist."),
        ("update", {"MaximumRetryAttempts": 1}, "The function doesn't exist."),
        ("list", {}, "The function doesn't exist."),
        ("get", {}, f"The function {OTHER}:$LATEST doesn't have an EventInvokeConfig"),
        ("delete", {}, f"The function {OTHER}:$LATEST doesn't have an EventInvokeConfig"),
    ],
)
def test_a_missing_function(client: Any, verb: str, members: dict[str, Any], text: str) -> None:
    plural = "s" if verb == "list" else ""
    call = getattr(client, f"{verb}_function_event_invoke_config{plural}")
    expected = (404, "ResourceNotFoundException", text)
    assert refusal(call, FunctionName="other", **members) == expected


@pytest.mark.parametrize("verb", ["get", "update", "delete"])
@pytest.mark.parametrize("qualifier", [None, "1"])
def test_missing_settings(client: Any, verb: str, qualifier: str | None) -> None:
    members: dict[str, Any] = {"MaximumRetryAttempts": 1} if verb == "update" else {}
    if qualifier:
        members["Qualifier"] = qualifier
    call = getattr(client, f"{verb}_function_event_invoke_config")
    text = f"The function {ARN}:{qualifier or '$LATEST'} doesn't have an EventInvokeConfig"
    expected = (404, "ResourceNotFoundException", text)
    assert refusal(call, FunctionName="hello", **members) == expected


def test_a_version_that_does_not_exist_can_have_none(client: Any) -> None:
    call = client.put_function_event_invoke_config
    answer = refusal(call, FunctionName="hello", Qualifier="7", MaximumRetryAttempts=1)
    assert answer == (404, "ResourceNotFoundException", "The function doesn't exist.")


def test_of_two_updates_at_once_both_stay(
    lab: Lab, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=2)
    read = lab.store.read

    def read_and_be_overtaken(*arguments: Any) -> Any:
        found = read(*arguments)
        monkeypatch.undo()
        client.update_function_event_invoke_config(FunctionName="hello", MaximumRetryAttempts=0)
        return found

    monkeypatch.setattr(lab.store, "read", read_and_be_overtaken)
    client.update_function_event_invoke_config(FunctionName="hello", MaximumEventAgeInSeconds=60)
    shown = client.get_function_event_invoke_config(FunctionName="hello")
    assert (shown["MaximumRetryAttempts"], shown["MaximumEventAgeInSeconds"]) == (0, 60)
