"""JSON Web Tokens: whether a token is its issuer's, and is meant for an API.

Source: API Gateway Developer Guide, control access to HTTP APIs with JWT authorizers.
"""

import json
import re
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from emulator.event_sources.api_gateway.http_backend import (
    BackendFailed,
    BackendTookTooLong,
    HttpBackend,
)
from emulator.model import Clock

_KEYS_KEPT_S: Final = 7_200.0
_TIMEOUT_S: Final = 5.0
_ALGORITHMS: Final = ["RS256", "RS384", "RS512"]
_COGNITO: Final = re.compile(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com/(?P<pool>[^/]+)")


class InvalidToken(Exception):
    """The token is not accepted; the text says why."""


class IssuerKeys:
    """The public keys of issuers, fetched over HTTP and kept for two hours on the clock.

    Any thread may call; `_lock` guards the table, and is not held while keys are fetched. A user
    pool's keys come from this emulator.
    """

    def __init__(self, backend: HttpBackend, clock: Clock, endpoint_url: Callable[[], str]) -> None:
        self._backend = backend
        self._clock = clock
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[float, Any]] = {}

    def claims(self, token: str, issuer: str) -> Mapping[str, Any]:
        """The claims of a token that `issuer` signed. Raises InvalidToken."""
        from joserfc import jwt  # late: few APIs have JWT authorizers; moto brings it
        from joserfc.errors import JoseError

        try:
            return dict(jwt.decode(token, self._of(issuer), algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError) as error:
            raise InvalidToken(f"signature: {error}") from error

    def forget(self) -> None:
        """Forget all keys."""
        with self._lock:
            self._keys.clear()

    def _of(self, issuer: str) -> Any:
        with self._lock:
            due_s, keys = self._keys.get(issuer, (0.0, None))
        if self._clock.monotonic() < due_s:
            return keys
        keys = self._fetch(issuer)
        with self._lock:
            self._keys[issuer] = self._clock.monotonic() + _KEYS_KEPT_S, keys
        return keys

    def _fetch(self, issuer: str) -> Any:
        from joserfc.jwk import KeySet

        pool = _COGNITO.fullmatch(issuer)
        if pool:
            address = f"{self._endpoint_url()}/{pool['pool']}/.well-known/jwks.json"
        else:
            address = self._document(f"{issuer}/.well-known/openid-configuration")["jwks_uri"]
        # moto's pools name a key's use twice over, which the library does not take.
        members = ("kty", "kid", "n", "e", "alg")
        keys = [
            {name: key[name] for name in members if name in key}
            for key in self._document(address)["keys"]
            if key.get("kty") == "RSA"
        ]
        return KeySet.import_key_set({"keys": keys})

    def _document(self, url: str) -> Any:
        try:
            answer = self._backend.send(
                "GET", url, query=[], headers={}, body=b"", timeout_s=_TIMEOUT_S
            )
            return json.loads(answer.body)
        except (BackendFailed, BackendTookTooLong, ValueError) as error:
            raise InvalidToken(f"keys of the issuer: {error}") from error


def check_claims(
    claims: Mapping[str, Any], issuer: str, audience: Collection[str] | None, now_s: float
) -> None:
    """Check whose token it is, whom it is for (None: anybody) and when. Raises InvalidToken."""
    if str(claims.get("iss", "")).rstrip("/") != issuer:
        raise InvalidToken("the token has another issuer")
    meant_for = claims.get("aud", claims.get("client_id"))
    named = meant_for if isinstance(meant_for, list) else [meant_for]
    if audience is not None and not set(audience) & set(named):
        raise InvalidToken("the token does not have a valid audience")
    if _number(claims.get("exp")) <= now_s:
        raise InvalidToken("the token has expired")
    for name in ("nbf", "iat"):
        if name in claims and _number(claims[name]) > now_s:
            raise InvalidToken(f"the token is not valid yet: {name}")


def issuer_of_pool(arn: str) -> str:
    """Who signs the tokens of a Cognito user pool."""
    return f"https://cognito-idp.{arn.split(':')[3]}.amazonaws.com/{arn.rpartition('/')[2]}"


def scopes_of(claims: Mapping[str, Any]) -> list[str]:
    """The scopes a token carries."""
    scopes = claims.get("scope", claims.get("scp", ""))
    return scopes.split() if isinstance(scopes, str) else list(scopes)


def claim_text(value: Any) -> str:
    """A claim as events show it: text, a list in brackets."""
    if isinstance(value, list):
        return f"[{' '.join(map(claim_text, value))}]"
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
