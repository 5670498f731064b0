"""Rotation of secrets: which steps run, which labels move, and when a secret is due."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.secrets import SecretRotations
from emulator.model import Call, InvocationResult
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker, answered

ARN = "arn:aws:lambda:us-east-1:000000000000:function:rotate"
DAY_S = 86_400
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> SecretRotations:
    return SecretRotations(surroundings)


@pytest.fixture
def secrets(source: SecretRotations, aws: Aws, client: Client) -> Any:
    source.reset()
    aws.functions.arns.add(ARN)
    aws.functions.policies[ARN] = True
    return client("secretsmanager")


@pytest.fixture
def secret(secrets: Any) -> str:
    arn: str = secrets.create_secret(Name="database", SecretString="first")["ARN"]
    return arn


@pytest.fixture
def rotating(secrets: Any, invoker: FakeInvoker) -> FakeInvoker:
    """A function that does what AWS's templates of rotation functions do."""
    invoker.answer = rotator(secrets)
    return invoker


def rotator(secrets: Any, failing_step: str | None = None) -> Callable[[Call], InvocationResult]:
    def answer(call: Call) -> InvocationResult:
        event = json.loads(call.payload)
        arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
        stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
        assert "AWSPENDING" in stages[token]
        if step == failing_step:
            return answered(b'{"errorMessage":"no"}', "Unhandled")
        if step == "createSecret":
            secrets.put_secret_value(
                SecretId=arn,
                ClientRequestToken=token,
                SecretString=f"value {token}",
                VersionStages=["AWSPENDING"],
            )
        if step == "finishSecret":
            [current] = [each for each, labels in stages.items() if "AWSCURRENT" in labels]
            secrets.update_secret_version_stage(
                SecretId=arn,
                VersionStage="AWSCURRENT",
                MoveToVersionId=token,
                RemoveFromVersionId=current,
            )
        return answered()

    return answer


def settle(source: SecretRotations) -> None:
    assert source.around.activity.wait_idle(5)


def rotate(secrets: Any, source: SecretRotations, secret: str, **more: Any) -> Any:
    answer = secrets.rotate_secret(SecretId=secret, RotationLambdaARN=ARN, **more)
    settle(source)
    return answer


def steps(invoker: FakeInvoker) -> list[str]:
    return [json.loads(call.payload)["Step"] for call in invoker.calls]


def advance(aws: Aws, source: SecretRotations, seconds: float) -> None:
    aws.clock.advance(seconds)
    settle(source)


def test_the_four_steps_run_in_order_with_the_event_of_aws(
    secrets: Any, source: SecretRotations, secret: str, rotating: FakeInvoker
) -> None:
    before = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    token = rotate(secrets, source, "database")["VersionId"]
    assert [json.loads(call.payload) for call in rotating.calls] == [
        {"Step": step, "SecretId": secret, "ClientRequestToken": token} for step in STEPS
    ]
    assert {(call.source, call.cause, call.function) for call in rotating.calls} == {
        ("secretsmanager", token, ARN)
    }
    assert secrets.get_secret_value(SecretId=secret)["SecretString"] == f"value {token}"
    previous = secrets.get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")
    assert (previous["SecretString"], [previous["VersionId"]]) == ("first", list(before))
    described = secrets.describe_secret(SecretId=secret)
    assert described["RotationEnabled"] is True
    assert described["RotationLambdaARN"] == ARN
    assert "LastRotatedDate" in described
    assert "NextRotationDate" not in described


def test_a_token_of_the_caller_becomes_the_version(
    secrets: Any, source: SecretRotations, secret: str, rotating: FakeInvoker
) -> None:
    token = "a" * 32
    assert rotate(secrets, source, secret, ClientRequestToken=token)["VersionId"] == token
    assert secrets.get_secret_value(SecretId=secret)["VersionId"] == token


def test_the_caller_does_not_wait_for_the_function(
    secrets: Any, source: SecretRotations, secret: str, rotating: FakeInvoker
) -> None:
    go_on = threading.Event()
    rotating.on_call = lambda call: go_on.wait(5)
    token = secrets.rotate_secret(SecretId=secret, RotationLambdaARN=ARN)["VersionId"]
    described = secrets.describe_secret(SecretId=secret)
    assert described["VersionIdsToStages"][token] == ["AWSPENDING"]
    with pytest.raises(
        secrets.exceptions.InvalidRequestException, match="A previous rotation isn't complete"
    ):
        secrets.rotate_secret(SecretId=secret)
    go_on.set()
    settle(source)
    assert steps(rotating) == STEPS  # one that runs is not begun a second time
    assert secrets.get_secret_value(SecretId=secret)["VersionId"] == token


def test_a_failing_step_ends_the_rotation_and_the_next_call_goes_on_with_it(
    secrets: Any, source: SecretRotations, secret: str, invoker: FakeInvoker
) -> None:
    invoker.answer = rotator(secrets, failing_step="testSecret")
    token = rotate(secrets, source, secret)["VersionId"]
    assert steps(invoker) == STEPS[:3]
    described = secrets.describe_secret(SecretId=secret)
    assert described["VersionIdsToStages"][token] == ["AWSPENDING"]
    assert "LastRotatedDate" not in described
    assert secrets.get_secret_value(SecretId=secret)["SecretString"] == "first"

    invoker.reset()
    invoker.answer = rotator(secrets)
    with pytest.raises(
        secrets.exceptions.InvalidRequestException, match="A previous rotation isn't complete"
    ):
        secrets.rotate_secret(SecretId=secret)
    settle(source)
    assert steps(invoker) == STEPS
    assert secrets.get_secret_value(SecretId=secret)["VersionId"] == token
    assert rotate(secrets, source, secret)["VersionId"] != token


def test_a_function_that_moves_no_label_has_not_rotated(
    secrets: Any, source: SecretRotations, secret: str, invoker: FakeInvoker
) -> None:
    rotate(secrets, source, secret)
    assert steps(invoker) == STEPS
    assert secrets.get_secret_value(SecretId=secret)["SecretString"] == "first"
    assert "LastRotatedDate" not in secrets.describe_secret(SecretId=secret)


def test_a_function_that_is_gone_leaves_the_rotation_pending(
    secrets: Any, source: SecretRotations, secret: str, invoker: FakeInvoker
) -> None:
    invoker.gone.add(ARN)
    token = rotate(secrets, source, secret)["VersionId"]
    described = secrets.describe_secret(SecretId=secret)
    assert described["VersionIdsToStages"][token] == ["AWSPENDING"]


def test_later_means_a_test_now_on_a_version_that_goes(
    secrets: Any, source: SecretRotations, secret: str, invoker: FakeInvoker
) -> None:
    values = []

    def answer(call: Call) -> InvocationResult:
        token = json.loads(call.payload)["ClientRequestToken"]
        found = secrets.get_secret_value(
            SecretId=secret, VersionId=token, VersionStage="AWSPENDING"
        )
        values.append(found["SecretString"])
        return answered()

    invoker.answer = answer
    rules = {"AutomaticallyAfterDays": 10}
    rotate(secrets, source, secret, RotateImmediately=False, RotationRules=rules)
    assert steps(invoker) == ["testSecret"]
    assert values == ["first"]
    described = secrets.describe_secret(SecretId=secret)
    assert list(described["VersionIdsToStages"].values()) == [["AWSCURRENT"]]
    assert "LastRotatedDate" not in described
    assert "NextRotationDate" in described


def test_a_secret_is_rotated_every_so_many_days(
    secrets: Any, source: SecretRotations, secret: str, aws: Aws, rotating: FakeInvoker
) -> None:
    began_s = aws.clock.now()
    rotate(secrets, source, secret, RotationRules={"AutomaticallyAfterDays": 2})
    described = secrets.describe_secret(SecretId=secret)
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 2}
    assert abs(described["NextRotationDate"].timestamp() - began_s - 2 * DAY_S) < 5
    rotating.calls.clear()
    advance(aws, source, 2 * DAY_S - 60)
    assert rotating.calls == []
    advance(aws, source, 60)
    assert steps(rotating) == STEPS
    described = secrets.describe_secret(SecretId=secret)
    assert abs(described["LastRotatedDate"].timestamp() - began_s - 2 * DAY_S) < 5
    assert abs(described["NextRotationDate"].timestamp() - began_s - 4 * DAY_S) < 5
    advance(aws, source, 2 * DAY_S)
    assert steps(rotating) == STEPS * 2


def test_a_schedule_may_be_a_cron_expression(
    secrets: Any, source: SecretRotations, secret: str, aws: Aws, rotating: FakeInvoker
) -> None:
    rules = {"ScheduleExpression": "cron(0 8 1 * ? *)", "Duration": "2h"}
    rotate(secrets, source, secret, RotateImmediately=False, RotationRules=rules)
    described = secrets.describe_secret(SecretId=secret)
    assert described["RotationRules"] == rules
    due = described["NextRotationDate"]
    assert (due.astimezone(None).timestamp() - 8 * 3600) % DAY_S == 0
    rotating.calls.clear()
    advance(aws, source, due.timestamp() - aws.clock.now() + 1)
    assert steps(rotating) == STEPS


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_a_secret_that_is_cancelled_or_deleted_is_not_rotated(
    secrets: Any, source: SecretRotations, secret: str, aws: Aws, rotating: FakeInvoker, end: str
) -> None:
    rotate(secrets, source, secret, RotationRules={"AutomaticallyAfterDays": 1})
    rotating.calls.clear()
    if end == "cancel":
        secrets.cancel_rotate_secret(SecretId=secret)
        described = secrets.describe_secret(SecretId=secret)
        assert described["RotationEnabled"] is False
        assert "NextRotationDate" not in described
    else:
        secrets.delete_secret(SecretId=secret)
    advance(aws, source, 3 * DAY_S)
    assert rotating.calls == []
    if end == "cancel":  # the function is remembered
        secrets.rotate_secret(SecretId=secret)
        settle(source)
        assert steps(rotating) == STEPS
    else:
        secrets.restore_secret(SecretId=secret)
        advance(aws, source, DAY_S)
        assert steps(rotating) == STEPS


@pytest.mark.parametrize(
    ("request_", "error", "reason"),
    [
        ({}, "InvalidRequestException", "No Lambda rotation function ARN is associated"),
        ({"RotationLambdaARN": f"{ARN}2"}, "ResourceNotFoundException", "Resource not found"),
        (
            {"RotationLambdaARN": ARN, "RotationRules": {"AutomaticallyAfterDays": 1001}},
            "InvalidParameterException",
            "within 1-1000",
        ),
        (
            {
                "RotationLambdaARN": ARN,
                "RotationRules": {
                    "AutomaticallyAfterDays": 1,
                    "ScheduleExpression": "rate(1 day)",
                },
            },
            "InvalidParameterException",
            "both",
        ),
        (
            {"RotationLambdaARN": ARN, "RotationRules": {"ScheduleExpression": "rate(1 hour)"}},
            "InvalidParameterException",
            "every four hours",
        ),
        (
            {"RotationLambdaARN": ARN, "RotationRules": {"ScheduleExpression": "daily"}},
            "InvalidParameterException",
            "isn't valid",
        ),
        (
            {
                "RotationLambdaARN": ARN,
                "RotationRules": {"AutomaticallyAfterDays": 1, "Duration": "25h"},
            },
            "InvalidParameterException",
            "duration",
        ),
    ],
)
def test_a_rotation_is_refused(
    secrets: Any,
    secret: str,
    invoker: FakeInvoker,
    request_: dict[str, Any],
    error: str,
    reason: str,
) -> None:
    with pytest.raises(getattr(secrets.exceptions, error), match=reason):
        secrets.rotate_secret(SecretId=secret, **request_)
    described = secrets.describe_secret(SecretId=secret)
    assert list(described["VersionIdsToStages"].values()) == [["AWSCURRENT"]]
    assert "RotationEnabled" not in described


def test_a_function_that_may_not_be_invoked_is_refused(secrets: Any, secret: str, aws: Aws) -> None:
    aws.functions.policies[ARN] = False
    with pytest.raises(secrets.exceptions.ClientError) as caught:
        secrets.rotate_secret(SecretId=secret, RotationLambdaARN=ARN)
    assert caught.value.response["Error"] == {
        "Code": "AccessDeniedException",
        "Message": "Secrets Manager cannot invoke the specified Lambda function. Ensure that the"
        " function policy grants access to the principal secretsmanager.amazonaws.com.",
    }


def test_a_secret_without_a_value_gets_its_first_one(
    secrets: Any, source: SecretRotations, invoker: FakeInvoker
) -> None:
    arn = secrets.create_secret(Name="empty")["ARN"]
    token = rotate(secrets, source, arn)["VersionId"]
    assert len(invoker.calls) == 4
    assert secrets.describe_secret(SecretId=arn)["VersionIdsToStages"] == {token: ["AWSPENDING"]}
