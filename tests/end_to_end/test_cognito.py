"""User pools whose triggers are functions."""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

ARN = "arn:aws:lambda:us-east-1:000000000000:function:triggers"
EMAIL = [{"Name": "email", "Value": "ada@example.com"}]
PASSWORD = "Secret-123"
SOURCE = """
import time

def handler(event, context):
    data = event["request"].get("validationData") or {}
    what = data.get("do")
    if what == "raise":
        raise ValueError("no thanks")
    if what == "garbage":
        return "ok"
    if what == "sleep":
        time.sleep(6)
    request, response = event["request"], event["response"]
    match event["triggerSource"].partition("_")[0]:
        case "PreSignUp":
            response["autoConfirmUser"] = what == "confirm"
            response["autoVerifyEmail"] = what == "confirm"
        case "CustomMessage":
            response["emailSubject"] = "Welcome"
            response["emailMessage"] = f"Your code is {request['codeParameter']}"
        case "TokenGeneration" if event["request"]["userAttributes"]["email"] == "odd@example.com":
            response["claimsOverrideDetails"] = "everything"
        case "TokenGeneration":
            response["claimsOverrideDetails"] = {
                "claimsToAddOrOverride": {"tier": "gold", "via": event["triggerSource"]},
                "claimsToSuppress": ["email"],
                "groupOverrideDetails": {"groupsToOverride": ["vip"]},
            }
        case "UserMigration":
            if event["userName"] == "odd":
                response["userAttributes"] = {"email": "odd@example.com"}
                response["finalUserStatus"] = "ODD"
            if event["userName"] == "legacy" and request["password"] == "Secret-123":
                response["userAttributes"] = {"email": "old@example.com", "email_verified": "true"}
                response["finalUserStatus"] = "CONFIRMED"
                response["messageAction"] = "SUPPRESS"
        case "DefineAuthChallenge":
            done = request["session"]
            if done and done[-1]["challengeResult"]:
                response["issueTokens"] = True
            elif len(done) >= 2:
                response["failAuthentication"] = True
            else:
                response["challengeName"] = "CUSTOM_CHALLENGE"
        case "CreateAuthChallenge":
            response["publicChallengeParameters"] = {"question": "6 x 7"}
            response["privateChallengeParameters"] = {"answer": "42"}
            response["challengeMetadata"] = "SUM"
        case "VerifyAuthChallengeResponse":
            right = request["privateChallengeParameters"]["answer"]
            response["answerCorrect"] = request["challengeAnswer"] == right
    return event
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("triggers", SOURCE, "timeout_s = 30")
    with running_emulator(folder.path) as emulator:
        yield emulator


class Pool:
    """A user pool with one app."""

    def __init__(self, emulator: RunningEmulator, **configuration: Any) -> None:
        self.cognito = emulator.client("cognito-idp")
        self.id = self.cognito.create_user_pool(PoolName="p", LambdaConfig=configuration)[
            "UserPool"
        ]["Id"]
        made = self.cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName="app", ReadAttributes=["email"]
        )
        self.app = made["UserPoolClient"]["ClientId"]
        self.emulator = emulator
        self.before = len(emulator.invocations("triggers"))

    def sign_up(self, name: str = "ada", do: str = "") -> Any:
        data = [{"Name": "do", "Value": do}] if do else []
        return self.cognito.sign_up(
            ClientId=self.app,
            Username=name,
            Password=PASSWORD,
            UserAttributes=EMAIL,
            ValidationData=data,
            ClientMetadata={"from": "test"},
        )

    def sign_in(self, name: str = "ada", password: str = PASSWORD) -> Any:
        return self.cognito.initiate_auth(
            ClientId=self.app,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password},
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the function got for this pool, oldest first."""
        records = self.emulator.request("GET", "/_emulator/invocations?function=triggers&limit=999")
        events = [record["event"] for record in reversed(records)]
        return [event for event in events if event["userPoolId"] == self.id]

    @property
    def sources(self) -> list[str]:
        return [event["triggerSource"] for event in self.events]


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_a_pre_sign_up_function_gets_the_event_of_aws_and_confirms(
    running: RunningEmulator,
) -> None:
    pool = Pool(running, PreSignUp=ARN, PostConfirmation=ARN)
    assert pool.sign_up(do="confirm")["UserConfirmed"] is True
    before, after = pool.events
    assert before == {
        "version": "1",
        "triggerSource": "PreSignUp_SignUp",
        "region": "us-east-1",
        "userPoolId": pool.id,
        "userName": "ada",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": pool.app},
        "request": {
            "userAttributes": {"email": "ada@example.com"},
            "validationData": {"do": "confirm"},
            "clientMetadata": {"from": "test"},
        },
        "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    }
    assert after["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    attributes = after["request"]["userAttributes"]
    assert uuid.UUID(attributes.pop("sub"))
    assert attributes == {
        "cognito:user_status": "CONFIRMED",
        "email": "ada@example.com",
        "email_verified": "true",
    }


@pytest.mark.parametrize(
    ("do", "code", "text"),
    [
        ("raise", "UserLambdaValidationException", "PreSignUp failed with error no thanks."),
        ("garbage", "InvalidLambdaResponseException", "Unrecognizable lambda output"),
    ],
)
def test_a_failing_function_stops_the_sign_up(
    running: RunningEmulator, do: str, code: str, text: str
) -> None:
    pool = Pool(running, PreSignUp=ARN)
    with pytest.raises(pool.cognito.exceptions.ClientError) as caught:
        pool.sign_up(do=do)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["Error"]["Message"] == text
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert pool.cognito.list_users(UserPoolId=pool.id)["Users"] == []


def test_a_missing_function_stops_the_sign_up(running: RunningEmulator) -> None:
    pool = Pool(running, PreSignUp=ARN + "-gone")
    with pytest.raises(pool.cognito.exceptions.UnexpectedLambdaException, match="PreSignUp"):
        pool.sign_up()


@pytest.mark.slow
def test_a_function_that_takes_over_five_seconds_is_tried_three_times(
    running: RunningEmulator,
) -> None:
    pool = Pool(running, PreSignUp=ARN)
    with pytest.raises(pool.cognito.exceptions.UnexpectedLambdaException, match="TaskTimedOut"):
        pool.sign_up(do="sleep")
    running.settle()
    assert pool.sources == ["PreSignUp_SignUp"] * 3


def test_messages_are_worded_by_a_function_and_shown(running: RunningEmulator) -> None:
    pool = Pool(running, CustomMessage=ARN)
    pool.sign_up()
    running.wait_for_output("cognito.message user=ada part=emailMessage")
    assert "Your code is {####}" not in running.output
    pool.cognito.admin_create_user(UserPoolId=pool.id, Username="bob", UserAttributes=EMAIL)
    pool.cognito.forgot_password(ClientId=pool.app, Username="ada")
    assert pool.sources == [
        "CustomMessage_SignUp",
        "CustomMessage_AdminCreateUser",
        "CustomMessage_ForgotPassword",
    ]


def test_signing_in_asks_before_and_after_and_for_the_tokens(running: RunningEmulator) -> None:
    pool = Pool(running, PreAuthentication=ARN, PostAuthentication=ARN, PreTokenGeneration=ARN)
    pool.sign_up()
    pool.cognito.admin_confirm_sign_up(UserPoolId=pool.id, Username="ada")
    tokens = pool.sign_in()["AuthenticationResult"]
    assert sorted(pool.sources) == [
        "PostAuthentication_Authentication",
        "PreAuthentication_Authentication",
        "TokenGeneration_Authentication",
    ]
    identity = claims(tokens["IdToken"])
    assert (identity["tier"], identity["cognito:groups"]) == ("gold", ["vip"])
    assert "email" not in identity
    assert "tier" not in claims(tokens["AccessToken"])
    again = pool.cognito.initiate_auth(
        ClientId=pool.app,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
    )["AuthenticationResult"]
    assert claims(again["IdToken"])["via"] == "TokenGeneration_RefreshTokens"


def test_a_wrong_password_is_no_sign_in(running: RunningEmulator) -> None:
    pool = Pool(running, PreAuthentication=ARN, PostAuthentication=ARN)
    pool.sign_up()
    pool.cognito.admin_confirm_sign_up(UserPoolId=pool.id, Username="ada")
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException):
        pool.sign_in(password="Wrong-1234")
    assert pool.sources == ["PreAuthentication_Authentication"]


def test_an_unknown_user_is_taken_over_from_where_a_function_finds_him(
    running: RunningEmulator,
) -> None:
    pool = Pool(running, UserMigration=ARN)
    assert "AuthenticationResult" in pool.sign_in("legacy")
    user = pool.cognito.admin_get_user(UserPoolId=pool.id, Username="legacy")
    assert user["UserStatus"] == "CONFIRMED"
    assert {"Name": "email", "Value": "old@example.com"} in user["UserAttributes"]
    pool.sign_in("legacy")
    assert pool.sources == ["UserMigration_Authentication"]
    with pytest.raises(pool.cognito.exceptions.UserNotFoundException):
        pool.sign_in("nobody")


def test_answers_that_no_trigger_may_give_are_refused_as_in_aws(running: RunningEmulator) -> None:
    pool = Pool(running, UserMigration=ARN, PreTokenGeneration=ARN)
    refusal = pool.cognito.exceptions.InvalidLambdaResponseException
    with pytest.raises(refusal, match="Unrecognizable lambda output"):
        pool.sign_in("odd")
    email = [{"Name": "email", "Value": "odd@example.com"}]
    pool.cognito.sign_up(ClientId=pool.app, Username="bob", Password=PASSWORD, UserAttributes=email)
    pool.cognito.admin_confirm_sign_up(UserPoolId=pool.id, Username="bob")
    with pytest.raises(refusal, match="Unrecognizable lambda output"):
        pool.sign_in("bob")


def test_signing_in_without_a_name_is_refused(running: RunningEmulator) -> None:
    pool = Pool(running)
    with pytest.raises(pool.cognito.exceptions.InvalidParameterException, match="USERNAME"):
        pool.cognito.initiate_auth(ClientId=pool.app, AuthFlow="USER_PASSWORD_AUTH")


def test_custom_challenges_are_defined_created_and_verified(running: RunningEmulator) -> None:
    pool = Pool(
        running,
        DefineAuthChallenge=ARN,
        CreateAuthChallenge=ARN,
        VerifyAuthChallengeResponse=ARN,
    )
    pool.sign_up()
    pool.cognito.admin_confirm_sign_up(UserPoolId=pool.id, Username="ada")

    def begin() -> Any:
        return pool.cognito.initiate_auth(
            ClientId=pool.app, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": "ada"}
        )

    def answer(asked: Any, text: str) -> Any:
        return pool.cognito.respond_to_auth_challenge(
            ClientId=pool.app,
            ChallengeName="CUSTOM_CHALLENGE",
            Session=asked["Session"],
            ChallengeResponses={"USERNAME": "ada", "ANSWER": text},
        )

    asked = begin()
    assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert asked["ChallengeParameters"] == {"USERNAME": "ada", "question": "6 x 7"}
    assert "AuthenticationResult" in answer(asked, "42")
    again = answer(begin(), "41")
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException):
        answer(again, "43")
    results = [
        each["challengeResult"]
        for event in pool.events
        if event["triggerSource"].startswith("DefineAuthChallenge")
        for each in event["request"]["session"][-1:]
    ]
    assert results == [True, False, False]
