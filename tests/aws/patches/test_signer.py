"""AWS Signer in front of a function that accepts signed code only."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.api.lab import ACCOUNT, ROLE, archive
from tests.running_emulator import RunningEmulator, running_emulator

SOURCE = "def handler(event, context):\n    return 'signed'\n"
ARN = f"arn:aws:signer:us-east-1:{ACCOUNT}:"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    with running_emulator(tmp_path_factory.mktemp("project")) as started:
        s3 = started.client("s3")
        s3.create_bucket(Bucket="code")
        s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
        yield started


@pytest.fixture(scope="module")
def profile(emulator: RunningEmulator) -> Any:
    return emulator.client("signer").put_signing_profile(
        profileName="mine",
        platformId="AWSLambda-SHA384-ECDSA",
        signatureValidityPeriod={"type": "DAYS", "value": 30},
    )


def sign(emulator: RunningEmulator, content: bytes, profile: str = "mine") -> Any:
    """Sign an archive; returns what the job says when it is over."""
    version = emulator.client("s3").put_object(Bucket="code", Key="unsigned.zip", Body=content)
    # A later version is not what is signed.
    emulator.client("s3").put_object(Bucket="code", Key="unsigned.zip", Body=b"no zip")
    signer = emulator.client("signer")
    job_id = signer.start_signing_job(
        source={
            "s3": {"bucketName": "code", "key": "unsigned.zip", "version": version["VersionId"]}
        },
        destination={"s3": {"bucketName": "code", "prefix": "signed/"}},
        profileName=profile,
    )["jobId"]
    return signer.describe_signing_job(jobId=job_id)


def enforce(emulator: RunningEmulator, profile_version_arn: str) -> str:
    arn: str = emulator.client("lambda").create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": [profile_version_arn]},
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )["CodeSigningConfig"]["CodeSigningConfigArn"]
    return arn


def create(emulator: RunningEmulator, name: str, config_arn: str, code: dict[str, Any]) -> Any:
    return emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code=code,
        CodeSigningConfigArn=config_arn,
    )


def code_of(job: Any) -> dict[str, Any]:
    place = job["signedObject"]["s3"]
    return {"S3Bucket": place["bucketName"], "S3Key": place["key"]}


def test_code_that_the_signer_signed_is_deployed_and_runs(
    emulator: RunningEmulator, profile: Any
) -> None:
    job = sign(emulator, readable(SOURCE))
    assert (job["status"], job["signedObject"]["s3"]["key"]) == (
        "Succeeded",
        f"signed/{job['jobId']}.zip",
    )
    assert (job["signatureExpiresAt"] - job["createdAt"]).days == 30
    config = enforce(emulator, profile["profileVersionArn"])
    made = create(emulator, "signed", config, code_of(job))
    assert made["SigningProfileVersionArn"] == profile["profileVersionArn"]
    assert made["SigningJobArn"] == f"{ARN}/signing-jobs/{job['jobId']}"
    answer = emulator.client("lambda").invoke(FunctionName="signed")
    assert json.load(answer["Payload"]) == "signed"
    with pytest.raises(ClientError, match="CodeVerificationFailed"):
        create(emulator, "unsigned", config, {"ZipFile": readable(SOURCE)})
    listed = emulator.client("signer").list_signing_jobs(status="Succeeded", isRevoked=False)
    assert job["jobId"] in [each["jobId"] for each in listed["jobs"]]


def test_what_the_signer_revokes_is_refused(emulator: RunningEmulator) -> None:
    signer = emulator.client("signer")
    made = signer.put_signing_profile(profileName="other", platformId="AWSLambda-SHA384-ECDSA")
    config = enforce(emulator, made["profileVersionArn"])
    first = sign(emulator, readable(SOURCE), "other")
    second = sign(emulator, readable(SOURCE), "other")
    signer.revoke_signature(jobId=first["jobId"], reason="a test")
    with pytest.raises(ClientError, match="CodeVerificationFailed"):
        create(emulator, "first", config, code_of(first))
    revoked = signer.describe_signing_job(jobId=first["jobId"])["revocationRecord"]
    assert revoked["reason"] == "a test"

    def revoke_from(effective: datetime) -> None:
        signer.revoke_signing_profile(
            profileName="other",
            profileVersion=made["profileVersion"],
            reason="a test",
            effectiveTime=effective,
        )

    revoke_from(second["createdAt"] + timedelta(hours=1))
    create(emulator, "second", config, code_of(second))
    revoke_from(second["createdAt"] - timedelta(hours=1))
    with pytest.raises(ClientError, match="CodeVerificationFailed"):
        create(emulator, "third", config, code_of(second))


def test_what_cannot_be_signed_fails_with_a_reason(emulator: RunningEmulator, profile: Any) -> None:
    assert profile["profileVersion"]
    job = sign(emulator, b"no zip either")
    assert (job["status"], "signedObject" in job) == ("Failed", False)
    assert "no zip archive" in job["statusReason"]
    signer = emulator.client("signer")
    with pytest.raises(signer.exceptions.ResourceNotFoundException):
        signer.describe_signing_job(jobId="none")
    with pytest.raises(signer.exceptions.ResourceNotFoundException) as caught:
        sign(emulator, archive(), "nobody")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_profiles_are_listed_until_they_are_canceled(emulator: RunningEmulator) -> None:
    signer = emulator.client("signer")
    signer.put_signing_profile(profileName="short", platformId="AWSLambda-SHA384-ECDSA")

    def listed(**members: Any) -> list[str]:
        profiles = signer.list_signing_profiles(**members)["profiles"]
        return [each["profileName"] for each in profiles]

    assert "short" in listed(platformId="AWSLambda-SHA384-ECDSA")
    assert "short" not in listed(platformId="AmazonFreeRTOS-Default")
    signer.cancel_signing_profile(profileName="short")
    assert "short" not in listed()
    assert "short" in listed(includeCanceled=True)
    with pytest.raises(signer.exceptions.ResourceNotFoundException):
        sign(emulator, readable(SOURCE), "short")
    for call in (signer.get_signing_profile, signer.cancel_signing_profile):
        with pytest.raises(signer.exceptions.ResourceNotFoundException):
            call(profileName="nobody")


def test_a_layer_comes_from_the_version_of_an_object(emulator: RunningEmulator) -> None:
    s3, functions = emulator.client("s3"), emulator.client("lambda")
    versions = [
        s3.put_object(Bucket="code", Key="layer.zip", Body=archive(**{"python/shared": text}))
        for text in ("WHO = 1", "WHO = 2")
    ]
    layer = functions.publish_layer_version(
        LayerName="shared",
        Content={
            "S3Bucket": "code",
            "S3Key": "layer.zip",
            "S3ObjectVersion": versions[0]["VersionId"],
        },
    )
    functions.create_function(
        FunctionName="layered",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": readable("import shared\ndef handler(e, c):\n    return shared.WHO\n")},
        Layers=[layer["LayerVersionArn"]],
    )
    assert json.load(functions.invoke(FunctionName="layered")["Payload"]) == 1


def readable(source: str) -> bytes:
    """An archive whose file everybody may read."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        entry = zipfile.ZipInfo("app.py")
        entry.external_attr = 0o644 << 16
        zipped.writestr(entry, source)
    return buffer.getvalue()
