"""Whether a request to a REST API is let through: authorizers, IAM, API keys."""

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from emulator.aws.rest_api_snapshot import RestAuthorizer
from emulator.aws.rest_apis import RestApis
from emulator.event_sources.api_gateway.authorizer_answers import (
    InvalidAnswer,
    Verdict,
    parse_policy_answer,
)
from emulator.event_sources.api_gateway.authorizer_cache import AuthorizerCache
from emulator.event_sources.api_gateway.errors import GatewayError
from emulator.event_sources.api_gateway.function_uris import function_arn
from emulator.event_sources.api_gateway.jwt_tokens import (
    InvalidToken,
    IssuerKeys,
    check_claims,
    claim_text,
    issuer_of_pool,
    scopes_of,
)
from emulator.event_sources.api_gateway.policy_document import InvalidPolicy, allows
from emulator.event_sources.api_gateway.rest_request import RestRequest
from emulator.event_sources.function_calls import FunctionCalls, NotAllowed, TookTooLong
from emulator.event_sources.payload_v1 import build_context, request_members
from emulator.model import Clock, LambdaError

_TIMEOUT_S: Final = 29.0
_TOKEN_SOURCE: Final = "method.request.header.Authorization"
_SIGNATURE: Final = "AWS4-HMAC-SHA256"
_CREDENTIAL: Final = re.compile(r"Credential=([^/,\s]+)/")


class RestAuthorizers:
    """Asks authorizers and remembers their answers. Any thread may call."""

    def __init__(
        self, calls: FunctionCalls, apis: RestApis, keys: IssuerKeys, clock: Clock
    ) -> None:
        self._calls = calls
        self._keys = keys
        self._clock = clock
        self._apis = apis
        self._cache: AuthorizerCache[Verdict] = AuthorizerCache(clock)

    def authorize(self, request: RestRequest) -> RestRequest:
        """The request with what is now known of its sender. Raises GatewayError: it is refused."""
        authorization, authorizer = request.method.authorization, request.method.authorizer
        usage_key = None
        if authorization == "AWS_IAM":
            request = _signed(request)
        elif authorization != "NONE" and authorizer is None:
            raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR", cause="no such authorizer")
        elif authorization == "CUSTOM" and authorizer is not None:
            request, usage_key = self._ask(request, authorizer)
        elif authorization == "COGNITO_USER_POOLS" and authorizer is not None:
            request = self._check_token(request, authorizer)
        return self._check_key(request, usage_key) if request.method.needs_api_key else request

    def forget(self) -> None:
        """Forget all answers."""
        self._cache.forget()

    def _ask(
        self, request: RestRequest, authorizer: RestAuthorizer
    ) -> tuple[RestRequest, str | None]:
        sources = authorizer.identity_source or (
            (_TOKEN_SOURCE,) if authorizer.kind == "TOKEN" else ()
        )
        identity = tuple(request.value_of(source) for source in sources)
        if not all(identity):
            raise GatewayError("UNAUTHORIZED", cause=f"the request lacks one of {sources}")
        if authorizer.validation and not re.fullmatch(authorizer.validation, identity[0] or ""):
            raise GatewayError("UNAUTHORIZED", cause="the token has not the form it must have")
        key = (request.stage.api.id, request.stage.name, authorizer.id, identity)
        verdict = self._cache.find(key) if identity else None
        if verdict is None:
            verdict = self._verdict(request, authorizer, identity[0] if identity else None)
            if identity:
                self._cache.keep(key, verdict, authorizer.ttl_s)
        return _obey(request, verdict), verdict.usage_key

    def _check_token(self, request: RestRequest, authorizer: RestAuthorizer) -> RestRequest:
        source = next(iter(authorizer.identity_source), _TOKEN_SOURCE)
        token = re.sub("^Bearer +", "", request.value_of(source) or "", flags=re.IGNORECASE)
        claims: Mapping[str, Any] | None = None
        for pool in authorizer.pools:
            issuer = issuer_of_pool(pool)
            with contextlib.suppress(InvalidToken):  # another pool may have issued it
                claims = self._keys.claims(token, issuer)
                check_claims(claims, issuer, None, self._clock.now())
                break
        else:
            raise GatewayError("UNAUTHORIZED", cause="no valid token of the authorizer's pools")
        assert claims is not None
        wanted = request.method.scopes
        # Without scopes the method wants an identity token, with scopes an access token.
        is_fit = set(wanted) & set(scopes_of(claims)) if wanted else claims["token_use"] == "id"
        if not is_fit:
            raise GatewayError("UNAUTHORIZED", cause=f"the token has none of the scopes {wanted}")
        shown = {name: claim_text(value) for name, value in claims.items()}
        return request.authorized({"claims": shown})

    def _verdict(
        self, request: RestRequest, authorizer: RestAuthorizer, token: str | None
    ) -> Verdict:
        front = request.front
        where = f"arn:aws:execute-api:{front.region}:{front.account}"
        arn = function_arn(authorizer.uri, request.stage.variables)
        try:
            result = self._calls.run(
                arn,
                _event(request, authorizer, token),
                source_arn=f"{where}:{front.api_id}/authorizers/{authorizer.id}",
                account=front.account,
                timeout_s=_TIMEOUT_S,
                trace=request.request.headers.get("x-amzn-trace-id"),
            )
        except (LambdaError, NotAllowed, TookTooLong) as error:
            raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR", cause=str(error)) from error
        if result.function_error:
            if _error_message(result.payload) == "Unauthorized":
                raise GatewayError("UNAUTHORIZED")
            raise GatewayError("AUTHORIZER_FAILURE", cause="the authorizer failed")
        try:
            return parse_policy_answer(result.payload)
        except InvalidAnswer as error:
            raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR", cause=str(error)) from error

    def _check_key(self, request: RestRequest, usage_key: str | None) -> RestRequest:
        from_authorizer = request.stage.api.key_source == "AUTHORIZER"
        value = usage_key if from_authorizer else request.request.headers.get("x-api-key")
        key_id = self._apis.key_is_valid(request.stage, value) if value else None
        if key_id is None:
            raise GatewayError("INVALID_API_KEY", cause="no usage plan of this stage has the key")
        return request.with_identity(apiKey=value, apiKeyId=key_id)


def _signed(request: RestRequest) -> RestRequest:
    header = request.request.headers.get("authorization", "")
    found = _CREDENTIAL.search(header)
    if not header.startswith(_SIGNATURE) or found is None:
        raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
    # Differs from API Gateway: the signature and the caller's policies are not checked.
    account = request.front.account
    return request.with_identity(
        accessKey=found[1],
        accountId=account,
        caller=found[1],
        user=found[1],
        userArn=f"arn:aws:iam::{account}:root",
    )


def _event(request: RestRequest, authorizer: RestAuthorizer, token: str | None) -> dict[str, Any]:
    if authorizer.kind == "TOKEN":
        return {
            "type": "TOKEN",
            "methodArn": request.method_arn,
            "authorizationToken": token,
        }
    return {
        "type": "REQUEST",
        "methodArn": request.method_arn,
        **request_members(request.request, request.front),
        "requestContext": build_context(request.request, request.front),
    }


def _obey(request: RestRequest, verdict: Verdict) -> RestRequest:
    try:
        allowed = allows(verdict.policy, request.method_arn)
    except InvalidPolicy as error:
        raise GatewayError("AUTHORIZER_CONFIGURATION_ERROR", cause=str(error)) from error
    if allowed is False:
        message = "User is not authorized to access this resource with an explicit deny"
        raise GatewayError("ACCESS_DENIED", message)
    if allowed is None:
        raise GatewayError("ACCESS_DENIED")
    return request.authorized({"principalId": verdict.principal, **verdict.context})


def _error_message(payload: bytes) -> str | None:
    try:
        error = json.loads(payload)
    except ValueError:
        return None
    return error.get("errorMessage") if isinstance(error, dict) else None
