"""Runs the functions of Cognito's triggers, which an app waits for."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.aws.cognito_events import (
    TIMEOUT_S,
    TRIES,
    CognitoTrigger,
    event,
    failure,
    function_arn,
    not_invoked,
    response_of,
    token_version,
)
from emulator.aws.functions import Functions
from emulator.aws.locks import ServiceLocks
from emulator.aws.permissions import InvokePermissions
from emulator.model import Call, InvocationResult, LambdaError

_PRINCIPAL: Final = "cognito-idp.amazonaws.com"


@dataclass(slots=True)
class _Outcome:
    result: InvocationResult | LambdaError | None = None


class CognitoTriggers:
    """The triggers of all user pools. Any thread may call; the locks of moto are given up."""

    def __init__(
        self, functions: Functions, permissions: InvokePermissions, locks: ServiceLocks
    ) -> None:
        self._functions = functions
        self._permissions = permissions
        self._locks = locks

    def run(self, pool: Any, key: str, trigger: CognitoTrigger) -> dict[str, Any] | None:
        """Return the response of a trigger's function; None: the pool has none for it.

        pool: moto's. key: the trigger's member of LambdaConfig. Raises CognitoTriggerError.
        """
        configuration: Mapping[str, Any] = pool.extended_config.get("LambdaConfig") or {}
        arn = function_arn(configuration, key)
        if arn is None:
            return None
        if key == "PreTokenGeneration":
            trigger = replace(trigger, version=token_version(configuration))
        if not self._permissions.allows(arn, _PRINCIPAL, pool.arn, pool.account_id):
            raise not_invoked(trigger, "AccessDeniedException")
        call = Call.to(
            arn, json.dumps(event(trigger)).encode(), source="cognito", cause=trigger.source
        )
        with self._locks.released():
            return response_of(self._answer(trigger, call))

    def _answer(self, trigger: CognitoTrigger, call: Call) -> bytes:
        for _ in range(TRIES):
            result = self._within_time(call)
            if isinstance(result, LambdaError):
                raise not_invoked(trigger, result.code)
            if result is not None:
                if result.function_error:
                    raise failure(trigger, result.payload)
                return result.payload
        raise not_invoked(trigger, "TaskTimedOut")

    def _within_time(self, call: Call) -> InvocationResult | LambdaError | None:
        """Wait for a function as long as Cognito does; it may run on afterwards."""
        outcome = _Outcome()

        def run() -> None:
            try:
                outcome.result = self._functions.invoke(call)
            except LambdaError as error:
                outcome.result = error

        thread = threading.Thread(target=run, name=f"cognito {call.cause}", daemon=True)
        thread.start()
        thread.join(TIMEOUT_S)
        return outcome.result
