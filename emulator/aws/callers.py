"""Who signed a request, once his signature is checked."""

import hmac
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from wsgiref.types import WSGIEnvironment

from emulator.aws.credentials import Credentials
from emulator.aws.sigv4 import ReceivedRequest, Signature, check_signature, read_signature
from emulator.model import Clock, LambdaError
from emulator.model.wsgi_headers import headers_of

# Of every access key that neither we nor moto's IAM and STS have handed out.
UNKNOWN_SECRET: Final = "test"  # no secret, but a convention of local set-ups


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """An identity, in IAM's terms."""

    access_key: str
    account: str
    user_id: str  # AIDA…, AROA…:session, or the account of its root
    arn: str
    secret: str
    token: str | None = None  # of a session
    expires_s: float | None = None  # seconds since the epoch; None: never


class Callers:
    """Checks signatures with the secrets that this emulator knows. Any thread may call."""

    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock

    def identify(
        self, environ: WSGIEnvironment, body: bytes, *, service: str, region: str
    ) -> Caller | None:
        """Who signed a request for `service`; None: nobody did. Raises LambdaError as AWS does."""
        request = _request(environ, body)
        signature = read_signature(request)
        if signature is None:
            return None
        caller = self._find(signature.access_key)
        _check_session(caller, signature, self._clock.now())
        check_signature(
            signature,
            request,
            secret=caller.secret,
            service=service,
            region=region,
            now_s=self._clock.machine_now(),  # the signer's clock has not been moved with ours
        )
        return caller

    def _find(self, access_key: str) -> Caller:
        if issued := self._credentials.find(access_key):
            return Caller(
                access_key=access_key,
                account=issued.account,
                user_id=issued.user_id,
                arn=issued.arn,
                secret=issued.secret_key,
                token=issued.token,
            )
        return _in_moto(access_key) or self._root(access_key)

    def _root(self, access_key: str) -> Caller:
        account = self._credentials.account_of(access_key)
        return Caller(
            access_key=access_key,
            account=account,
            user_id=account,
            arn=f"arn:aws:iam::{account}:root",
            secret=UNKNOWN_SECRET,
        )


def _request(environ: WSGIEnvironment, body: bytes) -> ReceivedRequest:
    return ReceivedRequest(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=environ["QUERY_STRING"],
        headers=headers_of(environ),
        body=body,
    )


def _check_session(caller: Caller, signature: Signature, now_s: float) -> None:
    given, wanted = signature.token or "", caller.token or ""
    # A key that is nobody's may come with any token: local set-ups make them up.
    if caller.token is not None and not hmac.compare_digest(given.encode(), wanted.encode()):
        raise _unrecognized()
    if caller.expires_s is not None and now_s >= caller.expires_s:
        text = "The security token included in the request is expired"
        raise LambdaError("ExpiredTokenException", text)


def _unrecognized() -> LambdaError:
    text = "The security token included in the request is invalid."
    return LambdaError("UnrecognizedClientException", text)


def _in_moto(access_key: str) -> Caller | None:
    """The user or session of a key that moto's IAM or STS made, where those are loaded."""
    for account, backend in _backends("iam"):
        key = backend.access_keys.get(access_key)
        if key is None:
            continue
        if key.status != "Active":
            raise _unrecognized()
        session = _session(account, access_key)
        user = backend.users.get(key.user_name)
        return Caller(
            access_key=access_key,
            account=account,
            user_id=session.user_id if session else user.id if user else account,
            arn=session.arn if session else user.arn if user else f"arn:aws:iam::{account}:root",
            secret=key.secret_access_key,
            token=session.session_token if session else None,
            expires_s=session.expiration.replace(tzinfo=UTC).timestamp() if session else None,
        )
    return None


def _session(account: str, access_key: str) -> Any:
    """moto's AssumedRole; None: the key is no session's."""
    for owner, backend in _backends("sts"):
        if owner == account and (role := backend.get_assumed_role_from_access_key(access_key)):
            return role
    return None


def _backends(service: str) -> Iterator[tuple[str, Any]]:
    models = sys.modules.get(f"moto.{service}.models")
    backends = getattr(models, f"{service}_backends", None) or {}
    for account, partitions in list(backends.items()):
        for backend in list(partitions.values()):
            yield str(account), backend
