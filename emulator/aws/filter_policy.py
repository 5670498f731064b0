"""Filter policies of SNS subscriptions: whether they accept a message.

Source: Amazon SNS Developer Guide, subscription filter policies; they are event patterns.
"""

import json
from collections.abc import Mapping
from typing import Any

from emulator.model.event_pattern import matches

Policy = Mapping[str, Any]


def accepts_attributes(policy: Policy, attributes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Match message attributes (`{"name": {"Type": …, "Value": …}}`); binary ones do not count."""
    values = {name: _values(each["Type"], each["Value"]) for name, each in attributes.items()}
    comparable = {name: each for name, each in values.items() if each is not None}
    return matches(_with_floats(policy), comparable)


def accepts_body(policy: Policy, message: str) -> bool:
    """Match the message; one that is no JSON object matches nothing."""
    try:
        body = json.loads(message, parse_int=float)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and matches(_with_floats(policy), body)


def _values(kind: str, value: str) -> list[Any] | None:
    """The values of a message attribute; None: it is not compared."""
    if kind == "String.Array":
        try:
            values = json.loads(value, parse_int=float)
        except (ValueError, RecursionError):
            return None
        return values if isinstance(values, list) else None
    if kind.startswith("Number"):
        return [float(value)]
    return [value] if kind.startswith("String") else None


def _with_floats(policy: Any) -> Any:
    """The policy with every number as a float: to SNS, unlike to EventBridge, 300 is 300.0."""
    if isinstance(policy, Mapping):
        return {name: _with_floats(each) for name, each in policy.items()}
    if isinstance(policy, list):
        return [_with_floats(each) for each in policy]
    return float(policy) if type(policy) is int else policy
