"""Reserved concurrency and recursive loops of a function, as the API sets them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.lab import ACCOUNT, Lab
from tests.api.test_policy_operations import refusal

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
ONLY_FUNCTIONS = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support"
    " this operation. Please specify either a function name or an unqualified function ARN."
)

Create = Callable[..., Any]


@pytest.fixture(autouse=True)
def function(create: Create) -> None:
    create(Publish=True)


def reserved(client: Any, name: str = "hello") -> Any:
    answer = client.get_function_concurrency(FunctionName=name)
    return answer.get("ReservedConcurrentExecutions")


def test_concurrency_is_reserved_shown_and_given_back(client: Any, lab: Lab) -> None:
    assert reserved(client) is None
    put = client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=0)
    assert put["ReservedConcurrentExecutions"] == 0
    assert reserved(client) == 0
    shown = client.get_function(FunctionName="hello")["Concurrency"]
    assert shown == {"ReservedConcurrentExecutions": 0}
    assert lab.store.resolve(ACCOUNT, "us-east-1", "hello", "1").reserved_concurrency == 0
    deleted = client.delete_function_concurrency(FunctionName="hello")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert reserved(client) is None
    assert "Concurrency" not in client.get_function(FunctionName="hello")


def test_a_hundred_must_be_left_for_the_account(client: Any, create: Create) -> None:
    create("other")

    def put(name: str, executions: int) -> Any:
        return client.put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=executions
        )

    put("hello", 500)
    put("hello", 600)  # its own reservation does not count against it
    put("other", 300)
    message = (
        "Specified ReservedConcurrentExecutions for function decreases account's"
        " UnreservedConcurrentExecution below its minimum value of [100]."
    )
    expected = (400, "InvalidParameterValueException", message)
    assert refusal(lambda: put("other", 301)) == expected
    assert reserved(client, "other") == 300
    client.delete_function(FunctionName="hello")
    put("other", 900)


def test_reservations_of_an_account_are_known_to_each_of_its_functions(
    client: Any, create: Create, lab: Lab
) -> None:
    create("other")
    client.put_function_concurrency(FunctionName="hello", ReservedConcurrentExecutions=40)
    client.put_function_concurrency(FunctionName="other", ReservedConcurrentExecutions=2)
    assert lab.store.resolve(ACCOUNT, "us-east-1", "hello", None).account_reserved == 42
    client.delete_function(FunctionName="hello")
    assert lab.store.resolve(ACCOUNT, "us-east-1", "other", None).account_reserved == 2


def test_an_unknown_function_has_no_concurrency(client: Any) -> None:
    answer = refusal(
        client.put_function_concurrency, FunctionName="none", ReservedConcurrentExecutions=1
    )
    text = f"Function not found: arn:aws:lambda:us-east-1:{ACCOUNT}:function:none:$LATEST"
    assert answer == (404, "ResourceNotFoundException", text)
    for call in (client.get_function_concurrency, client.delete_function_concurrency):
        assert refusal(call, FunctionName="none")[:2] == (404, "ResourceNotFoundException")


def test_only_functions_reserve_concurrency(client: Any) -> None:
    answer = refusal(
        client.put_function_concurrency, FunctionName="hello:1", ReservedConcurrentExecutions=1
    )
    assert answer == (400, "InvalidParameterValueException", ONLY_FUNCTIONS)


def test_a_loop_is_stopped_unless_it_is_allowed(client: Any, lab: Lab) -> None:
    def may_recurse() -> bool:
        return lab.store.resolve(ACCOUNT, "us-east-1", "hello", None).may_recurse

    name = {"FunctionName": "hello"}
    assert client.get_function_recursion_config(**name)["RecursiveLoop"] == "Terminate"
    assert not may_recurse()
    for wanted in ("Allow", "Terminate"):
        put = client.put_function_recursion_config(**name, RecursiveLoop=wanted)
        assert put["RecursiveLoop"] == wanted
        assert client.get_function_recursion_config(**name)["RecursiveLoop"] == wanted
        assert may_recurse() is (wanted == "Allow")


def test_a_loop_is_a_matter_of_functions_and_of_two_words(client: Any) -> None:
    put = client.put_function_recursion_config
    status, code, text = refusal(put, FunctionName="hello", RecursiveLoop="Perhaps")
    assert (status, code) == (400, "ValidationException")
    assert "'recursiveLoop' failed to satisfy constraint: Member must satisfy enum value" in text
    assert refusal(put, FunctionName="hello:1", RecursiveLoop="Allow")[0] == 400
    assert refusal(put, FunctionName="none", RecursiveLoop="Allow")[0] == 404
