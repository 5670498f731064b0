"""The conversation with a runtime and its extensions: rules first, socket second."""

from emulator.runtime_api.endpoint import Route, RuntimeEndpoint
from emulator.runtime_api.extension_states import ExtensionState
from emulator.runtime_api.extensions import (
    INVOKE,
    SHUTDOWN,
    Extension,
    Extensions,
    invoke_event,
    shutdown_event,
)
from emulator.runtime_api.response_stream import ResponseSink
from emulator.runtime_api.rules import Answer, Outcome, valid_error_type

__all__ = [
    "INVOKE",
    "SHUTDOWN",
    "Answer",
    "Extension",
    "ExtensionState",
    "Extensions",
    "Outcome",
    "ResponseSink",
    "Route",
    "RuntimeEndpoint",
    "invoke_event",
    "shutdown_event",
    "valid_error_type",
]
