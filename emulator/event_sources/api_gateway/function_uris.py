"""Which function the URI of an integration or an authorizer means."""

import re
from collections.abc import Mapping
from typing import Final

_BY_PATH: Final = re.compile(
    r"arn:[^:]+:apigateway:[^:]+:lambda:path/[^/]+/functions/(?P<arn>.+)/invocations"
)
_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}|\$stageVariables\.(\w+)")


def function_arn(uri: str, stage_variables: Mapping[str, str]) -> str:
    """The function's ARN; what is no function's URI comes back with its variables filled in."""
    filled = fill_in(uri, stage_variables)
    found = _BY_PATH.fullmatch(filled)
    return found["arn"] if found else filled


def is_function(uri: str) -> bool:
    """True when the URI means a function, as opposed to another service."""
    return ":lambda:" in uri


def fill_in(text: str, stage_variables: Mapping[str, str]) -> str:
    """Put the stage's variables where the text names them; an unknown one is empty."""
    return _VARIABLE.sub(lambda found: stage_variables.get(found[1] or found[2], ""), text)
