"""What a function answers, however odd."""

import json

import pytest

from emulator.durable.envelope import Output, failure_payload, function_failure, output_of
from emulator.durable.operation import ErrorObject


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ({"Status": "PENDING"}, Output(status="PENDING")),
        ({"Status": "SUCCEEDED", "Result": "1"}, Output(status="SUCCEEDED", result="1")),
        ({"Status": "SUCCEEDED", "Result": "a\ud800"}, Output(status="SUCCEEDED", result="a?")),
        (
            {"Status": "FAILED", "Error": {"ErrorMessage": 5, "StackTrace": ["a", 1]}},
            Output(status="FAILED", error=ErrorObject(message="5", stack_trace=("a", "1"))),
        ),
        (
            {"Status": "FAILED", "Error": {"ErrorData": "\udfff", "StackTrace": 7}},
            Output(status="FAILED", error=ErrorObject(data="?")),
        ),
    ],
)
def test_an_answer_becomes_texts_that_can_be_sent(
    answer: dict[str, object], output: Output
) -> None:
    assert output_of(json.dumps(answer).encode()) == output


@pytest.mark.parametrize(
    "answer", [None, [], "text", {}, {"Status": "FAILED", "Error": "text"}, {"Status": ["FAILED"]}]
)
def test_other_answers_are_refused(answer: object) -> None:
    with pytest.raises(ValueError, match="Invalid invocation output"):
        output_of(json.dumps(answer).encode())


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (
            b'{"errorMessage": "\\ud800", "errorType": "T", "stackTrace": ["l"]}',
            ErrorObject(message="?", type="T", stack_trace=("l",)),
        ),
        (b'{"errorMessage": 5, "stackTrace": 5}', ErrorObject(message="5")),
        (b"\xff", ErrorObject(message="\ufffd")),
        (b"[]", ErrorObject(message="[]")),
    ],
)
def test_what_a_function_raised_can_be_told(payload: bytes, error: ErrorObject) -> None:
    assert function_failure(payload) == error
    assert json.loads(failure_payload(error))["errorMessage"] == error.message
