"""Secrets Manager: a rotation by a function in the form of AWS's templates."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

ROTATE = """
import boto3
secrets = boto3.client("secretsmanager")
def handler(event, context):
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    versions = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if "AWSPENDING" not in versions[token]:
        raise ValueError(f"{token} is not pending")
    if step == "createSecret":
        try:
            secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            password = secrets.get_random_password(ExcludePunctuation=True)["RandomPassword"]
            secrets.put_secret_value(SecretId=arn, ClientRequestToken=token,
                                     SecretString=password, VersionStages=["AWSPENDING"])
    if step == "testSecret" and "Tags" in secrets.describe_secret(SecretId=arn):
        raise RuntimeError("the database says no")
    if step == "finishSecret":
        current = next(name for name, labels in versions.items() if "AWSCURRENT" in labels)
        secrets.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT",
                                            MoveToVersionId=token, RemoveFromVersionId=current)
"""
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:rotate"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("rotate", ROTATE, "timeout_s = 20")
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def emulator(started: RunningEmulator) -> RunningEmulator:
    started.reset()
    return started


def steps(emulator: RunningEmulator) -> list[str]:
    return [each["event"]["Step"] for each in emulator.invocations("rotate")][::-1]


def test_a_secret_is_rotated_at_once_and_by_its_schedule(emulator: RunningEmulator) -> None:
    secrets, functions = emulator.client("secretsmanager"), emulator.client("lambda")
    functions.add_permission(
        FunctionName="rotate",
        StatementId="rotation",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
    )
    arn = secrets.create_secret(Name="database", SecretString="first")["ARN"]
    token = secrets.rotate_secret(
        SecretId="database",
        RotationLambdaARN=FUNCTION,
        RotationRules={"ScheduleExpression": "rate(10 days)"},
    )["VersionId"]
    emulator.settle()
    first = secrets.get_secret_value(SecretId=arn)
    assert (first["VersionId"], len(first["SecretString"])) == (token, 32)
    assert [each["event"] for each in emulator.invocations("rotate")][::-1] == [
        {"Step": step, "SecretId": arn, "ClientRequestToken": token}
        for step in ("createSecret", "setSecret", "testSecret", "finishSecret")
    ]
    emulator.advance(10 * 86_400)
    emulator.settle()
    second = secrets.get_secret_value(SecretId=arn)
    assert second["SecretString"] != first["SecretString"]
    previous = secrets.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == first["SecretString"]


def test_a_step_that_fails_leaves_the_secret_as_it_was(emulator: RunningEmulator) -> None:
    secrets = emulator.client("secretsmanager")
    tags = [{"Key": "fails", "Value": "yes"}]
    secrets.create_secret(Name="database", SecretString="first", Tags=tags)
    secrets.rotate_secret(SecretId="database", RotationLambdaARN=FUNCTION)
    emulator.settle()
    assert steps(emulator) == ["createSecret", "setSecret", "testSecret"]
    assert secrets.get_secret_value(SecretId="database")["SecretString"] == "first"
    emulator.wait_for_output("secretsmanager.rotation_failed")
