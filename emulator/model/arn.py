"""Names of functions as callers write them: bare, qualified, partial ARN, ARN."""

import re
from dataclasses import dataclass
from typing import Final

DEFAULT_ACCOUNT: Final = "000000000000"
DEFAULT_REGION: Final = "us-east-1"
LATEST: Final = "$LATEST"
LATEST_PUBLISHED: Final = "$LATEST.PUBLISHED"  # of managed instances, published without a number

_FUNCTION = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_.]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function name taken apart; what the caller left out is None."""

    name: str
    qualifier: str | None = None
    account: str | None = None
    region: str | None = None


def parse_function_name(text: str) -> FunctionName | None:
    """Take `my-f`, `my-f:prod`, `123456789012:function:my-f` or an ARN apart; None: no such form.

    Source: spec/invoke.md section 2.
    """
    match = _FUNCTION.fullmatch(text)
    if match is None:
        return None
    return FunctionName(
        name=match["name"],
        qualifier=match["qualifier"],
        account=match["account"],
        region=match["region"],
    )


def bare_name(text: str) -> str:
    """The name in any form of it, without account, region and qualifier; another text as it is."""
    parsed = parse_function_name(text)
    return parsed.name if parsed else text


def function_arn(account: str, region: str, name: str, qualifier: str | None = None) -> str:
    """ARN of a function, with the qualifier when one is given."""
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}"
    return arn if qualifier is None else f"{arn}:{qualifier}"


def layer_arn(account: str, region: str, name: str) -> str:
    """ARN of a layer, without a version."""
    return f"arn:aws:lambda:{region}:{account}:layer:{name}"
