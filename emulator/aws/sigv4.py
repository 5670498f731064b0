"""Signature Version 4: whether who signed a request knew the secret of his access key.

Pure: values in, values out. Source: IAM User Guide, AWS Signature Version 4 for API requests.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from emulator.model import LambdaError

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SKEW: Final = timedelta(minutes=5)

_TIME: Final = "%Y%m%dT%H%M%SZ"
_MEMBER = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")
_CREDENTIAL = re.compile(
    r"(?P<key>.+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)
_LASTS = re.compile(r"[0-9]{1,6}")
_LONGEST: Final = 604_800  # seconds that a presigned URL may last
_UNRESERVED: Final = "-_.~"
_SEGMENT: Final = "/:@!$&'()*+,;=~"  # what some clients leave as it is in a path


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedRequest:
    """A request as it came over the wire, but that the server has decoded its path."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What a signed request says about its signature."""

    access_key: str
    date: str  # YYYYMMDD
    region: str
    service: str
    signed_headers: tuple[str, ...]
    digest: str
    time: datetime
    token: str | None
    lasts: timedelta | None = None  # of a presigned URL

    @property
    def scope(self) -> str:
        """What the signing key was made for."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_signature(request: ReceivedRequest) -> Signature | None:
    """The signature in the header `Authorization`, or in the query; None: there is none."""
    authorization = request.headers.get("authorization", "")
    if authorization.startswith(ALGORITHM):
        members = dict(_MEMBER.findall(authorization))
        time = request.headers.get("x-amz-date", "")
        return _signature(members, time, request.headers.get("x-amz-security-token"))
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        return None
    members = {
        name: query.get(f"X-Amz-{name}", "")
        for name in ("Credential", "SignedHeaders", "Signature")
    }
    token = query.get("X-Amz-Security-Token")
    return _signature(members, query.get("X-Amz-Date", ""), token, query.get("X-Amz-Expires", "-"))


def _signature(
    members: Mapping[str, str], time: str, token: str | None, expires: str | None = None
) -> Signature | None:
    credential = _CREDENTIAL.fullmatch(members.get("Credential", ""))
    if credential is None or len(members) != 3:
        return None
    if expires is not None and not _can_last(expires):
        return None
    try:
        signed_at = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Signature(
        access_key=credential["key"],
        date=credential["date"],
        region=credential["region"],
        service=credential["service"],
        signed_headers=tuple(members["SignedHeaders"].split(";")),
        digest=members["Signature"],
        time=signed_at,
        token=token,
        lasts=None if expires is None else timedelta(seconds=int(expires)),
    )


def _can_last(seconds: str) -> bool:
    return _LASTS.fullmatch(seconds) is not None and int(seconds) <= _LONGEST


def check_signature(
    signature: Signature,
    request: ReceivedRequest,
    *,
    secret: str,
    service: str,
    region: str,
    now_s: float,
) -> None:
    """Raise LambdaError unless the request was signed with `secret`, for here and now."""
    _check_scope(signature, service, region)
    _check_time(signature, datetime.fromtimestamp(int(now_s), UTC))
    if "host" not in signature.signed_headers:
        raise _refused("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    key = _signing_key(secret, signature)
    if not any(
        hmac.compare_digest(_digest(key, signature, canonical).encode(), signature.digest.encode())
        for canonical in _canonical_requests(signature, request)
    ):
        raise _refused(
            "The request signature we calculated does not match the signature you provided. Check"
            " your AWS Secret Access Key and signing method. Consult the service documentation for"
            " details."
        )


def _check_scope(signature: Signature, service: str, region: str) -> None:
    if signature.region != region:
        raise _refused("Credential should be scoped to a valid region. ")
    if signature.service != service:
        raise _refused(f"Credential should be scoped to correct service: '{service}'. ")
    time = signature.time.strftime(_TIME)
    if signature.date != time[:8]:
        raise _refused(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from"
            f" HTTP: '{signature.date}' != '{time[:8]}', from '{time}'."
        )


def _check_time(signature: Signature, now: datetime) -> None:
    signed, lasts = signature.time, signature.lasts
    if signed > now + SKEW:
        latest = now + SKEW
        raise _refused(
            f"Signature not yet current: {signed:{_TIME}} is still later than {latest:{_TIME}}"
            f" ({now:{_TIME}} + 5 min.)"
        )
    valid_for = SKEW if lasts is None else lasts
    if signed + valid_for < now:
        minutes = int(valid_for.total_seconds() // 60)
        raise _refused(
            f"Signature expired: {signed:{_TIME}} is now earlier than {now - valid_for:{_TIME}}"
            f" ({now:{_TIME}} - {minutes} min.)"
        )


def _refused(message: str) -> LambdaError:
    return LambdaError("InvalidSignatureException", message)


def _signing_key(secret: str, signature: Signature) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in signature.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _digest(key: bytes, signature: Signature, canonical: str) -> str:
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join((ALGORITHM, signature.time.strftime(_TIME), signature.scope, hashed))
    return hmac.digest(key, text.encode(), "sha256").hex()


def _canonical_requests(signature: Signature, request: ReceivedRequest) -> Iterator[str]:
    """What may have been signed: clients differ in how they quote path and query."""
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n"
        for name in signature.signed_headers
    )
    names = ";".join(signature.signed_headers)
    body = hashlib.sha256(request.body).hexdigest()
    for path in _canonical_paths(request.path):
        for query in _canonical_queries(request.query):
            yield "\n".join((request.method, path, query, headers, names, body))


def _canonical_paths(path: str) -> Iterator[str]:
    """The path quoted twice, as for all services but S3, and once, as some clients do.

    The server shows it decoded, so how it was quoted the first time has to be guessed.
    """
    raw = path.encode("latin-1") or b"/"
    for kept in (_UNRESERVED + "/", _SEGMENT):
        once = quote(raw, safe=kept)
        for form in dict.fromkeys((once, _without_dots(once))):
            yield quote(form, safe=_UNRESERVED + "/")
            yield form


def _without_dots(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    end = "/" if path.endswith("/") and parts else ""
    return "/" + "/".join(parts) + end


def _canonical_queries(query: str) -> Iterator[str]:
    """The parameters in order, quoted anew and as they came."""
    pairs = [
        (name, value)
        for name, _, value in (part.partition("=") for part in query.split("&") if part)
        if name != "X-Amz-Signature"
    ]
    quoted = [(_quoted(name), _quoted(value)) for name, value in pairs]
    for each in (quoted, pairs):
        yield "&".join(f"{name}={value}" for name, value in sorted(each))


def _quoted(text: str) -> str:
    return quote(unquote(text), safe=_UNRESERVED)
