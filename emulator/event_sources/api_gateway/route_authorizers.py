"""Whether a request to an HTTP API is let through: Lambda and JWT authorizers, IAM."""

import json
import re
from typing import Any, Final

from emulator.aws.http_api_snapshot import RouteAuthorizer
from emulator.event_sources.api_gateway.authorizer_answers import (
    InvalidAnswer,
    parse_policy_answer,
)
from emulator.event_sources.api_gateway.authorizer_cache import AuthorizerCache
from emulator.event_sources.api_gateway.function_uris import function_arn
from emulator.event_sources.api_gateway.jwt_tokens import (
    InvalidToken,
    IssuerKeys,
    check_claims,
    claim_text,
    scopes_of,
)
from emulator.event_sources.api_gateway.policy_document import InvalidPolicy, allows
from emulator.event_sources.api_gateway.route_errors import RouteError
from emulator.event_sources.api_gateway.route_request import RouteRequest
from emulator.event_sources.function_calls import FunctionCalls, NotAllowed, TookTooLong
from emulator.model import Clock, LambdaError

_TIMEOUT_S: Final = 10.0
_CREDENTIAL: Final = re.compile(r"AWS4-HMAC-SHA256 .*Credential=([^/,\s]+)/")


class RouteAuthorizers:
    """Asks authorizers and remembers their answers. Any thread may call."""

    def __init__(self, calls: FunctionCalls, keys: IssuerKeys, clock: Clock) -> None:
        self._calls = calls
        self._keys = keys
        self._clock = clock
        self._cache: AuthorizerCache[bytes] = AuthorizerCache(clock)

    def authorize(self, request: RouteRequest) -> RouteRequest:
        """The request with what is now known of its sender. Raises RouteError: it is refused."""
        route = request.route
        if route.authorization == "NONE":
            return request
        if route.authorization == "AWS_IAM":
            return _signed(request)
        if route.authorizer is None:
            raise RouteError(500, "the route's authorizer does not exist")
        if route.authorizer.kind == "JWT":
            return self._check_token(request, route.authorizer)
        return self._ask(request, route.authorizer)

    def forget(self) -> None:
        """Forget all answers and keys."""
        self._cache.forget()
        self._keys.forget()

    def _ask(self, request: RouteRequest, authorizer: RouteAuthorizer) -> RouteRequest:
        sources = authorizer.identity_source
        identity = tuple(request.value_of(source) for source in sources)
        if not all(identity):
            raise RouteError(401, f"the request lacks one of {sources}")
        key = (request.stage.api.id, request.stage.name, authorizer.id, identity)
        payload = self._cache.find(key) if sources else None
        if payload is None:
            payload = self._answer(request, authorizer, identity)
            if sources:
                self._cache.keep(key, payload, authorizer.ttl_s)
        is_allowed, context = _read(payload, authorizer, request)
        if not is_allowed:
            raise RouteError(403, "the authorizer said no")
        return request.authorized({"lambda": context}) if context else request

    def _answer(
        self, request: RouteRequest, authorizer: RouteAuthorizer, identity: tuple[str | None, ...]
    ) -> bytes:
        try:
            result = self._calls.run(
                function_arn(authorizer.uri, request.stage.variables),
                authorizer_event(request, authorizer, identity),
                source_arn=f"{request.api_arn}/authorizers/{authorizer.id}",
                account=request.stage.api.account,
                timeout_s=_TIMEOUT_S,
                trace=request.request.headers.get("x-amzn-trace-id"),
            )
        except (LambdaError, NotAllowed, TookTooLong) as error:
            raise RouteError(500, f"authorizer: {error}") from error
        if result.function_error:
            raise RouteError(500, "the authorizer failed")
        return result.payload

    def _check_token(self, request: RouteRequest, authorizer: RouteAuthorizer) -> RouteRequest:
        source = next(iter(authorizer.identity_source), "$request.header.Authorization")
        value = request.value_of(source)
        if not value:
            raise RouteError(401, f"the request lacks {source}", challenge="Bearer")
        token = re.sub(r"^Bearer +", "", value, flags=re.IGNORECASE)
        try:
            claims = self._keys.claims(token, authorizer.issuer)
            check_claims(claims, authorizer.issuer, authorizer.audience, self._clock.now())
        except InvalidToken as error:
            challenge = (
                f'Bearer scope="{" ".join(request.route.scopes)}" error="invalid_token"'
                f' error_description="{error}"'
            )
            raise RouteError(401, str(error), challenge=challenge) from error
        wanted, given = request.route.scopes, scopes_of(claims)
        if wanted and not set(wanted) & set(given):
            challenge = f'Bearer scope="{" ".join(wanted)}" error="insufficient_scope"'
            raise RouteError(403, "the token has none of the scopes", challenge=challenge)
        shown = {name: claim_text(value) for name, value in claims.items()}
        return request.authorized({"jwt": {"claims": shown, "scopes": given if wanted else None}})


def authorizer_event(
    request: RouteRequest, authorizer: RouteAuthorizer, identity: tuple[str | None, ...]
) -> dict[str, Any]:
    """The event of a Lambda authorizer, in its payload version."""
    if authorizer.payload_version == "1.0":
        joined = ",".join(text or "" for text in identity)
        context = request.context_v1()
        del context["authorizer"]
        return {
            "version": "1.0",
            "type": "REQUEST",
            "methodArn": _method_arn(request),
            "identitySource": joined,
            "authorizationToken": joined,
            **request.members_v1(),
            "requestContext": context,
        }
    event = request.event("2.0")
    for name in ("body", "isBase64Encoded"):
        event.pop(name, None)
    return {
        **event,
        "type": "REQUEST",
        "routeArn": _method_arn(request),
        "identitySource": list(identity),
    }


def _method_arn(request: RouteRequest) -> str:
    return f"{request.api_arn}/{request.stage.name}/{request.request.method}{request.path}"


def _read(
    payload: bytes, authorizer: RouteAuthorizer, request: RouteRequest
) -> tuple[bool, dict[str, Any]]:
    """Whether the answer lets the request through, and its context. Raises RouteError."""
    try:
        if authorizer.is_simple and authorizer.payload_version != "1.0":
            answer = json.loads(payload)
            if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
                raise InvalidAnswer("isAuthorized is no boolean")
            return answer["isAuthorized"], dict(answer.get("context") or {})
        verdict = parse_policy_answer(payload)
        is_allowed = allows(verdict.policy, _method_arn(request)) is True
        context = json.loads(payload).get("context") or {}
        return is_allowed, {"principalId": verdict.principal, **context}
    except (InvalidAnswer, InvalidPolicy, TypeError, ValueError) as error:
        raise RouteError(500, f"authorizer: {error}") from error


def _signed(request: RouteRequest) -> RouteRequest:
    found = _CREDENTIAL.search(request.request.headers.get("authorization", ""))
    if found is None:
        raise RouteError(403, "the request is not signed")
    # Differs from API Gateway: the signature and the caller's policies are not checked.
    account = request.stage.api.account
    iam = {
        "accessKey": found[1],
        "accountId": account,
        "callerId": found[1],
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{account}:root",
        "userId": found[1],
    }
    return request.authorized({"iam": iam})
