"""What the dead-letter queue of a function gets of an asynchronous execution that failed.

Source: spec/async-and-destinations.md section 4; durable functions have no destinations.
"""

from typing import Final

from emulator.durable.execution import Execution
from emulator.model import DestinationMessage

_ERROR_MESSAGE_BYTES: Final = 1_024


def dead_letter(execution: Execution, target_arn: str | None) -> DestinationMessage | None:
    """The event that started it, and why it failed; None: nobody wants it."""
    if target_arn is None:
        return None
    head = execution.head
    payload = execution.operations[head.id].input or ""
    message = (head.error and head.error.message) or "Unhandled"  # no attribute may be empty
    cut = message.encode(errors="replace")[:_ERROR_MESSAGE_BYTES].decode(errors="ignore")
    return DestinationMessage(
        target_arn=target_arn,
        account=head.account,
        region=head.region,
        body=payload,
        trace_header=head.trace_header,
        attributes={
            "RequestID": ("String", head.request_id),
            "ErrorCode": ("Number", "200"),
            "ErrorMessage": ("String", cut),
        },
    )
