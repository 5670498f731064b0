"""What the dead-letter queue of a function gets of an asynchronous execution that failed.

Source: spec/async-and-destinations.md section 4; durable functions have no destinations.
"""

from typing import Final

from emulator.durable.execution import Execution
from emulator.durable.surroundings import Surroundings
from emulator.model import DestinationError, DestinationMessage, LambdaError, function_arn

_ERROR_MESSAGE_BYTES: Final = 1_024


def send_dead_letter(around: Surroundings, execution: Execution) -> None:
    """Send it, if its function wants one; one that cannot be sent is told of."""
    head = execution.head
    try:
        name = f"{head.function}:{head.version}"
        found = around.functions.look_up(head.account, head.region, name, None)
        letter = dead_letter(execution, found.version.dead_letter_arn)
        if letter is not None:
            around.destinations.send(letter)
    except LambdaError:
        return  # the function is gone, and with it who wanted a letter
    except DestinationError as error:
        arn = function_arn(head.account, head.region, head.function)
        around.metrics.of_function("DeadLetterErrors", arn)
        around.reporter.event(
            "durable.letter_lost", function=head.function, execution=head.name, error=error
        )


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
