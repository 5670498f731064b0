"""Which function of which account a caller's words point at."""

from dataclasses import dataclass
from typing import Final

from emulator.control.violations import invalid, validation_error, violation
from emulator.model import LambdaError, function_arn, parse_function_name

NAME_CHARS: Final = 64
NAMESPACED_CHARS: Final = 256
NAMESPACED_PATTERN: Final = (  # botocore's NamespacedFunctionName, for the error's text
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?"
    r"(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A function, and the qualifier the caller gave; None when none was given."""

    account: str
    region: str
    name: str
    qualifier: str | None = None

    @property
    def arn(self) -> str:
        """The ARN, with the qualifier where one was given."""
        return function_arn(self.account, self.region, self.name, self.qualifier)


def target(account: str, region: str, function: str, qualifier: str | None = None) -> Target:
    """Read any form of a function's name, as a caller in `account` and `region` wrote it.

    Raises LambdaError for a malformed or overlong name, for two qualifiers that differ, and for
    the ARN of another region. Source: spec/invoke.md section 2.
    """
    parsed = parse_function_name(function)
    if len(function) > NAMESPACED_CHARS:
        constraint = f"Member must have length less than or equal to {NAMESPACED_CHARS}"
        raise validation_error([violation(function, "functionName", constraint)])
    if parsed is None:
        constraint = f"Member must satisfy regular expression pattern: {NAMESPACED_PATTERN}"
        raise validation_error([violation(function, "functionName", constraint)])
    if len(parsed.name) > NAME_CHARS:
        constraint = f"Member must have length less than or equal to {NAME_CHARS}"
        text = violation(parsed.name, "functionName", constraint)
        raise invalid(f"1 validation error detected: {text}")
    if parsed.qualifier and qualifier and parsed.qualifier != qualifier:
        raise invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    if parsed.region not in {None, region}:
        raise LambdaError(
            "ResourceNotFoundException",
            f"Functions from '{parsed.region}' are not reachable in this region ('{region}')",
        )
    return Target(
        account=parsed.account or account,
        region=region,
        name=parsed.name,
        qualifier=qualifier or parsed.qualifier,
    )
