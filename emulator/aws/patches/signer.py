"""AWS Signer: signing jobs for Lambda, lists, and revocations, which moto lacks.

A job is done when StartSigningJob answers. Source: AWS Signer API reference.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from emulator.aws.patches.patching import Patch, PatchContext
from emulator.model import Clock
from emulator.model.code_signature import CodeSignature, NotSignable, sign_archive

_BACKEND: Final = "moto.signer.models:SignerBackend"
_PLATFORM: Final = "AWSLambda-SHA384-ECDSA"
_PATHS: Final = (
    "{0}/signing-jobs$",
    "{0}/signing-jobs/(?P<job_id>[^/]+)$",
    "{0}/signing-jobs/(?P<job_id>[^/]+)/revoke$",
    "{0}/signing-profiles$",
    "{0}/signing-profiles/(?P<profile_name>[^/]+)/revoke$",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningJob:
    """One archive that was signed, or could not be."""

    id: str
    account: str
    region: str
    profile_name: str
    profile_version: str
    source: Mapping[str, Any]
    created_s: float
    expires_s: float
    signed_object: Mapping[str, str] | None = None  # bucket and key; None: it failed
    failure: str | None = None
    revocation: Mapping[str, Any] | None = None  # as DescribeSigningJob tells it

    @property
    def arn(self) -> str:
        """SigningJobArn."""
        return f"arn:aws:signer:{self.region}:{self.account}:/signing-jobs/{self.id}"

    def summary(self) -> dict[str, Any]:
        """What both DescribeSigningJob and ListSigningJobs tell."""
        signed = {} if self.signed_object is None else {"signedObject": {"s3": self.signed_object}}
        return {
            "jobId": self.id,
            "source": self.source,
            "createdAt": self.created_s,
            "status": "Failed" if self.signed_object is None else "Succeeded",
            "profileName": self.profile_name,
            "profileVersion": self.profile_version,
            "platformId": _PLATFORM,
            "platformDisplayName": "AWS Lambda",
            "signatureExpiresAt": self.expires_s,
            "jobOwner": self.account,
            "jobInvoker": self.account,
            **signed,
        }

    def description(self) -> dict[str, Any]:
        """What DescribeSigningJob tells."""
        reason = {} if self.failure is None else {"statusReason": self.failure}
        revoked = {} if self.revocation is None else {"revocationRecord": self.revocation}
        return {
            **self.summary(),
            "completedAt": self.created_s,
            "requestedBy": f"arn:aws:iam::{self.account}:root",
            **reason,
            **revoked,
        }


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto.signer; adds the operations that it lacks."""
    from moto.signer import urls
    from moto.signer.responses import SignerResponse

    for path in _PATHS:
        urls.url_paths[path] = SignerResponse.dispatch
    operations: Mapping[str, Callable[..., Any]] = {
        "start_signing_job": _start_signing_job(context.clock),
        "describe_signing_job": _describe_signing_job,
        "list_signing_jobs": _list_signing_jobs,
        "list_signing_profiles": _list_signing_profiles,
        "revoke_signature": _revoke_signature(context.clock),
        "revoke_signing_profile": _revoke_signing_profile,
    }
    for name, operation in operations.items():
        setattr(SignerResponse, name, operation)
    return [
        Patch(f"{_BACKEND}.get_signing_profile", "self, profile_name", _when_there),
        Patch(f"{_BACKEND}.cancel_signing_profile", "self, profile_name", _when_there),
    ]


def _when_there(original: Any) -> Any:
    """moto raises KeyError for a profile that is not there."""

    def on_profile(self: Any, profile_name: str) -> Any:
        if profile_name not in self.signing_profiles:
            raise _not_found(f"There is no signing profile {profile_name}.")
        return original(self, profile_name)

    return on_profile


def is_revoked(signature: CodeSignature) -> bool:
    """Whether the job or the profile version behind a signature is revoked."""
    from moto.signer.models import signer_backends

    _, _, _, region, account, path = signature.job_arn.split(":", 5)
    if account not in signer_backends or region not in signer_backends[account]:
        return False
    backend = signer_backends[account][region]
    job = _jobs(backend).get(path.rpartition("/")[2])
    since = _revoked_profiles(backend).get(signature.profile_version_arn)
    return (job is not None and job.revocation is not None) or (
        since is not None and signature.signed_at >= since
    )


def _jobs(backend: Any) -> dict[str, SigningJob]:
    jobs: dict[str, SigningJob] = backend.__dict__.setdefault("signing_jobs", {})
    return jobs


def _revoked_profiles(backend: Any) -> dict[str, float]:
    """ARN of a profile version: from when on what it signed is revoked."""
    revoked: dict[str, float] = backend.__dict__.setdefault("revoked_profiles", {})
    return revoked


def _start_signing_job(clock: Clock) -> Callable[[Any], str]:
    def start_signing_job(self: Any) -> str:
        backend, asked = self.signer_backend, json.loads(self.body)
        profile = _profile(backend, asked["profileName"])
        now = clock.now()
        job = SigningJob(
            id=str(uuid.uuid4()),
            account=backend.account_id,
            region=backend.region_name,
            profile_name=profile.name,
            profile_version=profile.profile_version,
            source=asked["source"],
            created_s=now,
            expires_s=_expiry(now, profile.signature_validity_period),
        )
        signature = CodeSignature(
            profile_version_arn=profile.profile_version_arn,
            job_arn=job.arn,
            signed_at=job.created_s,
            expires_at=job.expires_s,
        )
        done = _done(job, signature, asked["source"]["s3"], asked["destination"]["s3"])
        _jobs(backend)[job.id] = done
        return json.dumps({"jobId": job.id, "jobOwner": job.account})

    return start_signing_job


def _done(
    job: SigningJob,
    signature: CodeSignature,
    source: Mapping[str, str],
    destination: Mapping[str, str],
) -> SigningJob:
    from moto.s3.exceptions import S3ClientError
    from moto.s3.models import s3_backends

    s3 = s3_backends[job.account]["aws"]
    bucket, key = destination["bucketName"], f"{destination.get('prefix', '')}{job.id}.zip"
    version = source.get("version")
    try:
        found = s3.get_object(
            source["bucketName"], source["key"], None if version == "null" else version
        )
        if found is None:
            raise NotSignable("The source object does not exist.")
        s3.put_object(bucket, key, sign_archive(bytes(found.value), signature))
    except S3ClientError as error:
        return replace(job, failure=error.message)
    except NotSignable as error:
        return replace(job, failure=str(error))
    return replace(job, signed_object={"bucketName": bucket, "key": key})


def _describe_signing_job(self: Any) -> str:
    return json.dumps(_job(self, self.path.rpartition("/")[2]).description())


def _list_signing_jobs(self: Any) -> str:
    """All jobs that match, on one page."""
    wanted = {
        name: self.querystring[name][0]
        for name in ("status", "platformId", "requestedBy", "jobInvoker", "isRevoked")
        if name in self.querystring
    }
    jobs = [
        {**job.description(), "isRevoked": job.revocation is not None}
        for job in _jobs(self.signer_backend).values()
    ]
    matching = [
        job
        for job in jobs
        if all(str(job[name]).lower() == text.lower() for name, text in wanted.items())
    ]
    unlisted = {"completedAt", "requestedBy", "statusReason", "revocationRecord"}
    listed = [{name: job[name] for name in job if name not in unlisted} for job in matching]
    return json.dumps({"jobs": listed})


def _list_signing_profiles(self: Any) -> str:
    """All profiles that match, on one page; those that were canceled only if asked for."""
    statuses = self.querystring.get("statuses", ["Active"])
    if self.querystring.get("includeCanceled", ["false"])[0] == "true":
        statuses = [*statuses, "Canceled"]
    platform = self.querystring.get("platformId", [None])[0]
    profiles = [
        profile.to_dict()
        for profile in self.signer_backend.signing_profiles.values()
        if profile.status in statuses and platform in (None, profile.platform_id)
    ]
    return json.dumps({"profiles": profiles})


def _revoke_signature(clock: Clock) -> Callable[[Any], str]:
    def revoke_signature(self: Any) -> str:
        job = _job(self, self.path.split("/")[-2])
        record = {
            "reason": json.loads(self.body)["reason"],
            "revokedAt": clock.now(),
            "revokedBy": f"arn:aws:iam::{self.current_account}:root",
        }
        _jobs(self.signer_backend)[job.id] = replace(job, revocation=record)
        return "{}"

    return revoke_signature


def _revoke_signing_profile(self: Any) -> str:
    asked = json.loads(self.body)
    profile = self.signer_backend.signing_profiles.get(self.path.split("/")[-2])
    if profile is None:
        raise _not_found("There is no such signing profile.")
    if asked["profileVersion"] != profile.profile_version:
        raise _not_found(f"Profile {profile.name} has no version {asked['profileVersion']}.")
    _revoked_profiles(self.signer_backend)[profile.profile_version_arn] = asked["effectiveTime"]
    profile.status = "Revoked"
    return "{}"


def _job(response: Any, job_id: str) -> SigningJob:
    job = _jobs(response.signer_backend).get(job_id)
    if job is None:
        raise _not_found(f"There is no signing job {job_id}.")
    return job


def _profile(backend: Any, name: str) -> Any:
    profile = backend.signing_profiles.get(name)
    if profile is None or profile.status != "Active":
        raise _not_found(f"There is no active signing profile {name}.")
    return profile


def _not_found(text: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    error = JsonRESTError("ResourceNotFoundException", text)
    error.code = 404
    return error


def _expiry(now: float, validity: Mapping[str, Any]) -> float:
    """When a signature expires that is made now; validity: a number of DAYS, MONTHS or YEARS."""
    value, kind = int(validity["value"]), validity["type"]
    if kind == "DAYS":
        return now + value * 86_400
    made = datetime.fromtimestamp(now, UTC)
    months = made.month - 1 + value * (12 if kind == "YEARS" else 1)
    day = min(made.day, 28)  # every month has it
    return made.replace(year=made.year + months // 12, month=months % 12 + 1, day=day).timestamp()
