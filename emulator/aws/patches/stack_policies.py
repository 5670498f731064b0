"""Stack policies: kept with their stacks, and asked before an update changes anything."""

from collections.abc import Callable
from typing import Any

from emulator.aws.patches.stack_map import validation_errors
from emulator.aws.stacks.stack_policy import StackPolicy, read_stack_policy


def policy_of(stack: Any) -> StackPolicy | None:
    """The policy of a stack; None: it has none, and all of it can be updated."""
    return checked(stack.policy)


def checked(text: str | None) -> StackPolicy | None:
    """The policy that a request brings; raises ValidationError."""
    if not text:
        return None
    with validation_errors():
        return read_stack_policy(text)


def policy_wishes(response: Any) -> dict[str, str | None]:
    """The policies of a request that creates or updates a stack; raises ValidationError."""
    found = {
        "policy": _text(response, "StackPolicy"),
        "policy_meanwhile": _text(response, "StackPolicyDuringUpdate"),
    }
    for text in found.values():
        checked(text)
    return found


def set_stack_policy(original: Any) -> Callable[..., Any]:
    """Keep no policy that cannot be read."""

    def set_stack_policy(self: Any, stack_name: str, policy_body: str) -> Any:
        checked(policy_body)
        return original(self, stack_name, policy_body)

    return set_stack_policy


def _text(response: Any, name: str) -> str | None:
    from moto.cloudformation.exceptions import ValidationError

    body, url = response._get_param(f"{name}Body"), response._get_param(f"{name}URL")
    if body and url:
        raise ValidationError(message=f"You cannot specify both {name}URL and {name}Body")
    text: str | None = response._get_stack_from_s3_url(url) if url else body
    return text
