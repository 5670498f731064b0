"""Every operation, with requests made of the service model: the least, and each one too wrong."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.api import LambdaApi
from emulator.api.coverage import built_operations
from emulator.api.service_model import service_model
from tests.api.in_process import InProcess
from tests.api.lab import ACCOUNT, Lab
from tests.api.minimal_requests import MINIMAL, NEED_AN_EXECUTION, NOT_BUILT, Made
from tests.api.model_requests import minimal, violations

OPERATIONS = sorted(service_model().operation_names)
BUILT = sorted(built_operations())
INVOCATIONS = {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}


@pytest.fixture(scope="module")
def api(shared_lab: Lab) -> InProcess:
    return InProcess(shared_lab.wsgi, ACCOUNT)


@pytest.fixture
def made(shared_lab: Lab, api: InProcess, operation: str) -> Made:
    """In an account that only this operation's test has."""
    api.account = f"{OPERATIONS.index(operation) + 1:012}"
    return Made(shared_lab, api)


def refusal(api: InProcess, operation: str, request: dict[str, Any]) -> tuple[int, str, str] | None:
    """Status, code and text of a refusal; None when there is none."""
    try:
        api.call(operation, request)
    except ClientError as error:
        response: Any = error.response
        status = response["ResponseMetadata"]["HTTPStatusCode"]
        return status, response["Error"]["Code"], response["Error"]["Message"]
    return None


def test_every_operation_is_built_and_has_a_request() -> None:
    assert set(OPERATIONS) - set(BUILT) == NOT_BUILT
    assert sorted({*MINIMAL, *NEED_AN_EXECUTION}) == OPERATIONS


@pytest.mark.parametrize("operation", sorted(set(BUILT) - NEED_AN_EXECUTION))
def test_the_least_request_is_answered_as_the_model_says(
    api: InProcess, made: Made, operation: str
) -> None:
    # The client refuses an answer that is not of the model's form: tests/api/output_shape.py.
    api.call(operation, dict(MINIMAL[operation](made)))


def test_what_is_not_built_names_itself(shared_lab: Lab) -> None:
    nothing = InProcess(LambdaApi({}, shared_lab.invoker, shared_lab.clock).wsgi, ACCOUNT)
    for operation in sorted(set(OPERATIONS) - INVOCATIONS):
        request = minimal(service_model().operation_model(operation))
        answer = refusal(nothing, operation, request)
        assert answer is not None
        assert answer[:2] == (501, "NotImplemented")
        assert operation in answer[2]


@pytest.mark.parametrize("operation", BUILT)
def test_each_broken_constraint_is_named(api: InProcess, operation: str) -> None:
    assert list(unnamed(api, operation)) == []


def unnamed(api: InProcess, operation: str) -> Iterator[str]:
    """The broken constraints that the answer does not name as Lambda does."""
    for request, broken in violations(service_model().operation_model(operation)):
        answer = refusal(api, operation, request)
        text = f"at '{broken.path}' failed to satisfy constraint: {broken.constraint}"
        if broken.shown is not None:
            text = f"Value {broken.shown} {text}"
        if (
            answer is None
            or answer[:2] != (400, "ValidationException")
            or not re.match(r"\d+ validation errors? detected: Value ", answer[2])
            or text not in answer[2]
        ):
            yield f"{text}: {answer and answer[1:]}"[:300]
