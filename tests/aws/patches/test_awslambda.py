"""moto's services find our functions, and wait for them without a lock."""

import json
from typing import Any

import pytest

from emulator.model import Call
from tests.aws.conftest import Aws, Client

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:check"


def test_a_function_that_is_called_may_call_the_service_that_waits_for_it(
    aws: Aws, client: Client
) -> None:
    inner, cognito = client("cognito-idp"), client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p", LambdaConfig={"PreSignUp": FUNCTION})
    pool_id = pool["UserPool"]["Id"]
    app = cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="a")["UserPoolClient"]
    users: list[Any] = []

    def check(call: Call) -> bytes:
        users.append(inner.list_users(UserPoolId=pool_id)["Users"])
        event = json.loads(call.payload)
        return json.dumps({**event, "response": {"autoConfirmUser": True}}).encode()

    aws.functions.arns.add(FUNCTION)
    aws.functions.answer = check
    answer = cognito.sign_up(ClientId=app["ClientId"], Username="ada", Password="Secret-123")
    assert (users, answer["UserConfirmed"]) == ([[]], True)


def test_a_function_that_is_not_there_is_not_found(client: Client) -> None:
    secrets = client("secretsmanager")
    secrets.create_secret(Name="it", SecretString="x")
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.rotate_secret(SecretId="it", RotationLambdaARN=FUNCTION)
