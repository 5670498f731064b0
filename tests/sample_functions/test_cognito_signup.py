import json
from typing import Any

import pytest

from tests.running_emulator import RunningEmulator

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:cognito_signup"


def sign_up(emulator: RunningEmulator, email: str) -> Any:
    cognito = emulator.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="staff", LambdaConfig={"PreSignUp": FUNCTION, "PostConfirmation": FUNCTION}
    )["UserPool"]
    app = cognito.create_user_pool_client(UserPoolId=pool["Id"], ClientName="app")
    return cognito.sign_up(
        ClientId=app["UserPoolClient"]["ClientId"],
        Username="ada",
        Password="Secret-123",
        UserAttributes=[{"Name": "email", "Value": email}],
    )


def test_one_of_us_is_confirmed_and_gets_a_profile(emulator: RunningEmulator) -> None:
    assert sign_up(emulator, "ada@example.com")["UserConfirmed"] is True
    stored = emulator.client("s3").get_object(Bucket="profiles", Key="ada.json")["Body"]
    assert json.load(stored) == {"name": "ada", "email": "ada@example.com"}


def test_somebody_else_is_told_why_not(emulator: RunningEmulator) -> None:
    cognito = emulator.client("cognito-idp")
    with pytest.raises(
        cognito.exceptions.UserLambdaValidationException,
        match=r"^.*PreSignUp failed with error eve@evil\.org is not one of us\.$",
    ):
        sign_up(emulator, "eve@evil.org")
