"""InvokeWithResponseStream over HTTP, with boto3 as the client."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.model import Status
from tests.api.lab import Lab, result_of

PATH = "/2021-11-15/functions/hello/response-streaming-invocations"
ERROR = b'{"errorType":"Oops","errorMessage":"half way"}'

Create = Callable[..., Any]


@pytest.fixture(autouse=True)
def function(create: Create) -> None:
    create(Publish=True)


def stream(client: Any, **members: Any) -> tuple[Any, bytes, dict[str, Any]]:
    """The answer's own members, all chunks together, and how it ended."""
    request = {"FunctionName": "hello", "Payload": b"{}", **members}
    answer = client.invoke_with_response_stream(**request)
    events = list(answer["EventStream"])
    chunks = [event["PayloadChunk"]["Payload"] for event in events[:-1]]
    return answer, b"".join(chunks), events[-1]["InvokeComplete"]


def failed(error_type: str) -> Callable[..., Any]:
    return lambda _: result_of(
        ERROR, function_error="Unhandled", status=Status.ERROR, error_type=error_type
    )


def test_chunks_come_in_frames_and_the_end_says_that_all_went_well(lab: Lab, client: Any) -> None:
    lab.invoker.chunks = (b"one ", b"two")
    answer, body, end = stream(client)
    assert body == b"one two"
    assert end == {}
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-requestid"] == "6c1b0000-0000-4000-8000-000000000000"
    assert headers["x-amzn-trace-id"].startswith("root=1-")


def test_the_answer_of_a_handler_that_does_not_stream_comes_whole(client: Any) -> None:
    assert stream(client, Payload=b'{"n": 1}')[1:] == (b'{"n": 1}', {})


def test_no_body_is_an_empty_event(lab: Lab, client: Any) -> None:
    stream(client, Payload=b"")
    assert lab.invoker.ran[0].payload == b"{}"


@pytest.mark.parametrize(
    ("error_type", "code"),
    [("Sandbox.Timedout", "Sandbox.Timedout"), ("Runtime.Unknown", "Unhandled")],
)
def test_a_function_that_failed_says_so_at_the_end(
    lab: Lab, client: Any, error_type: str, code: str
) -> None:
    lab.invoker.answer = failed(error_type)
    assert stream(client)[1:] == (
        b"",
        {"ErrorCode": code, "ErrorDetails": ERROR.decode()},
    )
    lab.invoker.chunks = (b"half",)
    assert stream(client)[1:] == (
        b"half",
        {"ErrorCode": code, "ErrorDetails": ERROR.decode()},
    )


def test_the_log_comes_with_the_end(client: Any) -> None:
    end = stream(client, LogType="Tail")[2]
    assert base64.b64decode(end["LogResult"]) == b"START\nEND\nREPORT\n"


def test_the_call_is_read_as_that_of_invoke(lab: Lab, client: Any) -> None:
    context = base64.b64encode(b'{"custom": {}}').decode()
    stream(client, FunctionName="hello:1", Qualifier="1", ClientContext=context)
    [call] = lab.invoker.ran
    assert (call.function, call.qualifier, call.client_context) == (
        "hello:1",
        "1",
        '{"custom": {}}',
    )


def test_a_dry_run_runs_nothing(lab: Lab) -> None:
    headers = {"X-Amz-Invocation-Type": "DryRun"}
    status, _, body = lab.http("POST", PATH, b"{}", headers)
    assert (status, body) == (204, b"")
    assert lab.invoker.ran == []


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        ({"FunctionName": "missing"}, "ResourceNotFoundException", "Function not found: "),
        ({"Payload": b"no json"}, "InvalidRequestContentException", "Could not parse"),
        ({"Qualifier": "a b"}, "ValidationException", "at 'qualifier' failed"),
        ({"LogType": "Head"}, "ValidationException", "at 'logType' failed"),
        ({"InvocationType": "Event"}, "ValidationException", "Value 'Event' at 'invocationType'"),
        ({"TenantId": "a\\b"}, "ValidationException", "at 'tenantId' failed"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_before_the_first_byte(
    lab: Lab, client: Any, members: dict[str, Any], code: str, text: str
) -> None:
    with pytest.raises(ClientError, match=text) as caught:
        stream(client, **members)
    assert caught.value.response["Error"]["Code"] == code
    assert lab.invoker.ran == []


def test_only_the_types_of_the_operation_are_named(lab: Lab) -> None:
    status, headers, body = lab.http("POST", PATH, b"{}", {"X-Amz-Invocation-Type": "Event"})
    assert (status, headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    message = json.loads(body)["message"]
    assert "RequestResponse" in message
    assert "DryRun" in message
