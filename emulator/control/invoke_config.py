"""Settings of asynchronous invocation: how a request sets them, and which Lambda refuses.

Source: spec/async-and-destinations.md section 2.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from emulator.control.violations import invalid
from emulator.model import EventInvokeConfig

_FIELDS: Final = {"MaximumRetryAttempts": "retries", "MaximumEventAgeInSeconds": "max_age_s"}
_ENDS: Final = {"OnSuccess": "on_success", "OnFailure": "on_failure"}
_SERVICES: Final = {  # that may be destinations
    "on_success": ("sqs", "sns", "lambda", "events"),
    "on_failure": ("sqs", "sns", "lambda", "events", "s3"),
}


def changed(config: EventInvokeConfig, request: Mapping[str, Any], now: float) -> EventInvokeConfig:
    """`config` with what a request sets; raises LambdaError when it sets nothing."""
    if not {*_FIELDS, "DestinationConfig"} & request.keys():
        raise invalid("You must specify at least one of error handling or destination setting.")
    changes: dict[str, Any] = {
        field: request[member] for member, field in _FIELDS.items() if member in request
    }
    for end, field in _ENDS.items():
        if end in request.get("DestinationConfig", {}):
            changes[field] = request["DestinationConfig"][end].get("Destination") or None
    return replace(config, **changes, modified_at=now)


def check_destinations(
    config: EventInvokeConfig, own_arn: str, exists: Callable[[str], bool]
) -> None:
    """Raise LambdaError for a destination that Lambda refuses.

    own_arn: the unqualified ARN of the function. exists: tells whether an ARN is a function's.
    """
    for field, services in _SERVICES.items():
        arn = getattr(config, field)
        if arn is None:
            continue
        service = arn.split(":")[2] if arn.count(":") >= 5 else ""
        if service not in services:
            raise invalid(f"The provided destination config {_as_java(config)} is invalid.")
        if service == "lambda":
            _check_function(arn, own_arn, exists)


def answer(config: EventInvokeConfig, qualified_arn: str) -> dict[str, Any]:
    """FunctionEventInvokeConfig; what was never set is absent."""
    shown: dict[str, Any] = {"LastModified": config.modified_at, "FunctionArn": qualified_arn}
    for member, field in _FIELDS.items():
        if (value := getattr(config, field)) is not None:
            shown[member] = value
    shown["DestinationConfig"] = {
        end: {"Destination": arn} if (arn := getattr(config, field)) else {}
        for end, field in _ENDS.items()
    }
    return shown


def _check_function(arn: str, own_arn: str, exists: Callable[[str], bool]) -> None:
    if arn == own_arn or arn.startswith(f"{own_arn}:"):
        raise invalid("You can't specify the function as a destination for itself.")
    if not exists(arn):
        raise invalid(f"The destination ARN {arn} is invalid.")


def _as_java(config: EventInvokeConfig) -> str:
    ends = {end: getattr(config, field) for end, field in _ENDS.items()}
    members = ", ".join(
        f"{end[0].lower()}{end[1:]}=" + (f"{end}(destination={arn})" if arn else "null")
        for end, arn in ends.items()
    )
    return f"DestinationConfig({members})"
