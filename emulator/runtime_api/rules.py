"""What a runtime may ask in which state, and what it is told: values in, values out.

STARTED ---NEXT----------> READY
STARTED ---INIT_ERROR----> INIT_ERROR
READY -----DELIVER-------> RUNNING
RUNNING ---NEXT----------> RUNNING
RUNNING ---RESPONSE------> RESPONDED
RUNNING ---ERROR---------> RESPONDED
RESPONDED -NEXT----------> READY

Source: spec/runtime-api.md section 1.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from emulator.model import Invocation
from emulator.model.limits import SYNC_RESPONSE_BYTES

VERSION: Final = "/2018-06-01/runtime/"
NEXT_PATH: Final = VERSION + "invocation/next"
INVOCATION: Final = VERSION + "invocation/"
_ERROR_TYPE: Final = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
ACCEPTED: Final = b'{"status":"OK"}\n'


class State(Enum):
    """Where the conversation with a runtime stands."""

    STARTED = "Started"
    INIT_ERROR = "InitError"
    READY = "Ready"
    RUNNING = "Running"
    RESPONDED = "RuntimeResponseSentState"


class Signal(Enum):
    """What can happen in the conversation; the value is AWS's word in the error text."""

    NEXT = "Ready"
    DELIVER = "Running"
    RESPONSE = "InvocationResponse"
    ERROR = "InvocationErrorResponse"
    INIT_ERROR = "InitError"


TRANSITIONS: Final[Mapping[tuple[State, Signal], State]] = {
    (State.STARTED, Signal.NEXT): State.READY,  # ends the init phase
    (State.STARTED, Signal.INIT_ERROR): State.INIT_ERROR,
    (State.READY, Signal.DELIVER): State.RUNNING,
    (State.RUNNING, Signal.NEXT): State.RUNNING,  # the same event is delivered again
    (State.RUNNING, Signal.RESPONSE): State.RESPONDED,
    (State.RUNNING, Signal.ERROR): State.RESPONDED,
    (State.RESPONDED, Signal.NEXT): State.READY,
}


class Outcome(Enum):
    """How a runtime answered an invocation, or the init phase."""

    RESPONSE = auto()
    ERROR = auto()
    INIT_ERROR = auto()
    TOO_LARGE = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request of a runtime; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What to answer; a `Request` for the next event gets none until there is one."""

    status: int
    body: bytes
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the runtime said in the end; `error_type` is the header's, or None."""

    outcome: Outcome
    body: bytes
    error_type: str | None = None


class Conversation:
    """The rules for one runtime process. One thread at a time."""

    def __init__(self) -> None:
        self.state = State.STARTED
        self.current: Invocation | None = None
        self.answer: Answer | None = None  # of the current invocation or of the init phase

    def deliver(self, invocation: Invocation) -> None:
        """Make `invocation` the current one; only in READY."""
        self.state = TRANSITIONS[self.state, Signal.DELIVER]
        self.current = invocation
        self.answer = None

    def handle(self, request: Request) -> Reply | None:
        """Answer one request; None leaves it waiting for the next event."""
        if request.method == "GET":
            return self._get(request.path)
        if request.method != "POST":
            return refuse(405, "MethodNotAllowed", "Method not allowed")
        if request.path == VERSION + "init/error":
            return self._init_error(request)
        if request.path.startswith(INVOCATION):
            return self._answer(request)
        return refuse(404, "NotFound", f"No such path: {request.path}")

    def _get(self, path: str) -> Reply | None:
        if path == NEXT_PATH:
            return self._step(Signal.NEXT)
        if path == "/2018-06-01/ping":
            return Reply(status=200, body=b"pong")
        return refuse(404, "NotFound", f"No such path: {path}")

    def _step(self, signal: Signal) -> Reply | None:
        target = TRANSITIONS.get((self.state, signal))
        if target is None:
            return refuse(
                403,
                "InvalidStateTransition",
                f"State transition from {self.state.value} to {signal.value} failed for runtime. "
                "Error: State transition is not allowed",
            )
        self.state = target
        return None

    def _init_error(self, request: Request) -> Reply:
        refusal = self._step(Signal.INIT_ERROR)
        if refusal is not None:
            return refusal
        self.answer = Answer(
            outcome=Outcome.INIT_ERROR, body=request.body, error_type=_error_type(request)
        )
        return Reply(status=202, body=ACCEPTED)

    def _answer(self, request: Request) -> Reply:
        request_id, _, kind = request.path[len(INVOCATION) :].partition("/")
        if kind not in ("response", "error"):
            return refuse(404, "NotFound", f"No such path: {request.path}")
        if self.state is not State.STARTED and not self._is_current(request_id):
            return refuse(400, "InvalidRequestID", "Invalid request ID")
        mode = request.headers.get("lambda-runtime-function-response-mode")
        if mode not in (None, "streaming"):
            return refuse(400, "InvalidFunctionResponseMode", "Invalid function response mode")
        signal = Signal.RESPONSE if kind == "response" else Signal.ERROR
        refusal = self._step(signal)
        if refusal is not None:
            return refusal
        return self._accept(request, signal)

    def _is_current(self, request_id: str) -> bool:
        return self.current is not None and self.current.request_id == request_id

    def _accept(self, request: Request, signal: Signal) -> Reply:
        if len(request.body) > SYNC_RESPONSE_BYTES:
            self.answer = Answer(outcome=Outcome.TOO_LARGE, body=b"")
            text = f"Exceeded maximum allowed payload size ({SYNC_RESPONSE_BYTES} bytes)."
            return refuse(413, "RequestEntityTooLarge", text)
        if signal is Signal.RESPONSE:
            self.answer = Answer(outcome=Outcome.RESPONSE, body=request.body)
        else:
            self.answer = Answer(
                outcome=Outcome.ERROR, body=request.body, error_type=_error_type(request)
            )
        return Reply(status=202, body=ACCEPTED)


def refuse(status: int, error_type: str, message: str) -> Reply:
    """Build an error answer in the Runtime API's form."""
    body = json.dumps({"errorMessage": message, "errorType": error_type})
    return Reply(status=status, body=body.encode())


def _error_type(request: Request) -> str | None:
    return request.headers.get("lambda-runtime-function-error-type")


def valid_error_type(text: str | None) -> str:
    """Return the platform's name for a failure: `text` when it has the right form.

    Others become `Runtime.Unknown`, and `Function.Unknown` when they start with `Function.`.
    """
    text = text or ""
    if _ERROR_TYPE.fullmatch(text):
        return text
    return "Function.Unknown" if text.startswith("Function.") else "Runtime.Unknown"
