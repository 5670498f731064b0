"""Signatures, made by botocore and checked by ours."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.aws.sigv4 import ReceivedRequest, Signature, check_signature, read_signature
from emulator.model import LambdaError

HOST = "abc.lambda-url.us-east-1.localhost:4566"


def signed(
    path: str = "/",
    method: str = "GET",
    body: bytes = b"",
    *,
    headers: Mapping[str, str] | None = None,
    secret: str = "secret",
    token: str | None = None,
    region: str = "us-east-1",
    service: str = "lambda",
    expires: int | None = None,
) -> ReceivedRequest:
    """A request as the server shows it."""
    request: Any = AWSRequest(
        method, f"http://{HOST}{path}", headers=dict(headers or {}), data=body
    )
    credentials = Credentials("AKIDEXAMPLE", secret, token)
    auth: Any = SigV4Auth(credentials, service, region)
    if expires is not None:
        auth = SigV4QueryAuth(credentials, service, region, expires=expires)
    auth.add_auth(request)
    sent = urlsplit(request.url)
    return ReceivedRequest(
        method=method,
        path=unquote(sent.path, "latin-1"),
        query=sent.query,
        headers={
            "host": HOST,
            "accept": "*/*",
            **{name.lower(): text for name, text in request.headers.items()},
        },
        body=body,
    )


def found(request: ReceivedRequest) -> Signature:
    signature = read_signature(request)
    assert signature is not None
    return signature


def refusal(request: ReceivedRequest, seconds_later: float = 0, **changes: Any) -> str | None:
    """What AWS would say; None: the request is let through."""
    signature = found(request)
    expected = {"secret": "secret", "service": "lambda", "region": "us-east-1", **changes}
    now_s = signature.time.timestamp() + seconds_later
    try:
        check_signature(signature, request, now_s=now_s, **expected)
    except LambdaError as error:
        return f"{error.code}: {error.message}"
    return None


@pytest.mark.parametrize(
    "request_",
    [
        signed(),
        signed("/a/b?x=1&a=2&x=0&empty=&bare", "PUT", b"body"),
        signed("/a%20b/%C3%A9/100%25"),
        signed("/x:y@z,!$&'()*+;=~"),
        signed("/" + quote("x:y@z,!$&'()*+;=~")),
        signed("/a//b/./c/../d/"),
        signed("/?q=a%20b%2Cc&r=x+y&s=%7E~"),
        signed("/", "POST", b"{}", headers={"Content-Type": "application/json", "X-A": " 1   2 "}),
        signed("/", token="session"),
        signed("/a?x=1", expires=60),
        signed("/", expires=60, token="session+/="),
    ],
    ids=lambda request: f"{request.method} {request.path}",
)
def test_what_botocore_signs_is_let_through(request_: ReceivedRequest) -> None:
    assert refusal(request_) is None


INVALID = "InvalidSignatureException: "
MISMATCH = (
    INVALID + "The request signature we calculated does not match the signature you provided. Check"
    " your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


@pytest.mark.parametrize("expires", [None, 60], ids=["header", "query"])
@pytest.mark.parametrize(
    "changed",
    [
        {"method": "POST"},
        {"path": "/b"},
        {"query": "x=2"},
        {"body": b"other"},
        {"headers": {"host": "other"}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_was_changed_on_its_way_is_refused(
    changed: dict[str, Any], expires: int | None
) -> None:
    request = signed("/a?x=1", expires=expires)
    if "query" in changed:
        changed = {"query": request.query.replace("x=1", changed["query"])}
    if "headers" in changed:
        changed = {"headers": {**request.headers, **changed["headers"]}}
    assert refusal(replace(request, **changed)) == MISMATCH


def test_another_secret_is_refused() -> None:
    assert refusal(signed(secret="other")) == MISMATCH


@pytest.mark.parametrize(
    ("request_", "seconds_later", "text"),
    [
        (signed(), 300, None),
        (signed(), 301, "Signature expired: "),
        (signed(), -300, None),
        (signed(), -301, "Signature not yet current: "),
        (signed(expires=600), 600, None),
        (signed(expires=600), 601, "Signature expired: "),
    ],
)
def test_a_signature_is_good_for_a_time(
    request_: ReceivedRequest, seconds_later: float, text: str | None
) -> None:
    answer = refusal(request_, seconds_later)
    assert answer == text or (text is not None and str(answer).startswith(INVALID + text))


def test_an_expired_signature_is_told_both_times() -> None:
    request = signed()
    signature = replace(
        found(request), time=datetime(2026, 11, 22, 12, tzinfo=UTC), date="20261122"
    )
    with pytest.raises(LambdaError) as caught:
        check_signature(
            signature,
            request,
            secret="secret",
            service="lambda",
            region="us-east-1",
            now_s=datetime(2026, 11, 22, 12, 10, tzinfo=UTC).timestamp(),
        )
    assert caught.value.message == (
        "Signature expired: 20261122T120000Z is now earlier than 20261122T120500Z"
        " (20261122T121000Z - 5 min.)"
    )


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (signed(region="eu-west-1"), "Credential should be scoped to a valid region. "),
        (signed(service="s3"), "Credential should be scoped to correct service: 'lambda'. "),
    ],
)
def test_a_signature_is_for_one_place(request_: ReceivedRequest, text: str) -> None:
    assert refusal(request_) == INVALID + text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer abc"},
        {"authorization": "AWS4-HMAC-SHA256 nonsense"},
        {"authorization": signed().headers["authorization"]},  # without its date
        {"authorization": signed().headers["authorization"], "x-amz-date": "today"},
    ],
    ids=["none", "bearer", "nonsense", "no date", "no time"],
)
def test_what_is_no_signature_is_none(headers: dict[str, str]) -> None:
    request = ReceivedRequest(method="GET", path="/", query="", headers=headers, body=b"")
    assert read_signature(request) is None


@pytest.mark.parametrize("expires", ["", "-1", "604801", "9" * 5_000, "\u0663"], ids=ascii)
def test_a_presigned_url_lasts_for_a_week_at_most(expires: str) -> None:
    query = signed(expires=604_800).query
    assert read_signature(replace(signed(), headers={}, query=query)) is not None
    other = query.replace("X-Amz-Expires=604800", f"X-Amz-Expires={quote(expires)}")
    assert read_signature(replace(signed(), headers={}, query=other)) is None


def test_a_signature_that_is_no_ascii_is_another_one() -> None:
    query, _, _ = signed(expires=60).query.partition("&X-Amz-Signature=")
    request = replace(signed(), headers={"host": HOST}, query=f"{query}&X-Amz-Signature=%C3%A9")
    assert refusal(request) == MISMATCH


def test_the_host_must_be_signed() -> None:
    request = signed()
    authorization = request.headers["authorization"].replace("host;", "")
    changed = replace(request, headers={**request.headers, "authorization": authorization})
    assert "must be a 'SignedHeader'" in str(refusal(changed))
