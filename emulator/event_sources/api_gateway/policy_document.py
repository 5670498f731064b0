"""What the policy that an authorizer returned says about one request."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from emulator.model.wildcard import wildcard, wildcard_regex

_ACTION: Final = "execute-api:Invoke"


class InvalidPolicy(ValueError):
    """The document is no policy, or uses what is not built."""


def allows(document: Any, method_arn: str) -> bool | None:
    """True: allowed. False: denied by a statement. None: no statement speaks of it.

    Raises InvalidPolicy.
    """
    if not isinstance(document, dict):
        raise InvalidPolicy("policyDocument is no object")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not all(isinstance(one, dict) for one in statements):
        raise InvalidPolicy("policyDocument has no Statement")
    effects = [_effect(one) for one in statements if _speaks_of(one, method_arn)]
    if "Deny" in effects:
        return False
    return True if "Allow" in effects else None


def _effect(statement: Mapping[str, Any]) -> str:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise InvalidPolicy("Effect is neither Allow nor Deny")
    if statement.get("Condition"):
        raise InvalidPolicy("a Condition in an authorizer's policy is not built in this emulator")
    return str(statement["Effect"])


def _speaks_of(statement: Mapping[str, Any], method_arn: str) -> bool:
    return _covers(statement, "Action", _ACTION, re.IGNORECASE) and _covers(
        statement, "Resource", method_arn, 0
    )


def _covers(statement: Mapping[str, Any], member: str, text: str, flags: int) -> bool:
    if f"Not{member}" in statement:
        return not _any_like(_texts(statement[f"Not{member}"]), text, flags)
    if member not in statement:
        raise InvalidPolicy(f"a statement has no {member}")
    return _any_like(_texts(statement[member]), text, flags)


def _texts(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise InvalidPolicy("Action and Resource are strings or lists of strings")
    return texts


def _any_like(patterns: Iterable[str], text: str, flags: int) -> bool:
    return any(
        wildcard_regex(wildcard(pattern), flags).fullmatch(text) is not None for pattern in patterns
    )
