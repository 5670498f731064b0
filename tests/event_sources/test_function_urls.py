"""Function URLs: who is let in, and what AWS answers by itself."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulator.control import Target
from emulator.model import LambdaError
from emulator.model.function_url import IAM_AUTH, FunctionUrl
from tests.event_sources.url_lab import ACCOUNT, HOST, REGION, URL_ID, UrlLab, ask, url_lab

FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see:"
    " https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}
BY_URL, AT_ALL = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"


@pytest.fixture
def call(tmp_path: Path) -> Iterator[UrlLab]:
    with url_lab(tmp_path) as lab:
        yield lab


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [HOST, HOST.upper(), f"{URL_ID}.lambda-url.us-east-1.on.aws"])
def test_a_url_is_known_by_its_host(call: UrlLab, host: str) -> None:
    call.give_url(is_declared=True)
    event = call.event("/fn/other/a%20b?x=1&x=2", headers={"Host": host, "Cookie": "a=1; b=2"})
    assert (event["rawPath"], event["rawQueryString"]) == ("/fn/other/a%20b", "x=1&x=2")
    assert (event["cookies"], event["headers"]["host"]) == (["a=1", "b=2"], host)
    context = event["requestContext"]
    assert (context["accountId"], context["apiId"]) == ("anonymous", URL_ID)
    assert context["domainName"] == f"{URL_ID}.lambda-url.us-east-1.on.aws"
    assert (context["routeKey"], context["stage"]) == ("$default", "$default")
    assert "authorizer" not in context
    assert call.door.calls[0].function == "hello"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_function(call: UrlLab, method: str) -> None:
    call.give_url(is_declared=True)
    event = call.event("/", method, headers={"Host": HOST})
    assert event["requestContext"]["http"]["method"] == method


@pytest.mark.parametrize(
    "host",
    [
        "a" + HOST,
        HOST.replace("us-east-1", "eu-west-1"),
        f"{URL_ID}.lambda-url.localhost:4566",
        "lambda-url.us-east-1.lambda-url.localhost:4566",
    ],
)
def test_a_url_that_nobody_made_is_refused_as_in_aws(call: UrlLab, host: str) -> None:
    call.give_url(is_declared=True)
    answer, body = call("/", headers={"Host": host})
    assert (answer.status, body) == (403, b'{"Message":null}')
    assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["x-amzn-RequestId"]


def test_a_url_of_an_alias_calls_the_alias(call: UrlLab) -> None:
    call.give_url(qualifier="live", is_declared=True)
    ask(call)
    assert call.door.calls[0].function == "hello:live"


def test_a_url_whose_alias_is_gone_is_forbidden(call: UrlLab) -> None:
    def refuse(_event: dict[str, Any]) -> object:
        raise LambdaError("ResourceNotFoundException", "no such alias")

    call.door.handler = refuse
    call.give_url(qualifier="live", is_declared=True)
    status, headers, body = ask(call)
    assert (status, body) == (403, FORBIDDEN)
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"


def test_a_throttled_function_answers_429(call: UrlLab) -> None:
    def refuse(_event: dict[str, Any]) -> object:
        raise LambdaError("TooManyRequestsException", "Rate Exceeded.")

    call.door.handler = refuse
    call.give_url(is_declared=True)
    status, headers, _ = ask(call)
    assert (status, headers["x-amzn-ErrorType"]) == (429, "TooManyRequestsException")


def test_a_declared_url_keeps_its_id_and_goes_with_the_declaration(call: UrlLab) -> None:
    where = Target(ACCOUNT, REGION, "hello")
    wanted = FunctionUrl(url_id="", is_declared=True)
    call.store.declare_url(where, wanted)
    first = call.store.urls.of(where)
    call.clock.advance(60)
    call.store.declare_url(where, FunctionUrl(url_id="", auth_type=IAM_AUTH, is_declared=True))
    second = call.store.urls.of(where)
    assert first is not None
    assert second is not None
    assert (second.url_id, second.created_at) == (first.url_id, first.created_at)
    assert (second.auth_type, len(first.url_id)) == (IAM_AUTH, 32)
    assert second.modified_at > first.modified_at
    call.store.declare_url(where, None)
    assert call.store.urls.of(where) is None
    call.give_url()  # over the API: no declaration takes it away
    call.store.declare_url(where, None)
    assert call.store.urls.of(where) is not None


# --- AuthType NONE -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "status"),
    [
        ([], 403),
        ([{"Action": BY_URL, "FunctionUrlAuthType": "NONE"}], 403),
        ([{"Action": AT_ALL, "InvokedViaFunctionUrl": True}], 403),
        (
            [
                {"Action": BY_URL, "FunctionUrlAuthType": "NONE"},
                {"Action": AT_ALL, "InvokedViaFunctionUrl": True},
            ],
            200,
        ),
        ([{"Action": BY_URL}, {"Action": AT_ALL}], 200),
        ([{"Action": "lambda:*"}], 200),
        (
            [
                {"Action": BY_URL, "FunctionUrlAuthType": "AWS_IAM"},
                {"Action": AT_ALL, "InvokedViaFunctionUrl": True},
            ],
            403,
        ),
        ([{"Action": "lambda:*", "Principal": ACCOUNT}], 403),
        ([{"Action": "lambda:*", "Principal": "s3.amazonaws.com"}], 403),
    ],
)
def test_without_authorization_a_policy_lets_everybody_in(
    call: UrlLab, statements: list[dict[str, Any]], status: int
) -> None:
    call.give_url()
    for number, each in enumerate(statements):
        call.allow(**{"action": each["Action"], **each, "StatementId": f"s{number}"})
    answered, headers, body = ask(call)
    assert answered == status
    if status == 403:
        assert body == FORBIDDEN
        assert headers["x-amzn-ErrorType"] == "AccessDeniedException"
        assert headers["x-amzn-RequestId"]
        assert call.door.calls == []


def test_by_name_a_function_needs_neither_url_nor_policy(call: UrlLab) -> None:
    call.give_url(auth_type=IAM_AUTH)
    assert call("/fn/hello")[0].status == 200
    assert call("/fn/orders")[0].status == 200


# --- AuthType AWS_IAM --------------------------------------------------------------------------


def signed(
    path: str = "/",
    method: str = "GET",
    body: bytes = b"",
    *,
    key: str = "test",
    secret: str = "test",
    token: str | None = None,
    presigned: bool = False,
) -> dict[str, Any]:
    """Arguments of a call, signed as botocore does."""
    request: Any = AWSRequest(method, f"http://{HOST}{path}", data=body)
    credentials = Credentials(key, secret, token)
    auth: Any = SigV4Auth(credentials, "lambda", REGION)
    if presigned:
        auth = SigV4QueryAuth(credentials, "lambda", REGION, expires=600)
    auth.add_auth(request)
    return {
        "path": request.url.removeprefix(f"http://{HOST}"),
        "method": method,
        "body": body or None,
        "headers": {"Host": HOST, **request.headers},
    }


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"path": "/a%20b/c?x=1&y=%2F", "method": "POST", "body": b'{"a":1}'},
        {"path": "/a", "presigned": True},
        {"key": "222222222222", "token": "made up"},
    ],
    ids=["plain", "path, query and body", "presigned", "another account"],
)
def test_who_signed_a_request_is_let_in_and_named(call: UrlLab, request_: dict[str, Any]) -> None:
    key = request_.get("key", "test")
    account = key if key.isdecimal() else ACCOUNT
    call.give_url(auth_type=IAM_AUTH)
    if account != ACCOUNT:
        call.allow("lambda:*", Principal=account)
    context = call.event(**signed(**request_))["requestContext"]
    assert context["accountId"] == account
    assert context["authorizer"] == {
        "iam": {
            "accessKey": key,
            "accountId": account,
            "callerId": account,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:iam::{account}:root",
            "userId": account,
        }
    }


def test_the_session_of_an_execution_role_is_named(call: UrlLab) -> None:
    call.give_url(auth_type=IAM_AUTH)
    issued = call.credentials.issue(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/r", "orders")
    keys: dict[str, Any] = {"key": issued.access_key, "secret": issued.secret_key}
    iam = call.event(**signed(**keys, token=issued.token))["requestContext"]["authorizer"]["iam"]
    assert (iam["userArn"], iam["userId"]) == (issued.arn, issued.user_id)
    for token in ("other", None):
        answer, body = call(**signed(**keys, token=token))
        assert (answer.status, answer.headers["x-amzn-ErrorType"], json.loads(body)) == (
            403,
            "UnrecognizedClientException",
            {"message": "The security token included in the request is invalid."},
        )


def test_a_request_without_a_signature_is_forbidden(call: UrlLab) -> None:
    call.give_url(auth_type=IAM_AUTH)
    for headers in ({}, {"Authorization": "Bearer abc"}):
        status, _, body = ask(call, **headers)
        assert (status, body) == (403, FORBIDDEN)
    assert call.door.calls == []


def test_a_wrong_secret_is_refused_in_the_words_of_aws(call: UrlLab) -> None:
    call.give_url(auth_type=IAM_AUTH)
    answer, body = call(**signed(secret="wrong"))
    assert answer.status == 403
    assert answer.headers["x-amzn-ErrorType"] == "InvalidSignatureException"
    assert json.loads(body)["message"].startswith(
        "The request signature we calculated does not match the signature you provided."
    )


def test_a_signature_ages_on_the_clock_of_its_signer_however_the_emulators_is_moved(
    call: UrlLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    call.give_url(auth_type=IAM_AUTH)
    call.clock.advance(86_400)
    request = signed()
    assert call(**request)[0].status == 200
    later = time.time() + 400
    monkeypatch.setattr(call.clock, "machine_now", lambda: later)
    answer, body = call(**request)
    assert (answer.status, b"Signature expired: " in body) == (403, True)


def test_another_account_needs_a_policy(call: UrlLab) -> None:
    call.give_url(auth_type=IAM_AUTH)
    request = signed(key="2" * 12)
    answer, body = call(**request)
    assert (answer.status, json.loads(body)) == (403, FORBIDDEN)
    call.allow(BY_URL, Principal="2" * 12, FunctionUrlAuthType="AWS_IAM")
    assert call(**request)[0].status == 403
    call.allow(AT_ALL, Principal="2" * 12, InvokedViaFunctionUrl=True)
    assert call(**request)[0].status == 200
