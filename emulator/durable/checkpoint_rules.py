"""Which updates a checkpoint may carry, given what the execution's operations are.

Source: the answers of the service, as AWS's testing library for the durable execution SDK has them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from emulator.control.violations import invalid
from emulator.durable.operation import Operation, OperationStatus, OperationType
from emulator.durable.quota import error_bytes, text_bytes
from emulator.durable.update import Action, OperationUpdate

PAYLOAD_BYTES: Final = 1_048_576  # of every operation but a synchronous execution
ERROR_BYTES: Final = 1_048_576

Find = Callable[[str], Operation | None]

_ACTIONS: Final[Mapping[OperationType, frozenset[Action]]] = {
    OperationType.EXECUTION: frozenset({Action.SUCCEED, Action.FAIL}),
    OperationType.CONTEXT: frozenset({Action.START, Action.SUCCEED, Action.FAIL}),
    OperationType.STEP: frozenset({Action.START, Action.SUCCEED, Action.FAIL, Action.RETRY}),
    OperationType.WAIT: frozenset({Action.START, Action.CANCEL}),
    OperationType.CALLBACK: frozenset({Action.START}),
    OperationType.CHAINED_INVOKE: frozenset({Action.START}),
}
_RUNNING: Final = frozenset({OperationStatus.STARTED, OperationStatus.READY})
_TWICE: Final = frozenset({OperationType.STEP, OperationType.CONTEXT})  # start and end in one go


def check_updates(updates: Sequence[OperationUpdate], find: Find, *, may_be_large: bool) -> None:
    """Raise InvalidParameterValueException unless all updates of one checkpoint may be made.

    find: an operation as it is before the checkpoint. may_be_large: the execution was started by
    a caller that waits, so its result may have 6 MB.
    """
    executions = [each for each in updates if each.type is OperationType.EXECUTION]
    if len(executions) > 1:
        raise invalid("Cannot checkpoint multiple EXECUTION updates.")
    if executions and updates[-1] is not executions[0]:
        raise invalid("EXECUTION checkpoint must be the last update.")
    last: dict[str, OperationUpdate] = {}
    started: dict[str, OperationUpdate] = {}
    for update in updates:
        _check_repeated(update, last.get(update.id))
        _check_parent(update, started, find)
        last[update.id] = update
        if update.action is Action.START:
            started[update.id] = update
    for update in updates:
        _check_sizes(update, may_be_large)
        if update.action not in _ACTIONS[update.type]:
            raise invalid("Invalid action for the given operation type.")
        current = find(update.id)
        _check_same(update, current)
        _check_members(update)
        if update.id not in started or update is started[update.id]:
            _check_state(update, current)


def _check_repeated(update: OperationUpdate, before: OperationUpdate | None) -> None:
    if before is None:
        return
    ends_what_it_started = before.action is Action.START and update.action is not Action.START
    if before.type not in _TWICE or not ends_what_it_started:
        raise invalid("Cannot checkpoint multiple operations with the same ID.")


def _check_parent(
    update: OperationUpdate, started: Mapping[str, OperationUpdate], find: Find
) -> None:
    if update.parent_id is None:
        return
    parent = started.get(update.parent_id) or find(update.parent_id)
    if parent is None or parent.type is not OperationType.CONTEXT:
        raise invalid("Invalid parent operation id.")


def _check_sizes(update: OperationUpdate, may_be_large: bool) -> None:
    if error_bytes(update.error) > ERROR_BYTES:
        raise invalid(f"Error object size must be less than {ERROR_BYTES} bytes.")
    is_large = text_bytes(update.payload) > PAYLOAD_BYTES
    if is_large and not (may_be_large and update.type is OperationType.EXECUTION):
        what = "input" if update.type is OperationType.CHAINED_INVOKE else "output"
        raise invalid(
            f"{update.type.value} {what} payload size must be less than or equal to"
            f" {PAYLOAD_BYTES} bytes."
        )


def _check_same(update: OperationUpdate, current: Operation | None) -> None:
    if current is None:
        return
    for what, told, known in (
        ("operation type", update.type, current.type),
        ("operation subtype", update.sub_type, current.sub_type),
        ("operation name", update.name, current.name),
        ("parent operation id", update.parent_id, current.parent_id),
    ):
        if told is not None and told != known:
            raise invalid(f"Inconsistent {what}.")


def _check_members(update: OperationUpdate) -> None:
    if update.action is Action.FAIL and update.payload is not None:
        raise invalid("Cannot provide a Payload for FAIL action.")
    if update.action is Action.SUCCEED and update.error is not None:
        raise invalid("Cannot provide an Error for SUCCEED action.")
    if update.action is Action.RETRY:
        if update.next_attempt_s is None:
            raise invalid("Invalid StepOptions for the given action.")
        if update.error is not None and update.payload is not None:
            raise invalid("Cannot provide both error and payload to RETRY a STEP.")
    if update.type is OperationType.CHAINED_INVOKE and update.function_name is None:
        raise invalid("Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.")


def _check_state(update: OperationUpdate, current: Operation | None) -> None:
    if current is None:
        if update.action is Action.CANCEL:
            raise invalid(_NO_WAIT)
        return
    if update.action is Action.START:
        _check_start(update, current)
    elif update.type is OperationType.STEP and current.status not in _RUNNING:
        what = "re-attempt" if update.action is Action.RETRY else "close"
        raise invalid(f"Invalid current STEP state to {what}.")
    elif update.type is OperationType.CONTEXT and current.status is not OperationStatus.STARTED:
        raise invalid("Invalid current CONTEXT state to close.")
    elif update.action is Action.CANCEL and not current.is_open:
        raise invalid(_NO_WAIT)


def _check_start(update: OperationUpdate, current: Operation) -> None:
    if update.type is OperationType.CHAINED_INVOKE:
        raise invalid("Cannot start a CHAINED_INVOKE operation that already exists.")
    if update.type is not OperationType.STEP:
        raise invalid(f"Cannot start a {update.type.value} that already exist.")  # sic
    if current.status is not OperationStatus.READY:
        raise invalid("Invalid current STEP state to start.")


_NO_WAIT: Final = "Cannot cancel a WAIT that does not exist or has already completed."
