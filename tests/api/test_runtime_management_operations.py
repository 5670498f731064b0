from typing import Any

import pytest

from tests.api.function_answers import Create, refusal, shown
from tests.api.lab import ACCOUNT

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
RUNTIME = f"arn:aws:lambda:us-east-1::runtime:{'7' * 64}"


def test_runtimes_are_updated_automatically_unless_told_otherwise(
    create: Create, client: Any
) -> None:
    create()
    found = client.get_runtime_management_config(FunctionName="hello")
    assert shown(found) == {"UpdateRuntimeOn": "Auto", "FunctionArn": ARN}


def test_each_version_has_its_own_mode(create: Create, client: Any) -> None:
    create(Publish=True)
    put = client.put_runtime_management_config(
        FunctionName="hello", Qualifier="1", UpdateRuntimeOn="FunctionUpdate"
    )
    expected = {"UpdateRuntimeOn": "FunctionUpdate", "FunctionArn": f"{ARN}:1"}
    assert shown(put) == expected
    found = client.get_runtime_management_config(FunctionName="hello", Qualifier="1")
    assert shown(found) == expected
    latest = client.get_runtime_management_config(FunctionName="hello")
    assert latest["UpdateRuntimeOn"] == "Auto"


def test_a_runtime_version_is_shown_until_another_mode_is_set(create: Create, client: Any) -> None:
    usual = create()["RuntimeVersionConfig"]
    client.put_runtime_management_config(
        FunctionName="hello", UpdateRuntimeOn="Manual", RuntimeVersionArn=RUNTIME
    )
    client.update_function_configuration(FunctionName="hello", Description="another")
    found = client.get_runtime_management_config(FunctionName="hello")
    assert found["RuntimeVersionArn"] == RUNTIME
    configuration = client.get_function_configuration(FunctionName="hello")
    assert configuration["RuntimeVersionConfig"] == {"RuntimeVersionArn": RUNTIME}
    client.put_runtime_management_config(FunctionName="hello", UpdateRuntimeOn="Auto")
    assert "RuntimeVersionArn" not in client.get_runtime_management_config(FunctionName="hello")
    configuration = client.get_function_configuration(FunctionName="hello")
    assert configuration["RuntimeVersionConfig"] == usual


def test_another_mode_makes_no_new_version(create: Create, client: Any) -> None:
    create(Publish=True)
    client.put_runtime_management_config(FunctionName="hello", UpdateRuntimeOn="FunctionUpdate")
    assert client.publish_version(FunctionName="hello")["Version"] == "1"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"UpdateRuntimeOn": "Manual"}, 400, "InvalidParameterValueException"),
        (
            {"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": RUNTIME},
            400,
            "InvalidParameterValueException",
        ),
        ({"UpdateRuntimeOn": "Auto", "Qualifier": "7"}, 404, "ResourceNotFoundException"),
        (
            {"UpdateRuntimeOn": "Auto", "FunctionName": "other"},
            404,
            "ResourceNotFoundException",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    create: Create, client: Any, request_: dict[str, Any], status: int, code: str
) -> None:
    create()
    refused = refusal(client.put_runtime_management_config, **{"FunctionName": "hello", **request_})
    assert refused[:2] == (status, code)
