"""Custom authentication of Cognito: challenges that three functions define, create and verify."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from emulator.aws.cognito_events import CognitoTriggerError

_CUSTOM: Final = "CUSTOM_CHALLENGE"


@dataclass(kw_only=True, slots=True)
class ChallengeSession:
    """One sign-in under way; it lives in moto's sessions."""

    pool: Any
    user: Any
    done: list[dict[str, Any]] = field(default_factory=list)  # as `request.session` shows it
    private: Mapping[str, str] = field(default_factory=dict)
    metadata: str | None = None

    def __iter__(self) -> Any:
        """moto's sessions are pairs of a user's name and a pool."""
        return iter((self.user.username, self.pool))


class Challenges:
    """Drives the functions. The lock of Cognito must be held; they are asked without it.

    ask: as `PoolTriggers.ask`.
    """

    def __init__(self, ask: Callable[..., dict[str, Any] | None]) -> None:
        self._ask = ask

    def begin(self, backend: Any, pool: Any, client_id: str, username: str) -> dict[str, Any]:
        """Answer InitiateAuth with CUSTOM_AUTH."""
        user = backend.admin_get_user(pool.id, username)
        return self._go_on(backend, client_id, ChallengeSession(pool=pool, user=user))

    def respond(
        self, backend: Any, session: str, client_id: str, responses: Mapping[str, str]
    ) -> dict[str, Any]:
        """Answer RespondToAuthChallenge with CUSTOM_CHALLENGE."""
        state = backend.sessions.pop(session, None)
        if not isinstance(state, ChallengeSession):
            raise _not_authorized("Invalid session for the user.")
        request = {
            "privateChallengeParameters": dict(state.private),
            "challengeAnswer": responses.get("ANSWER", ""),
        }
        verdict = self._of(state, "VerifyAuthChallengeResponse", request, {"answerCorrect": None})
        state.done.append(
            {
                "challengeName": _CUSTOM,
                "challengeResult": bool(verdict.get("answerCorrect")),
                "challengeMetadata": state.metadata,
            }
        )
        return self._go_on(backend, client_id, state)

    def _go_on(self, backend: Any, client_id: str, state: ChallengeSession) -> dict[str, Any]:
        empty = {"challengeName": None, "issueTokens": None, "failAuthentication": None}
        plan = self._of(state, "DefineAuthChallenge", {"session": list(state.done)}, empty)
        if plan.get("failAuthentication"):
            raise _not_authorized("Incorrect username or password.")
        if plan.get("issueTokens"):
            client = state.pool.clients[client_id]
            answer: dict[str, Any] = backend._log_user_in(state.pool, client, state.user.username)
            return answer
        if plan.get("challengeName") != _CUSTOM:
            raise CognitoTriggerError(
                "InvalidLambdaResponseException",
                f"DefineAuthChallenge asked for {plan.get('challengeName')}; this emulator knows"
                f" {_CUSTOM} only.",
            )
        return self._create(backend, state)

    def _create(self, backend: Any, state: ChallengeSession) -> dict[str, Any]:
        request = {"challengeName": _CUSTOM, "session": list(state.done)}
        empty = {
            "publicChallengeParameters": None,
            "privateChallengeParameters": None,
            "challengeMetadata": None,
        }
        made = self._of(state, "CreateAuthChallenge", request, empty)
        state.private = made.get("privateChallengeParameters") or {}
        state.metadata = made.get("challengeMetadata")
        session = str(uuid.uuid4())
        backend.sessions[session] = state
        shown = made.get("publicChallengeParameters") or {}
        return {
            "ChallengeName": _CUSTOM,
            "Session": session,
            "ChallengeParameters": {"USERNAME": state.user.username, **shown},
        }

    def _of(
        self,
        state: ChallengeSession,
        key: str,
        request: Mapping[str, Any],
        empty: Mapping[str, Any],
    ) -> dict[str, Any]:
        attributes = {each["Name"]: each.get("Value", "") for each in state.user.attributes}
        source = f"{key}_Authentication"
        answer = self._ask(state.pool, key, source, state.user.username, attributes, request, empty)
        if answer is None:
            raise CognitoTriggerError(
                "InvalidLambdaResponseException", f"{key} trigger is not configured."
            )
        return answer


def _not_authorized(message: str) -> Exception:
    from moto.cognitoidp.exceptions import NotAuthorizedError

    refusal: Exception = NotAuthorizedError(message)
    return refusal
