"""What extensions may ask, and what they are told: values in, values out.

Source: spec/runtime-api.md section 2.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.model import FunctionVersion, Invocation
from emulator.runtime_api.extension_states import TRANSITIONS, ExtensionSignal, ExtensionState
from emulator.runtime_api.rules import ACCEPTED, Reply, Request, refuse

VERSION: Final = "/2020-01-01"
REGISTER_PATH: Final = VERSION + "/extension/register"
NEXT_PATH: Final = VERSION + "/extension/event/next"
INIT_ERROR_PATH: Final = VERSION + "/extension/init/error"
EXIT_ERROR_PATH: Final = VERSION + "/extension/exit/error"
METHODS: Final = {
    REGISTER_PATH: "POST",
    NEXT_PATH: "GET",
    INIT_ERROR_PATH: "POST",
    EXIT_ERROR_PATH: "POST",
}

INVOKE: Final = "INVOKE"
SHUTDOWN: Final = "SHUTDOWN"
MAX_EXTENSIONS: Final = 10
IDENTIFIER: Final = "lambda-extension-identifier"


@dataclass(kw_only=True, slots=True)
class Extension:
    """One extension of an environment, from the start of its process or its registration."""

    name: str
    is_external: bool
    identifier: str
    state: ExtensionState = ExtensionState.STARTED
    events: tuple[str, ...] = ()
    error_type: str | None = None  # what it told with init/error or exit/error

    def step(self, signal: ExtensionSignal) -> Reply | None:
        """Take a signal; a refusal when this state does not know it."""
        target = TRANSITIONS.get((self.state, signal))
        if target is None:
            return refuse(
                403,
                "Extension.InvalidExtensionState",
                f"State transition from {self.state.value} to {signal.value} failed for extension "
                f"{self.name}. Error: State transition is not allowed",
            )
        self.state = target
        return None


class Extensions:
    """The rules for all extensions of one environment, until its next reset. One thread at a time.

    `registered` is empty where there is no extension: all there is to ask in that case.
    """

    def __init__(self, version: FunctionVersion | None = None) -> None:
        self.registered: dict[str, Extension] = {}  # by identifier
        self._started: dict[str, Extension] = {}  # external ones by name
        self._version = version
        self._is_open = True

    def restart(self) -> None:
        """Forget all of them: their processes are gone."""
        self.registered.clear()  # the same object for ever: whoever asks often keeps it
        self._started.clear()
        self._is_open = True

    def expect(self, names: Iterable[str]) -> None:
        """Tell which external extensions are started: only these may register as such."""
        self._started = {
            name: Extension(name=name, is_external=True, identifier=str(uuid.uuid4()))
            for name in names
        }

    def close_registration(self) -> None:
        """The runtime has asked for its first event: whoever comes now is too late."""
        self._is_open = False

    @property
    def all(self) -> list[Extension]:
        """Those that were started, then internal ones, in the order they came."""
        internal = [each for each in self.registered.values() if not each.is_external]
        return [*self._started.values(), *internal]

    @property
    def have_registered(self) -> bool:
        """True when every external extension has."""
        return all(each.identifier in self.registered for each in self._started.values())

    @property
    def are_ready(self) -> bool:
        """True when every registered extension waits for an event: the init phase is over."""
        return all(each.state is ExtensionState.READY for each in self.registered.values())

    @property
    def are_done(self) -> bool:
        """True when all that hear of invocations wait for the next one."""
        return all(each.state is ExtensionState.READY for each in self.subscribers(INVOKE))

    @property
    def failed(self) -> Extension | None:
        """The first one that told of an error, or None."""
        for extension in self.registered.values():
            if extension.error_type is not None:
                return extension
        return None

    def subscribers(self, event: str) -> list[Extension]:
        """Those that asked to be told of INVOKE or SHUTDOWN."""
        return [each for each in self.registered.values() if event in each.events]

    def handle(self, request: Request) -> Reply | None:
        """Answer one request; None leaves it waiting for the extension's next event."""
        method = METHODS.get(request.path)
        if method is None:
            return refuse(404, "NotFound", f"No such path: {request.path}")
        if method != request.method:
            return refuse(405, "MethodNotAllowed", "Method not allowed")
        if request.path == REGISTER_PATH:
            return self._register(request)
        extension = self.identify(request)
        if isinstance(extension, Reply):
            return extension
        if request.path == NEXT_PATH:
            return extension.step(ExtensionSignal.NEXT)
        return _take_error(extension, request)

    def identify(self, request: Request) -> Extension | Reply:
        """Return the extension that a request comes from, or a refusal."""
        text = request.headers.get(IDENTIFIER)
        if not text:
            return _refuse(
                "MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"
            )
        try:
            identifier = str(uuid.UUID(text))
        except ValueError:
            return _refuse("InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
        extension = self.registered.get(identifier)
        if extension is None:
            return _refuse("UnknownExtensionIdentifier", f"Unknown extension {identifier}")
        return extension

    def _register(self, request: Request) -> Reply:
        name = request.headers.get("lambda-extension-name")
        if not name:
            return _refuse("InvalidExtensionName", "Empty extension name")
        try:
            events = _events_of(request.body)
        except (ValueError, RecursionError) as error:
            return refuse(403, "InvalidRequestFormat", str(error))
        external = self._started.get(name)
        refusal = _check_events(events, is_external=external is not None)
        if refusal is None and not self._is_open:
            refusal = _refuse("RegistrationClosed", "Extension registration closed already")
        if refusal is not None:
            return refusal
        return self._admit(external or self._internal(name), events, request)

    def _internal(self, name: str) -> Extension:
        known = [each for each in self.registered.values() if each.name == name]
        if known:
            return known[0]
        return Extension(name=name, is_external=False, identifier=str(uuid.uuid4()))

    def _admit(self, extension: Extension, events: tuple[str, ...], request: Request) -> Reply:
        if extension.identifier not in self.registered and len(self.registered) >= MAX_EXTENSIONS:
            return _refuse("TooManyExtensions", f"Extension limit ({MAX_EXTENSIONS}) reached")
        refusal = extension.step(ExtensionSignal.REGISTER)
        if refusal is not None:
            return refusal
        extension.events = events
        self.registered[extension.identifier] = extension
        return Reply(
            status=200,
            body=json.dumps(self._about(request), separators=(",", ":")).encode(),
            headers={"Lambda-Extension-Identifier": extension.identifier},
        )

    def _about(self, request: Request) -> dict[str, str]:
        version = self._version
        if version is None:
            return {}
        about = {
            "functionName": version.name,
            "functionVersion": version.version,
            "handler": version.handler,
        }
        features = request.headers.get("lambda-extension-accept-feature", "")
        if "accountId" in (each.strip() for each in features.split(",")):
            about["accountId"] = version.account
        return about


def invoke_event(invocation: Invocation, deadline_ms: int) -> dict[str, Any]:
    """Build what subscribers hear of an invocation; its payload is none of their business."""
    return {
        "eventType": INVOKE,
        "deadlineMs": deadline_ms,
        "requestId": invocation.request_id,
        "invokedFunctionArn": invocation.invoked_arn,
        "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_header},
    }


def shutdown_event(reason: str, deadline_ms: int) -> dict[str, Any]:
    """Build what subscribers hear of the end; reason is spindown, timeout or failure."""
    return {"eventType": SHUTDOWN, "shutdownReason": reason, "deadlineMs": deadline_ms}


def event_reply(event: Mapping[str, Any]) -> Reply:
    """Build the answer that hands an event to an extension."""
    return Reply(
        status=200,
        body=json.dumps(event, separators=(",", ":")).encode(),
        headers={"Lambda-Extension-Event-Identifier": str(uuid.uuid4())},
    )


def _events_of(body: bytes) -> tuple[str, ...]:
    """Return the events of a registration, each once; ValueError when it has not that form."""
    content = json.loads(body)
    events = content.get("events", []) if isinstance(content, dict) else None
    if not isinstance(events, list) or not all(isinstance(each, str) for each in events):
        raise ValueError('the body must be an object like {"events": ["INVOKE", "SHUTDOWN"]}')
    return tuple(dict.fromkeys(events))


def _check_events(events: tuple[str, ...], *, is_external: bool) -> Reply | None:
    for event in events:
        if event not in (INVOKE, SHUTDOWN):
            return _refuse("InvalidEventType", f"{event}: no such event")
        if event == SHUTDOWN and not is_external:
            return _refuse(
                "InvalidEventType", "SHUTDOWN: event not supported for internal extensions"
            )
    return None


def _take_error(extension: Extension, request: Request) -> Reply:
    error_type = request.headers.get("lambda-extension-function-error-type")
    if not error_type:
        return _refuse("MissingHeader", "Lambda-Extension-Function-Error-Type not found")
    is_init = request.path == INIT_ERROR_PATH
    refusal = extension.step(ExtensionSignal.INIT_ERROR if is_init else ExtensionSignal.EXIT_ERROR)
    if refusal is not None:
        return refusal
    extension.error_type = error_type
    return Reply(status=202, body=ACCEPTED)


def _refuse(error_type: str, message: str) -> Reply:
    return refuse(403, f"Extension.{error_type}", message)
