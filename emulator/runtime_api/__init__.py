"""The conversation with a runtime and its extensions: rules first, socket second."""

from emulator.runtime_api.debugger_route import VERSION as DEBUGGER_VERSION
from emulator.runtime_api.debugger_route import DebuggerRoute
from emulator.runtime_api.endpoint import RuntimeEndpoint
from emulator.runtime_api.extension_desk import ExtensionDesk
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
from emulator.runtime_api.snapshot_route import SnapshotFacts, SnapshotRoute
from emulator.runtime_api.telemetry_desk import Subscribe, TelemetryDesk
from emulator.runtime_api.telemetry_rules import (
    Destination,
    Subscription,
    TelemetryApi,
    deliverables,
)

__all__ = [
    "DEBUGGER_VERSION",
    "INVOKE",
    "SHUTDOWN",
    "Answer",
    "DebuggerRoute",
    "Destination",
    "Extension",
    "ExtensionDesk",
    "ExtensionState",
    "Extensions",
    "Outcome",
    "ResponseSink",
    "RuntimeEndpoint",
    "SnapshotFacts",
    "SnapshotRoute",
    "Subscribe",
    "Subscription",
    "TelemetryApi",
    "TelemetryDesk",
    "deliverables",
    "invoke_event",
    "shutdown_event",
    "valid_error_type",
]
