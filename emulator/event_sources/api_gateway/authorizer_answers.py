"""What a Lambda authorizer may answer, and what it means."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.event_sources.http_messages import compact


class InvalidAnswer(ValueError):
    """The authorizer's answer has not the form it must have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """An answer that can be kept: its policy is asked again for each method."""

    principal: str
    policy: Any
    context: Mapping[str, str]
    usage_key: str | None


def parse_policy_answer(payload: bytes) -> Verdict:
    """Read `{"principalId", "policyDocument", "context"}`. Raises InvalidAnswer."""
    try:
        answer = json.loads(payload)
    except ValueError as error:
        raise InvalidAnswer("the answer is no JSON") from error
    if not isinstance(answer, dict):
        raise InvalidAnswer("the answer is no object")
    principal, context = answer.get("principalId"), answer.get("context") or {}
    if not isinstance(principal, str) or not principal:
        raise InvalidAnswer("principalId is no string")
    if not isinstance(context, dict):
        raise InvalidAnswer("context is no object")
    if any(isinstance(value, dict | list) for value in context.values()):
        raise InvalidAnswer("context may hold strings, numbers and booleans only")
    usage_key = answer.get("usageIdentifierKey")
    return Verdict(
        principal=principal,
        policy=answer.get("policyDocument"),
        context={name: _text(value) for name, value in context.items() if value is not None},
        usage_key=usage_key if isinstance(usage_key, str) else None,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else compact(value)
