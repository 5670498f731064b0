"""One operation of the Lambda API, from its members to what it returns."""

from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel

from emulator.api.service_model import service_model
from emulator.api.validation import check
from emulator.control import Operation, RequestContext
from emulator.control.violations import not_implemented


def find(operations: Mapping[str, Operation], name: str) -> Operation:
    """The function that does an operation; raises LambdaError for one that is not built yet."""
    run = operations.get(name)
    if run is None:
        raise not_implemented(name, "See docs/coverage.md for what is.")
    return run


def operate(
    operations: Mapping[str, Operation],
    context: RequestContext,
    name: str,
    members: Mapping[str, Any],
) -> Mapping[str, Any]:
    """Do an operation, checks included; members: in botocore's names and types."""
    run = find(operations, name)
    model: OperationModel = service_model().operation_model(name)
    given = {member: value for member, value in members.items() if value is not None}
    check(model, given)
    return run(context, given)
