"""Texts of ValidationException, the same wherever a value is checked."""

from collections.abc import Sequence

from emulator.model import LambdaError


def violation(value: object, member: str, constraint: str) -> str:
    """One violation; `member` is the lowerCamel path, a value of None reads `null`.

    Source: spec/invoke.md section 3.
    """
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{member}' failed to satisfy constraint: {constraint}"


def joined(violations: Sequence[str]) -> str:
    """All violations of one request as Lambda counts and joins them."""
    plural = "" if len(violations) == 1 else "s"
    return f"{len(violations)} validation error{plural} detected: {'; '.join(violations)}"


def validation_error(violations: Sequence[str]) -> LambdaError:
    """The answer to a request that breaks the constraints of the service model."""
    return LambdaError("ValidationException", joined(violations))


def invalid(message: str) -> LambdaError:
    """The answer to a request whose meaning is wrong, though its form is right."""
    return LambdaError("InvalidParameterValueException", message)


def not_implemented(what: str, instead: str) -> LambdaError:
    """The answer to what AWS has and this emulator has not built yet."""
    return LambdaError(
        "NotImplemented", f"{what} is not implemented by this emulator yet. {instead}"
    )
