"""One request to a user pool: what its triggers are told, and what its tokens are to hold."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.cognito_events import (
    CognitoTrigger,
    CognitoTriggerError,
    map_of,
    unrecognizable,
)
from emulator.aws.cognito_triggers import CognitoTriggers

_MIGRATED: Final = ("CONFIRMED", "RESET_REQUIRED")  # what a user is who was taken over

here = threading.local()  # `request`, `token_source`, `token_response` of this thread's request


def remembered(original: Any) -> Any:
    """Keep the request's parameters for the triggers, and what tokens of it are to hold."""

    def respond(self: Any) -> Any:
        here.request = self
        here.token_source, here.token_response = "TokenGeneration_Authentication", None
        try:
            return original(self)
        except CognitoTriggerError as error:
            from moto.core.exceptions import JsonRESTError

            refusal = JsonRESTError(error.code, str(error))
            refusal.code = 400
            raise refusal from error
        finally:
            here.request = None

    return respond


def parameter(name: str) -> Any:
    """A member of the request; an empty map when it has none."""
    request = getattr(here, "request", None)
    return (request._get_param(name) if request is not None else None) or {}


def validation_data() -> dict[str, str] | None:
    """ValidationData of sign-up is a list, that of sign-in a map: ClientMetadata."""
    given = parameter("ValidationData")
    return {each["Name"]: each["Value"] for each in given} if given else None


def flat(attributes: list[dict[str, str]] | None) -> dict[str, str]:
    """Attributes as triggers see them."""
    return {each["Name"]: each.get("Value", "") for each in attributes or []}


def of_user(user: Any) -> dict[str, str]:
    """A user's attributes as triggers after sign-up see them."""
    status = str(getattr(user.status, "value", user.status))
    return {"sub": user.id, "cognito:user_status": status, **flat(user.attributes)}


class Asking:
    """Asks the triggers of the pool that this thread's request is for. Any thread may call."""

    def __init__(self, triggers: CognitoTriggers) -> None:
        self._triggers = triggers

    def ask(
        self,
        pool: Any,
        key: str,
        source: str,
        user_name: str,
        attributes: Mapping[str, str],
        request: Mapping[str, Any] | None = None,
        response: Mapping[str, Any] | None = None,
    ) -> dict[str, Any] | None:
        """Ask one trigger; None: the pool has no function for it. Raises CognitoTriggerError."""
        client_id = ""
        if getattr(here, "request", None) is not None:
            client_id = here.request._get_param("ClientId") or ""
        metadata = parameter("ClientMetadata")
        extras = {**(request or {}), **({"clientMetadata": metadata} if metadata else {})}
        trigger = CognitoTrigger(
            source=source,
            pool_id=pool.id,
            region=pool.region,
            user_name=user_name,
            client_id=client_id or "CLIENT_ID_NOT_APPLICABLE",
            attributes=attributes,
            request=extras,
            response=response or {},
        )
        return self._triggers.run(pool, key, trigger)

    def migrate(self, pool: Any, source: str, username: str, password: str | None) -> Any:
        """Take a user over from where a function finds it; None: there is none."""
        wanted = {
            "userAttributes": None,
            "finalUserStatus": None,
            "messageAction": None,
            "desiredDeliveryMediums": None,
            "forceAliasCreation": None,
        }
        request = {"password": password, "validationData": None}
        answer = self.ask(pool, "UserMigration", source, username, {}, request, wanted)
        found = map_of(answer or {}, "userAttributes")
        if answer is None or not found:
            return None
        from moto.cognitoidp.models import CognitoIdpUser, UserStatus

        status_name = answer.get("finalUserStatus") or "RESET_REQUIRED"
        if status_name not in _MIGRATED:
            raise unrecognizable()
        status = UserStatus[status_name]
        attributes = [
            {"Name": name, "Value": str(value)}
            for name, value in found.items()
            if name != "username"
        ]
        user = CognitoIdpUser(pool.id, username, password, status, attributes)
        pool.users[user.username] = user
        return user


def pool_of_client(backend: Any, client_id: str) -> Any:
    """The pool an app belongs to; None: there is none."""
    return next((pool for pool in backend.user_pools.values() if client_id in pool.clients), None)


def by_position(function: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """moto passes arguments by keyword in places, by position in others."""

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        rest = [named[name] for name in names[len(arguments) :]]
        return function(self, *arguments, *rest)

    return call
