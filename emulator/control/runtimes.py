"""Which runtime identifiers a function may be created with."""

import hashlib
from collections.abc import Sequence
from typing import Final

from emulator.control.violations import invalid, validation_error, violation

# Those that are deprecated but still creatable stand here too: spec/execution-environment.md 5.
CREATABLE: Final = (
    *("nodejs26.x", "nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x", "nodejs16.x"),
    *("python3.15", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"),
    *("python3.9", "python3.8"),
    *("java25", "java21", "java17", "java17.al2023", "java11", "java11.al2023"),
    *("java8.al2", "java8.al2023"),
    *("dotnet10", "dotnet8", "dotnet6"),
    *("ruby4.0", "ruby3.4", "ruby3.3", "ruby3.2"),
    *("provided.al2023", "provided.al2"),
)
BLOCKED: Final = (
    *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x"),
    *("nodejs12.x", "nodejs14.x", "python2.7", "python3.6", "python3.7", "java8", "go1.x"),
    *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1"),
    *("ruby2.5", "ruby2.7", "provided"),
)
_ENUM: Final = f"Member must satisfy enum value set: [{', '.join((*CREATABLE, *BLOCKED))}]"


def check_runtime(runtime: str) -> None:
    """Raise InvalidParameterValueException for an id that is unknown or no longer creatable."""
    if runtime in BLOCKED:
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating"
            " AWS Lambda functions. We recommend you use a supported runtime while creating or"
            " updating functions."
        )
    if runtime not in CREATABLE:
        raise invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum"
            f" value set: [{', '.join(CREATABLE)}] or be a valid ARN"
        )


def check_compatible(runtimes: Sequence[str]) -> None:
    """Raise ValidationException for ids in the CompatibleRuntimes of a layer that never were."""
    if any(runtime not in CREATABLE and runtime not in BLOCKED for runtime in runtimes):
        rules = f"[{_ENUM}, Member must not be null]"
        shown = f"[{', '.join(runtimes)}]"
        constraint = f"Member must satisfy constraint: {rules}"
        raise validation_error([violation(shown, "compatibleRuntimes", constraint)])


def check_wanted(runtime: str | None) -> None:
    """Raise ValidationException for a CompatibleRuntime to list layers by that never was."""
    if runtime is not None and runtime not in CREATABLE and runtime not in BLOCKED:
        raise validation_error([violation(runtime, "compatibleRuntime", _ENUM)])


def runtime_version_arn(region: str, runtime: str) -> str:
    """The ARN Lambda shows for the patch level of a runtime; ours never changes."""
    return f"arn:aws:lambda:{region}::runtime:{hashlib.sha256(runtime.encode()).hexdigest()}"
