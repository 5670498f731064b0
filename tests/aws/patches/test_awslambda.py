"""moto's services find our functions, and wait for them without a lock."""

import json
from typing import Any

import pytest

from emulator.model import Call
from tests.aws.conftest import Aws, Client

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:rotate"


@pytest.fixture
def secrets(client: Client) -> Any:
    return client("secretsmanager")


def test_a_function_that_is_called_may_call_the_service_that_waits_for_it(
    aws: Aws, client: Client, secrets: Any
) -> None:
    steps: list[str] = []
    inner = client("secretsmanager")

    def rotate(call: Call) -> bytes:
        event = json.loads(call.payload)
        assert inner.describe_secret(SecretId=event["SecretId"])["RotationEnabled"]
        steps.append(event["Step"])
        return b"null"

    aws.functions.arns.add(FUNCTION)
    aws.functions.answer = rotate
    secrets.create_secret(Name="it", SecretString="x")
    rules = {"AutomaticallyAfterDays": 30}
    secrets.rotate_secret(SecretId="it", RotationLambdaARN=FUNCTION, RotationRules=rules)
    assert steps == ["createSecret", "setSecret", "testSecret", "finishSecret"]


def test_a_function_that_is_not_there_is_not_found(secrets: Any) -> None:
    secrets.create_secret(Name="it", SecretString="x")
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.rotate_secret(SecretId="it", RotationLambdaARN=FUNCTION)
