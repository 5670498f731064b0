"""The one door to every function: resolve, admit, run, retry."""

from emulator.invoke.event_queue import Backlog
from emulator.invoke.identity import new_request_id, trace_header
from emulator.invoke.invoker import Invoker, InvokeSettings
from emulator.invoke.neighbours import Neighbours

__all__ = ["Backlog", "InvokeSettings", "Invoker", "Neighbours", "new_request_id", "trace_header"]
