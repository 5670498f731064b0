"""What a resource policy allows: its statements matched with who asks for what.

Source: IAM User Guide, policy evaluation logic and condition operators.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from emulator.control.policy import ResourcePolicy, Statement
from emulator.model.wildcard import wildcard, wildcard_regex

Context = Mapping[str, str | None]  # condition key, in any case: value; None: not in this request
Matches = Callable[[str, str], bool]  # what a condition wants, what the request has


def allows_service(
    policy: ResourcePolicy, service: str, source_arn: str | None, source_account: str | None
) -> bool:
    """Whether a policy lets `service` invoke the function on behalf of that source."""

    def is_meant(kind: str, name: str) -> bool:
        return name == "*" or (kind, name) == ("Service", service)

    context = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_account}
    return _allows(policy, is_meant, "lambda:InvokeFunction", context)


def allows_account(
    policy: ResourcePolicy, account: str, action: str, context: Context | None = None
) -> bool:
    """Whether a policy lets another account do `action` (`lambda:GetFunction`)."""

    def is_meant(kind: str, name: str) -> bool:
        return name == "*" or (kind == "AWS" and (name == account or f"::{account}:" in name))

    return _allows(policy, is_meant, action, {**_known(account), **(context or {})})


def denies_account(
    policy: ResourcePolicy, account: str, action: str, context: Context | None = None
) -> bool:
    """Whether a policy keeps all of an account from doing `action`."""

    def is_meant(_: str, name: str) -> bool:
        return name in ("*", account, f"arn:aws:iam::{account}:root")

    return "Deny" in _effects(policy, is_meant, action, {**_known(account), **(context or {})})


def _known(account: str) -> Context:
    return {"aws:SourceAccount": account, "aws:PrincipalAccount": account}


def _allows(
    policy: ResourcePolicy, is_meant: Callable[[str, str], bool], action: str, context: Context
) -> bool:
    return _effects(policy, is_meant, action, context) == {"Allow"}  # one Deny outweighs them all


def _effects(
    policy: ResourcePolicy, is_meant: Callable[[str, str], bool], action: str, context: Context
) -> set[str]:
    """The effects of all statements that are about this request."""
    present = {key.lower(): value for key, value in context.items() if value is not None}
    return {
        made["Effect"]
        for made in policy.statements
        if any(is_meant(kind, name) for kind, name in _principals(made["Principal"]))
        and any(_like(wanted.lower(), action.lower()) for wanted in listed(made["Action"]))
        and _conditions_hold(made, present)
    }


def listed(value: Any) -> Sequence[str]:
    """The values of an element of a policy, which may be one text or a list of them."""
    return [value] if isinstance(value, str) else value


def _principals(value: Any) -> list[tuple[str, str]]:
    """Kind and name of each principal; the kind of `*` is AWS."""
    if isinstance(value, str):
        return [("AWS", value)]
    return [(kind, name) for kind, names in value.items() for name in listed(names)]


def _conditions_hold(made: Statement, context: Mapping[str, str]) -> bool:
    return all(
        _holds(operator, listed(wanted), context.get(key.lower()))
        for operator, keys in made.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, wanted: Sequence[str], actual: str | None) -> bool:
    name = operator.removesuffix("IfExists")
    if name == "Null":
        return (actual is None) is (wanted[0].lower() == "true")
    if actual is None:  # without the key only "it is not that" is true
        return operator != name or name in _NEGATED
    if name in _NEGATED:
        return not any(_NEGATED[name](each, actual) for each in wanted)
    return any(_OPERATORS[name](each, actual) for each in wanted)


def _equal(wanted: str, actual: str) -> bool:
    return wanted == actual


def _equal_in_any_case(wanted: str, actual: str) -> bool:
    return wanted.lower() == actual.lower()


def _like(pattern: str, text: str) -> bool:
    """`*` stands for any characters, `?` for one."""
    return wildcard_regex(wildcard(pattern)).fullmatch(text) is not None


def _arn_like(wanted: str, actual: str) -> bool:
    """Compare ARNs part by part: a wildcard does not reach over a colon of the first five."""
    parts = wanted.split(":", 5), actual.split(":", 5)
    return len(parts[0]) == len(parts[1]) and all(map(_like, *parts))


_OPERATORS: Final[Mapping[str, Matches]] = {
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": _equal_in_any_case,
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_in_any_case,
    "StringLike": _like,
}
_NEGATED: Final[Mapping[str, Matches]] = {
    "ArnNotEquals": _arn_like,
    "ArnNotLike": _arn_like,
    "StringNotEquals": _equal,
    "StringNotEqualsIgnoreCase": _equal_in_any_case,
    "StringNotLike": _like,
}
OPERATORS: Final = frozenset(  # that a condition can be evaluated with
    name + suffix for name in (*_OPERATORS, *_NEGATED) for suffix in ("", "IfExists")
) | {"Null"}
