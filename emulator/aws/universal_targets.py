"""Universal targets of EventBridge Scheduler: `arn:aws:scheduler:::aws-sdk:SERVICE:ACTION`."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

_FORM: Final = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:([a-z0-9]+):([a-zA-Z0-9]+)")
_SERVICES: Final = {  # the SDK's word to botocore's, where they differ
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "eventbridge": "events",
    "sfn": "stepfunctions",
}
# Operations that only read are refused. Source: EventBridge Scheduler User Guide.
_READING: Final = (
    *("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read"),
    *("lookup", "discover", "validate", "batchGet", "batchDescribe", "batchRead", "transactGet"),
)


@dataclass(frozen=True, slots=True)
class UniversalTarget:
    """An operation by botocore's names."""

    service: str
    operation: str


def universal_target(arn: str) -> UniversalTarget | None:
    """What an ARN of that form calls; None for an ARN of another form."""
    match = _FORM.fullmatch(arn)
    if match is None:
        return None
    action = match[2]
    return UniversalTarget(_SERVICES.get(match[1], match[1]), action[0].upper() + action[1:])


def problem_of(target: UniversalTarget) -> str | None:
    """Why an operation cannot be called by a schedule; None when it can."""
    if target.service == "lambda":
        if target.operation == "Invoke":
            return None
        return f"the emulator calls no {target.operation} of Lambda for a schedule"
    action = target.operation[0].lower() + target.operation[1:]
    if re.match(rf"({'|'.join(_READING)})([A-Z]|$)", action):
        return f"{action} only reads, and a schedule calls no operation that only reads"
    if target.operation not in _operations(target.service):
        return f"there is no operation {action} of {target.service}"
    return None


@cache
def _operations(service: str) -> frozenset[str]:
    from botocore.exceptions import UnknownServiceError
    from botocore.loaders import Loader

    loader: Any = Loader()
    try:
        return frozenset(loader.load_service_model(service, "service-2")["operations"])
    except UnknownServiceError:
        return frozenset()
