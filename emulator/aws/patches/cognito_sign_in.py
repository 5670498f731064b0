"""Signing in to a user pool: before, after, by custom challenges, and what tokens hold."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.aws.cognito_events import token_version, with_overrides
from emulator.aws.patches.cognito_challenges import Challenges
from emulator.aws.patches.cognito_request import (
    Asking,
    by_position,
    here,
    of_user,
    parameter,
    pool_of_client,
)


class SignIn:
    """What surrounds moto's methods of authentication. Any thread may call."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def around_sign_in(self, challenges: Challenges, *, is_admins: bool) -> Callable[[Any], Any]:
        """Ask before and after a user signs in."""

        def make(original: Any) -> Any:
            def initiate_auth(backend: Any, *arguments: Any) -> Any:
                client_id, flow, parameters = arguments[-3:]
                pool = (
                    backend.describe_user_pool(arguments[0])
                    if is_admins
                    else pool_of_client(backend, client_id)
                )
                if pool is None:
                    return original(backend, *arguments)
                is_refresh = flow in ("REFRESH_TOKEN", "REFRESH_TOKEN_AUTH")
                username = _username(parameters) if not is_refresh else ""
                if flow == "CUSTOM_AUTH":
                    return challenges.begin(backend, pool, client_id, username)
                if is_refresh:
                    here.token_source = "TokenGeneration_RefreshTokens"
                    return original(backend, *arguments)
                self._before_sign_in(backend, pool, username, parameters.get("PASSWORD"))
                answer = original(backend, *arguments)
                return self._signed_in(pool, username, answer)

            names = ["user_pool_id"] * is_admins + ["client_id", "auth_flow", "auth_parameters"]
            return by_position(initiate_auth, names)

        return make

    def around_challenge(self, challenges: Challenges) -> Callable[[Any], Any]:
        """Ask after a challenge was met; custom ones are all ours."""

        def make(original: Any) -> Any:
            def respond(
                backend: Any, session: str, client_id: str, challenge_name: str, responses: Any
            ) -> Any:
                if challenge_name == "CUSTOM_CHALLENGE":
                    return challenges.respond(backend, session, client_id, responses)
                if challenge_name == "NEW_PASSWORD_REQUIRED":
                    here.token_source = "TokenGeneration_NewPasswordChallenge"
                answer = original(backend, session, client_id, challenge_name, responses)
                pool = pool_of_client(backend, client_id)
                return self._signed_in(pool, responses.get("USERNAME", ""), answer)

            return by_position(
                respond, ["session", "client_id", "challenge_name", "challenge_responses"]
            )

        return make

    def _before_sign_in(self, backend: Any, pool: Any, username: str, password: str | None) -> None:
        user = pool._get_user(username)
        if user is None and password is not None:
            source = "UserMigration_Authentication"
            user = self._asking.migrate(pool, source, username, password)
        if user is not None:
            request = {"validationData": parameter("ClientMetadata") or None}
            source = "PreAuthentication_Authentication"
            self._asking.ask(
                pool, "PreAuthentication", source, user.username, of_user(user), request
            )

    def _signed_in(self, pool: Any, username: str, answer: Any) -> Any:
        if answer and "AuthenticationResult" in answer:
            user = pool._get_user(username)
            request = {"newDeviceUsed": False}
            source = "PostAuthentication_Authentication"
            self._asking.ask(
                pool, "PostAuthentication", source, user.username, of_user(user), request
            )
        return answer

    def around_token(self, original: Any) -> Any:
        """Ask once a request what its tokens are to hold."""

        def create_jwt(
            pool: Any,
            client_id: str,
            username: str,
            token_use: str,
            expires_in: int = 3600,
            extra_data: dict[str, Any] | None = None,
        ) -> Any:
            response = self._token_response(pool, username)
            if response:
                version = token_version(pool.extended_config["LambdaConfig"])
                extra_data = with_overrides(extra_data or {}, response, version, token_use)
            return original(pool, client_id, username, token_use, expires_in, extra_data)

        return create_jwt

    def _token_response(self, pool: Any, username: str) -> dict[str, Any]:
        """What the function said: it is asked once for all tokens of a request."""
        known = getattr(here, "token_response", None)
        if known is not None:
            return dict(known)
        user = pool._get_user(username)
        groups = {
            "groupsToOverride": sorted(group.group_name for group in user.groups),
            "iamRolesToOverride": sorted(group.role_arn for group in user.groups if group.role_arn),
            "preferredRole": None,
        }
        request: dict[str, Any] = {"groupConfiguration": groups}
        version = token_version(pool.extended_config.get("LambdaConfig") or {})
        empty = "claimsOverrideDetails" if version == "1" else "claimsAndScopeOverrideDetails"
        if version != "1":
            request["scopes"] = ["aws.cognito.signin.user.admin"]
        source = getattr(here, "token_source", "TokenGeneration_Authentication")
        answer = self._asking.ask(
            pool,
            "PreTokenGeneration",
            source,
            user.username,
            of_user(user),
            request,
            {empty: None},
        )
        here.token_response = answer or {}
        return answer or {}


def _username(parameters: Mapping[str, str] | None) -> str:
    from moto.cognitoidp.exceptions import InvalidParameterException

    if not parameters or not parameters.get("USERNAME"):
        raise InvalidParameterException("Missing required parameter USERNAME")
    return parameters["USERNAME"]
