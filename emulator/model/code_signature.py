"""Signatures in archives of code: how the local AWS Signer writes them, and what they say.

A signature stands where AWS's own stands, but AWS publishes neither the form of its signatures nor
a key that others could check them with, so the form is ours: a JSON document sealed with a key that
everybody may know. It tells who signed and whether the code was changed since; it is no secret.
"""

import hashlib
import hmac
import io
import json
import zipfile
from dataclasses import dataclass, replace
from typing import Any, Final

SIGNATURE_FILE: Final = "META_INF/aws_signer_signature_v1.0.SF"

_KEY: Final = b"a signature of the local AWS Signer"


class NotSignable(Exception):
    """An archive that the Signer cannot sign; says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeSignature:
    """Who signed an archive, and how long that holds. Times are seconds since the epoch."""

    profile_version_arn: str
    job_arn: str
    signed_at: float
    expires_at: float
    is_intact: bool = True  # False: the code or the signature was changed afterwards


def sign_archive(content: bytes, signature: CodeSignature) -> bytes:
    """The archive with a signature in it; raises NotSignable."""
    buffer = io.BytesIO(content)
    if not zipfile.is_zipfile(buffer):  # ZipFile would begin one behind it
        raise NotSignable("The file is no zip archive.")
    try:
        with zipfile.ZipFile(buffer, "a") as zipped:
            names = zipped.namelist()
            if not names:
                raise NotSignable("The file is empty.")
            if SIGNATURE_FILE in names:
                raise NotSignable("The file has a signature already.")
            entry = zipfile.ZipInfo(SIGNATURE_FILE)
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, json.dumps(_sealed(signature, _digest(zipped))))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise NotSignable("The file is a zip archive that cannot be read.") from error
    return buffer.getvalue()


def read_signature(content: bytes) -> CodeSignature | None:
    """The signature of an archive that can be unpacked; None: it has none of the local Signer."""
    if SIGNATURE_FILE.encode() not in content:
        return None
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        if SIGNATURE_FILE not in zipped.namelist():
            return None
        try:
            document = json.loads(zipped.read(SIGNATURE_FILE))
            signature = CodeSignature(
                profile_version_arn=str(document["signingProfileVersionArn"]),
                job_arn=str(document["signingJobArn"]),
                signed_at=float(document["signedAt"]),
                expires_at=float(document["expiresAt"]),
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            return None  # one of AWS itself, most likely
        wanted = _sealed(signature, _digest(zipped))
    is_intact = hmac.compare_digest(json.dumps(document), json.dumps(wanted))
    return replace(signature, is_intact=is_intact)


def _sealed(signature: CodeSignature, digest: str) -> dict[str, Any]:
    said = {
        "signingProfileVersionArn": signature.profile_version_arn,
        "signingJobArn": signature.job_arn,
        "signedAt": signature.signed_at,
        "expiresAt": signature.expires_at,
        "contentSha384": digest,
    }
    seal = hmac.new(_KEY, json.dumps(said).encode(), hashlib.sha384).hexdigest()
    return {**said, "seal": seal}


def _digest(zipped: zipfile.ZipFile) -> str:
    """Of the names and contents of all files but the signature's."""
    whole = hashlib.sha384()
    for entry in sorted(zipped.infolist(), key=lambda entry: entry.filename):
        if entry.filename == SIGNATURE_FILE:
            continue
        content = hashlib.sha384()
        with zipped.open(entry) as file:
            while chunk := file.read(1 << 20):
                content.update(chunk)
        whole.update(f"{entry.filename}\0{content.hexdigest()}\n".encode(errors="surrogatepass"))
    return whole.hexdigest()
