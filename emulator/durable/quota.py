"""How much one execution may do and write.

Source: Lambda quotas, durable functions; what counts: durable execution SDK, metering.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from emulator.control.violations import invalid
from emulator.durable.operation import ErrorObject, Operation, OperationType
from emulator.durable.update import Action, OperationUpdate

OPERATIONS: Final = 3_000
WRITTEN_BYTES: Final = 100 * 1_048_576


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What an execution has used so far, or what something adds to it."""

    operations: int = 0  # the execution itself, those it started, and each retry
    written_bytes: int = 0  # of payloads and errors, also those that others replaced

    def __add__(self, more: "Use") -> "Use":
        return Use(
            operations=self.operations + more.operations,
            written_bytes=self.written_bytes + more.written_bytes,
        )


def use_of(updates: Sequence[OperationUpdate], find: Callable[[str], Operation | None]) -> Use:
    """What the updates of one checkpoint add. find: an operation as it is before it."""
    started = {
        each.id
        for each in updates
        if each.type is not OperationType.EXECUTION and find(each.id) is None
    }
    retries = sum(each.action is Action.RETRY for each in updates)
    written = sum(text_bytes(each.payload) + error_bytes(each.error) for each in updates)
    return Use(operations=len(started) + retries, written_bytes=written)


def check_use(before: Use, more: Use) -> None:
    """Raise InvalidParameterValueException for operations and payloads that are too many."""
    after = before + more
    if more.operations and after.operations > OPERATIONS:
        raise invalid(f"A durable execution can have at most {OPERATIONS} operations.")
    if more.written_bytes and after.written_bytes > WRITTEN_BYTES:
        raise invalid(f"A durable execution can write at most {WRITTEN_BYTES} bytes.")


def text_bytes(text: str | None) -> int:
    """How long a payload is."""
    return 0 if text is None else len(text.encode())


def error_bytes(error: ErrorObject | None) -> int:
    """How long all fields of an error are together."""
    if error is None:
        return 0
    return sum(map(text_bytes, (error.message, error.type, error.data, *(error.stack_trace or ()))))
