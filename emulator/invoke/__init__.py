"""The one door to every function: resolve, admit, run, retry."""

from emulator.invoke.backlog import Backlog, FunctionBacklog
from emulator.invoke.identity import new_request_id, trace_header
from emulator.invoke.invoker import (
    Accepted,
    Invoker,
    InvokeSettings,
    StreamedInvocation,
    check_tenant,
)
from emulator.invoke.neighbours import Neighbours

__all__ = [
    "Accepted",
    "Backlog",
    "FunctionBacklog",
    "InvokeSettings",
    "Invoker",
    "Neighbours",
    "StreamedInvocation",
    "check_tenant",
    "new_request_id",
    "trace_header",
]
