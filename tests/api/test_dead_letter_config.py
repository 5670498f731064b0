"""DeadLetterConfig of a function."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.lab import ACCOUNT
from tests.api.test_policy_operations import refusal

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:failed"


def test_a_dead_letter_queue_is_set_kept_by_versions_and_cleared(
    create: Callable[..., Any], client: Any
) -> None:
    made = create(DeadLetterConfig={"TargetArn": QUEUE}, Publish=True)
    assert made["DeadLetterConfig"] == {"TargetArn": QUEUE}
    cleared = client.update_function_configuration(
        FunctionName="hello", DeadLetterConfig={"TargetArn": ""}
    )
    assert "DeadLetterConfig" not in cleared
    version = client.get_function_configuration(FunctionName="hello", Qualifier="1")
    assert version["DeadLetterConfig"] == {"TargetArn": QUEUE}


@pytest.mark.parametrize(
    ("target_arn", "message"),
    [
        (
            "arn:aws:sqs:us-east-1:000000000000:missing",
            "The provided execution role does not have permissions to call SendMessage on SQS",
        ),
        (
            "arn:aws:sns:us-east-1:000000000000:missing",
            "The provided execution role does not have permissions to call Publish on SNS",
        ),
        ("arn:aws:lambda:us-east-1:000000000000:function:other", None),
    ],
)
def test_a_dead_letter_queue_must_be_there(
    create: Callable[..., Any], client: Any, target_arn: str, message: str | None
) -> None:
    config = {"TargetArn": target_arn}
    answers = [refusal(create, name="refused", DeadLetterConfig=config)]
    create()
    update = client.update_function_configuration
    answers.append(refusal(update, FunctionName="hello", DeadLetterConfig=config))
    for status, code, text in answers:
        assert (status, code) == (400, "InvalidParameterValueException")
        assert message is None or text == message
