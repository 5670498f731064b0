"""What operations on functions answer, as tests compare it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.api.lab import ACCOUNT

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

Create = Callable[..., Any]


def refusal(call: Callable[..., Any], **request: Any) -> tuple[int, str, str]:
    """Status, code and text of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response: Any = caught.value.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
