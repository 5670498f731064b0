"""The one door to every function: resolve, admit, run, retry."""

from emulator.invoke.backlog import Backlog, FunctionBacklog
from emulator.invoke.identity import new_request_id, trace_header
from emulator.invoke.invoker import Invoker, InvokeSettings, StreamedInvocation
from emulator.invoke.neighbours import Neighbours

__all__ = [
    "Backlog",
    "FunctionBacklog",
    "InvokeSettings",
    "Invoker",
    "Neighbours",
    "StreamedInvocation",
    "new_request_id",
    "trace_header",
]
