"""Invocation records and dead letters, member by member."""

import json
import re
from typing import Any

import pytest

from emulator.invoke.ending import Answer, Ending, dead_letter_message, destination_message
from emulator.invoke.event_queue import QueuedEvent
from emulator.invoke.retry import Condition
from emulator.model import (
    Call,
    EventInvokeConfig,
    FunctionVersion,
    LambdaError,
    ResolvedFunction,
    function_arn,
)
from tests.invoke.conftest import CODE

ACCOUNT, REGION = "111111111111", "us-east-1"
ARN = function_arn(ACCOUNT, REGION, "orders")
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
BUCKET = "arn:aws:s3:::failures"
AT = 1_763_719_200.123  # 2025-11-21T10:00:00.123Z
FAILURE = Answer(
    payload=b'{"errorMessage": "no stock", "errorType": "KeyError"}',
    executed_version="7",
    function_error="Unhandled",
)
THROTTLED = LambdaError("TooManyRequestsException", "Rate Exceeded.")


def event(attempts: int = 3, payload: bytes = b'{"ORDER_IDS": ["\xc3\xa4", 1.5]}') -> QueuedEvent:
    return QueuedEvent(
        request_id="6c1b",
        call=Call(account=ACCOUNT, region=REGION, function="orders", payload=payload),
        function_arn=ARN,
        trace_header="Root=1",
        accepted_at=AT,
        accepted_s=0.0,
        attempts=attempts,
    )


def resolved(
    qualifier: str | None = None,
    on_success: str | None = None,
    on_failure: str | None = None,
    dead_letter_arn: str | None = None,
) -> ResolvedFunction:
    return ResolvedFunction(
        version=FunctionVersion(
            account=ACCOUNT,
            region=REGION,
            name="orders",
            deployment=1,
            runtime="python3.12",
            handler="app.handler",
            role="",
            code=CODE,
            dead_letter_arn=dead_letter_arn,
        ),
        invoked_arn=function_arn(ACCOUNT, REGION, "orders", qualifier),
        invoke_config=EventInvokeConfig(on_success=on_success, on_failure=on_failure),
    )


def record(ending: Ending, *, qualifier: str | None = None, **members: Any) -> dict[str, Any]:
    function = resolved(qualifier, on_success=QUEUE, on_failure=QUEUE)
    message = destination_message(event(**members), function, ending, AT)
    assert message is not None
    document: dict[str, Any] = json.loads(message.body)
    return document


def test_a_failure_is_recorded_with_all_its_members_in_order() -> None:
    found = record(Ending(condition=Condition.RETRIES_EXHAUSTED, answer=FAILURE))
    wanted = {
        "version": "1.0",
        "timestamp": "2025-11-21T10:00:00.123Z",
        "requestContext": {
            "requestId": "6c1b",
            "functionArn": f"{ARN}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"ORDER_IDS": ["ä", 1.5]},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "7",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorMessage": "no stock", "errorType": "KeyError"},
    }
    assert json.dumps(found) == json.dumps(wanted)  # the order counts, too


def test_a_success_has_no_function_error() -> None:
    answer = Answer(payload=b"null", executed_version="$LATEST", function_error=None)
    found = record(Ending(condition=Condition.SUCCESS, answer=answer), attempts=1)
    assert found["requestContext"]["condition"] == "Success"
    assert found["requestContext"]["approximateInvokeCount"] == 1
    assert found["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert found["responsePayload"] is None


@pytest.mark.parametrize(
    "condition", [Condition.ZERO_RESERVED_CONCURRENCY, Condition.EVENT_AGE_EXCEEDED]
)
def test_what_never_ran_has_no_response(condition: Condition) -> None:
    found = record(Ending(condition=condition, refusal=THROTTLED), attempts=0)
    assert list(found) == ["version", "timestamp", "requestContext", "requestPayload"]
    assert found["requestContext"]["condition"] == condition.value
    assert found["requestContext"]["approximateInvokeCount"] == 0


def test_the_last_error_is_kept_when_the_age_ends_it() -> None:
    ending = Ending(condition=Condition.EVENT_AGE_EXCEEDED, answer=FAILURE, refusal=THROTTLED)
    found = record(ending, attempts=1)
    assert found["responsePayload"]["errorMessage"] == "no stock"
    assert found["responseContext"]["functionError"] == "Unhandled"


@pytest.mark.parametrize("qualifier", ["$LATEST", "7", "prod"])
def test_the_function_is_named_with_the_qualifier_of_the_caller(qualifier: str) -> None:
    ending = Ending(condition=Condition.RETRIES_EXHAUSTED, answer=FAILURE)
    found = record(ending, qualifier=qualifier)
    assert found["requestContext"]["functionArn"] == f"{ARN}:{qualifier}"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"\xffPNG", "\ufffdPNG"),
        (b"NaN", "NaN"),  # Python's json would take it, and nobody else
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_an_answer_that_is_no_json_is_a_text(payload: bytes, text: str) -> None:
    answer = Answer(payload=payload, executed_version="1", function_error=None)
    found = record(Ending(condition=Condition.SUCCESS, answer=answer))
    assert found["responsePayload"] == text


@pytest.mark.parametrize(
    ("condition", "target_arn", "detail_type"),
    [
        (Condition.SUCCESS, QUEUE, "Lambda Function Invocation Result - Success"),
        (Condition.RETRIES_EXHAUSTED, BUCKET, "Lambda Function Invocation Result - Failure"),
    ],
)
def test_each_ending_has_its_destination(
    condition: Condition, target_arn: str, detail_type: str
) -> None:
    function = resolved("7", on_success=QUEUE, on_failure=BUCKET)
    ending = Ending(condition=condition, answer=FAILURE)
    message = destination_message(event(), function, ending, AT)
    assert message is not None
    assert (message.target_arn, message.detail_type) == (target_arn, detail_type)
    assert (message.account, message.region) == (ACCOUNT, REGION)
    assert (message.trace_header, message.cause) == ("Root=1", "6c1b")
    assert message.resources == (f"{ARN}:7",)
    assert message.attributes == {}
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    key = rf"aws/lambda/async/orders/2025/11/21/2025-11-21T10\.00\.00-{uuid}"
    assert re.fullmatch(key if target_arn == BUCKET else "", message.object_key)


def test_without_a_destination_there_is_no_record() -> None:
    ending = Ending(condition=Condition.SUCCESS, answer=FAILURE)
    assert destination_message(event(), resolved(on_failure=QUEUE), ending, AT) is None


def dead_letter(ending: Ending) -> Any:
    return dead_letter_message(event(), resolved(dead_letter_arn=QUEUE), ending)


@pytest.mark.parametrize(
    ("ending", "code", "text"),
    [
        (Ending(condition=Condition.RETRIES_EXHAUSTED, answer=FAILURE), "200", "no stock"),
        (
            Ending(condition=Condition.ZERO_RESERVED_CONCURRENCY, refusal=THROTTLED),
            "429",
            "Rate Exceeded.",
        ),
        (
            Ending(condition=Condition.EVENT_AGE_EXCEEDED, answer=FAILURE, refusal=THROTTLED),
            "429",
            "Rate Exceeded.",
        ),
    ],
)
def test_a_dead_letter_is_the_event_and_says_why(ending: Ending, code: str, text: str) -> None:
    message = dead_letter(ending)
    assert message.target_arn == QUEUE
    assert message.body.encode() == event().call.payload
    assert message.attributes == {
        "RequestID": ("String", "6c1b"),
        "ErrorCode": ("Number", code),
        "ErrorMessage": ("String", text),
    }


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (json.dumps({"errorMessage": "x" * 2000}).encode(), "x" * 1024),
        (json.dumps({"errorMessage": "x" + "ä" * 1000}).encode(), "x" + "ä" * 511),
        (b'{"errorMessage": ""}', "Unhandled"),
        (b"[]", "Unhandled"),
        (b"no json", "Unhandled"),
        (b'{"errorMessage": "no file \\udcff"}', "no file ?"),  # of surrogateescape
    ],
)
def test_the_error_message_is_a_kilobyte_and_never_empty(payload: bytes, text: str) -> None:
    answer = Answer(payload=payload, executed_version="1", function_error="Unhandled")
    ending = Ending(condition=Condition.RETRIES_EXHAUSTED, answer=answer)
    assert dead_letter(ending).attributes["ErrorMessage"] == ("String", text)


def test_a_success_is_no_dead_letter() -> None:
    assert dead_letter(Ending(condition=Condition.SUCCESS, answer=FAILURE)) is None
    ending = Ending(condition=Condition.RETRIES_EXHAUSTED, answer=FAILURE)
    assert dead_letter_message(event(), resolved(), ending) is None
