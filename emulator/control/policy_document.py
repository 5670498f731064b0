"""A whole resource policy, as PutResourcePolicy takes it: read, and checked.

Source: spec/control-plane.md, Function policy; IAM User Guide, JSON policy elements.
"""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.control.policy import ResourcePolicy
from emulator.control.policy_evaluation import OPERATORS, listed
from emulator.control.violations import invalid, not_implemented
from emulator.model import LambdaError

_LANGUAGES: Final = ("2012-10-17", "2008-10-17")
_ELEMENTS: Final = frozenset({"Version", "Id", "Statement"})
_ACTION: Final = re.compile(r"\*|lambda:[a-zA-Z*?]+", re.IGNORECASE)
_PRINCIPALS: Final = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_NOT_EVALUATED: Final = frozenset({"NotPrincipal", "NotAction", "NotResource"})


def read_policy(text: str, arn: str) -> ResourcePolicy:
    """The policy that a text describes, for the resource `arn`; raises LambdaError."""
    document = _decode(text)
    if unknown := document.keys() - _ELEMENTS:
        raise _malformed(f"it has an unknown element {min(unknown)}")
    if document.get("Version", _LANGUAGES[0]) not in _LANGUAGES:
        raise _malformed(f"Version must be one of {', '.join(_LANGUAGES)}")
    if not isinstance(document.get("Id", ""), str):
        raise _malformed("Id must be a text")
    statements = document.get("Statement")
    statements = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(statements, list) or not statements:
        raise _malformed("it has no Statement")
    for made in statements:
        _check_statement(made, arn)
    _check_unique([made["Sid"] for made in statements if "Sid" in made])
    policy = ResourcePolicy(
        statements=tuple(statements),
        revision_id=str(uuid.uuid4()),
        language=document.get("Version", _LANGUAGES[0]),
        name=document.get("Id"),
    )
    policy.check_size()
    return policy


def _decode(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    if not isinstance(document, Mapping):
        raise _malformed("it is not a JSON object")
    return document


def _check_statement(made: Any, arn: str) -> None:
    if not isinstance(made, Mapping):
        raise _malformed("a Statement is not a JSON object")
    if negated := made.keys() & _NOT_EVALUATED:
        raise not_implemented(f"A policy with {min(negated)}", "Say what is meant instead.")
    if unknown := made.keys() - _CHECKS.keys():
        raise _malformed(f"a Statement has an unknown element {min(unknown)}")
    if missing := _REQUIRED - made.keys():
        raise _malformed(f"a Statement has no {min(missing)}")
    for element, value in made.items():
        _CHECKS[element](value)
    if any(resource != arn for resource in listed(made["Resource"])):
        raise _malformed(f"the Resource of a Statement must be {arn}")


def _check_sid(value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"[a-zA-Z0-9_-]{0,100}", value):
        raise _malformed(f"the Sid {value} is not one of letters, digits, hyphens and underscores")


def _check_effect(value: Any) -> None:
    if value not in ("Allow", "Deny"):
        raise _malformed(f"the Effect {value} is neither Allow nor Deny")


def _check_principal(value: Any) -> None:
    if value == "*":
        return
    if not isinstance(value, Mapping) or not value or value.keys() - _PRINCIPALS:
        raise _malformed("a Principal is neither * nor an object of AWS and Service")
    for names in value.values():
        _check_texts("Principal", names)


def _check_action(value: Any) -> None:
    _check_texts("Action", value)
    if wrong := [each for each in listed(value) if not _ACTION.fullmatch(each)]:
        raise _malformed(f"the Action {wrong[0]} is none of Lambda's")


def _check_resource(value: Any) -> None:
    _check_texts("Resource", value)


def _check_condition(value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(e, Mapping) for e in value.values()):
        raise _malformed("a Condition is not an object of objects")
    for operator, keys in value.items():
        if operator not in OPERATORS:
            raise not_implemented(
                f"The condition operator {operator}", f"Known are {', '.join(sorted(OPERATORS))}."
            )
        for wanted in keys.values():
            _check_texts("Condition", wanted)


def _check_texts(element: str, value: Any) -> None:
    is_list = isinstance(value, list) and bool(value)
    if not isinstance(value, str) and not (
        is_list and all(isinstance(each, str) for each in value)
    ):
        raise _malformed(f"{element} must have texts for values")


def _check_unique(sids: list[str]) -> None:
    if len(set(sids)) < len(sids):
        raise _malformed("two Statements have the same Sid")


_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = {
    "Sid": _check_sid,
    "Effect": _check_effect,
    "Principal": _check_principal,
    "Action": _check_action,
    "Resource": _check_resource,
    "Condition": _check_condition,
}
_REQUIRED: Final = _CHECKS.keys() - {"Sid", "Condition"}


def _malformed(why: str) -> LambdaError:
    return invalid(f"The provided resource policy is invalid: {why}.")
