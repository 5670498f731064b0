"""InvokeAsync, the old way to hand over an event; Invoke with type Event has taken its place.

Source: spec/invoke.md section 1.
"""

from emulator.api.invoke_http import Invoker
from emulator.control import Operation, Request, RequestContext, Response
from emulator.model import Call, LambdaError, limits
from emulator.model.steps import finish


def invoke_async(invoker: Invoker) -> Operation:
    """The operation. It takes neither a qualifier of its own nor a trace header."""

    def accept(context: RequestContext, request: Request) -> Response:
        arguments: bytes = request["InvokeArgs"]
        if len(arguments) > limits.INVOKE_ASYNC_BYTES:
            raise LambdaError(
                "RequestEntityTooLargeException",
                f"Request must be smaller than {limits.INVOKE_ASYNC_BYTES} bytes for the"
                " InvokeAsync operation",
            )
        call = Call(
            account=context.account,
            region=context.region,
            function=request["FunctionName"],
            payload=arguments or b"{}",
            request_id=context.request_id,
        )
        finish(invoker.submit_steps(call))
        return {"Status": 202}

    return accept
