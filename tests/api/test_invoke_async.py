"""InvokeAsync, the old operation."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.lab import ACCOUNT, Lab
from tests.api.test_policy_operations import refusal

PATH = "/2014-11-13/functions/hello/invoke-async"

Create = Callable[..., Any]


@pytest.fixture(autouse=True)
def function(create: Create) -> None:
    create(Publish=True)


@pytest.mark.parametrize(
    ("arguments", "event"), [(b'{"a": 1}', b'{"a": 1}'), (b"[]", b"[]"), (b"", b"{}")]
)
def test_an_event_is_accepted(lab: Lab, client: Any, arguments: bytes, event: bytes) -> None:
    answer = client.invoke_async(FunctionName="hello:1", InvokeArgs=arguments)
    assert answer["Status"] == answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    (call,) = lab.invoker.accepted
    assert (call.account, call.function, call.qualifier) == (ACCOUNT, "hello:1", None)
    assert call.payload == event
    assert call.request_id == answer["ResponseMetadata"]["RequestId"]
    assert lab.invoker.ran == []


def test_old_sdks_end_the_path_with_a_slash(lab: Lab) -> None:
    for path in (PATH, f"{PATH}/"):
        assert lab.http("POST", path, b"{}")[0] == 202
    assert len(lab.invoker.accepted) == 2


def test_neither_a_qualifier_nor_a_trace_is_taken(lab: Lab) -> None:
    trace = {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678;Sampled=1"}
    assert lab.http("POST", f"{PATH}?Qualifier=1", b"{}", trace)[0] == 202
    (call,) = lab.invoker.accepted
    assert (call.qualifier, call.trace_header) == (None, None)


def test_what_cannot_be_an_event_is_refused(client: Any) -> None:
    def send(arguments: bytes, name: str = "hello") -> tuple[int, str, str]:
        return refusal(client.invoke_async, FunctionName=name, InvokeArgs=arguments)

    status, code, text = send(b'"' + b"x" * 262_143 + b'"')
    assert (status, code) == (413, "RequestEntityTooLargeException")
    assert "262144 bytes" in text
    assert send(b"not JSON")[:2] == (400, "InvalidRequestContentException")
    assert send(b"{}", "other")[:2] == (404, "ResourceNotFoundException")


def test_an_event_of_the_largest_size_is_accepted(client: Any) -> None:
    arguments = b'"' + b"x" * 262_142 + b'"'
    assert client.invoke_async(FunctionName="hello", InvokeArgs=arguments)["Status"] == 202
