"""What a runtime may ask in which state, and what it is told: values in, values out.

STARTED ---NEXT----------> READY
STARTED ---INIT_ERROR----> INIT_ERROR
READY -----DELIVER-------> RUNNING
RUNNING ---NEXT----------> RUNNING
RUNNING ---RESPONSE------> RESPONDED
RUNNING ---ERROR---------> RESPONDED
RUNNING ---STREAM--------> RESPONDING
RESPONDING -ENDED--------> RESPONDED
RESPONDED -NEXT----------> READY
READY -----NEXT----------> READY
STARTED ---RESTORE_NEXT--> RESTORE_READY
RESTORE_READY -RESTORE_NEXT-> RESTORE_READY
RESTORING -NEXT----------> READY
RESTORING -RESTORE_ERROR-> RESTORE_ERROR

The last four are SnapStart's: a runtime that is to be a snapshot comes to RESTORE_READY, and what
is restored of it begins in RESTORING.

Source: spec/runtime-api.md section 1.
"""

import base64
import json
import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from emulator.model import Invocation
from emulator.model.limits import SYNC_RESPONSE_BYTES
from emulator.model.value import value
from emulator.runtime_api.response_stream import OpenBody, ResponseStream

VERSION: Final = "/2018-06-01/runtime/"
NEXT_PATH: Final = VERSION + "invocation/next"
INVOCATION: Final = VERSION + "invocation/"
INIT_ERROR_PATH: Final = VERSION + "init/error"
RESTORE_NEXT_PATH: Final = VERSION + "restore/next"
RESTORE_ERROR_PATH: Final = VERSION + "restore/error"
PING_PATH: Final = "/2018-06-01/ping"
_PATHS: Final = (NEXT_PATH, INIT_ERROR_PATH, PING_PATH)
_RESTORE_PATHS: Final = (RESTORE_NEXT_PATH, RESTORE_ERROR_PATH)
_ANSWERS: Final = ("response", "error")
RESPONSE_MODE: Final = "lambda-runtime-function-response-mode"
ERROR_TYPE: Final = "lambda-runtime-function-error-type"
CAUSE_TYPE: Final = "application/vnd.aws.lambda.error.cause+json"  # of an error's body
ERROR_BODY: Final = "lambda-runtime-function-error-body"  # base64, in a trailer
_ERROR_TYPE: Final = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
ACCEPTED: Final = b'{"status":"OK"}\n'


class State(Enum):
    """Where the conversation with a runtime stands."""

    __hash__ = object.__hash__  # Enum's own is a function in Python, and the table is asked often

    STARTED = "Started"
    INIT_ERROR = "InitError"
    READY = "Ready"
    RUNNING = "Running"
    RESPONDING = "InvocationResponse"
    RESPONDED = "RuntimeResponseSentState"
    RESTORE_READY = "RestoreReady"
    RESTORING = "Restoring"
    RESTORE_ERROR = "RestoreError"


class Signal(Enum):
    """What can happen in the conversation; the value is AWS's word in the error text."""

    __hash__ = object.__hash__

    NEXT = "Ready"
    DELIVER = "Running"
    RESPONSE = "InvocationResponse"
    STREAM = "InvocationResponse: streaming"
    ENDED = "RuntimeResponseSentState"
    ERROR = "InvocationErrorResponse"
    INIT_ERROR = "InitError"
    RESTORE_NEXT = "RestoreReady"
    RESTORE_ERROR = "RestoreError"


TRANSITIONS: Final[Mapping[tuple[State, Signal], State]] = {
    (State.STARTED, Signal.NEXT): State.READY,  # ends the init phase
    (State.STARTED, Signal.INIT_ERROR): State.INIT_ERROR,
    (State.READY, Signal.DELIVER): State.RUNNING,
    (State.RUNNING, Signal.NEXT): State.RUNNING,  # the same event is delivered again
    (State.RUNNING, Signal.RESPONSE): State.RESPONDED,
    (State.RUNNING, Signal.ERROR): State.RESPONDED,
    (State.RUNNING, Signal.STREAM): State.RESPONDING,  # its head is there, its body comes
    (State.RESPONDING, Signal.ENDED): State.RESPONDED,
    (State.RESPONDED, Signal.NEXT): State.READY,
    (State.READY, Signal.NEXT): State.READY,  # on another connection: it has lost the first
    (State.STARTED, Signal.RESTORE_NEXT): State.RESTORE_READY,  # the snapshot can be taken
    (State.RESTORE_READY, Signal.RESTORE_NEXT): State.RESTORE_READY,
    (State.RESTORING, Signal.NEXT): State.READY,  # ends the restore phase
    (State.RESTORING, Signal.RESTORE_ERROR): State.RESTORE_ERROR,
}


class Outcome(Enum):
    """How a runtime answered an invocation, or the init phase."""

    RESPONSE = auto()
    ERROR = auto()
    INIT_ERROR = auto()
    RESTORE_ERROR = auto()
    TOO_LARGE = auto()
    INVALID_MODE = auto()  # a response mode that there is not
    TRUNCATED = auto()  # the connection broke off in the middle of the response


@value
class Request:
    """One HTTP request of a runtime; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    open_body: OpenBody | None = None  # of a streamed response: it comes bit by bit


@value
class Reply:
    """What to answer; a `Request` for the next event gets none until there is one."""

    status: int
    body: bytes
    headers: Mapping[str, str] | None = None


@value
class Answer:
    """What the runtime said in the end; `error_type` is the header's, or None.

    What was streamed to a caller who read along is `streamed_bytes` long; `body` has the beginning.
    """

    outcome: Outcome
    body: bytes
    error_type: str | None = None
    streamed_bytes: int | None = None
    limit: int = SYNC_RESPONSE_BYTES  # what TOO_LARGE exceeded


class Conversation:
    """The rules for one runtime process. One thread at a time."""

    def __init__(self, first: State = State.STARTED, *, has_restore: bool = False) -> None:
        """first: STARTED or RESTORING. has_restore: whether there are the paths of SnapStart."""
        self.state = first
        self._has_restore = has_restore
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
        if request.method == "POST":
            if request.path == INIT_ERROR_PATH:
                return self._start_error(request, Signal.INIT_ERROR, Outcome.INIT_ERROR)
            if request.path == RESTORE_ERROR_PATH and self._has_restore:
                return self._start_error(request, Signal.RESTORE_ERROR, Outcome.RESTORE_ERROR)
            if _is_answer(request.path):
                return self._answer(request)
        return self._refuse_path(request.path)

    def _refuse_path(self, path: str) -> Reply:
        known = (*_PATHS, *(_RESTORE_PATHS if self._has_restore else ()))
        if path in known or _is_answer(path):
            return refuse(405, "MethodNotAllowed", "Method not allowed")
        return refuse(404, "NotFound", f"No such path: {path}")

    def _get(self, path: str) -> Reply | None:
        if path == NEXT_PATH:
            return self._step(Signal.NEXT)
        if path == PING_PATH:
            return Reply(status=200, body=b"pong")
        if path == RESTORE_NEXT_PATH and self._has_restore:
            return self._step(Signal.RESTORE_NEXT)
        return self._refuse_path(path)

    def _step(self, signal: Signal) -> Reply | None:
        target = TRANSITIONS.get((self.state, signal))
        if target is None:
            return refuse(
                403,
                "InvalidStateTransition",
                f"State transition from {self.state.value} to {signal.value.partition(':')[0]} "
                "failed for runtime. "
                "Error: State transition is not allowed",
            )
        self.state = target
        return None

    def _start_error(self, request: Request, signal: Signal, outcome: Outcome) -> Reply:
        refusal = self._step(signal)
        if refusal is not None:
            return refusal
        self.answer = Answer(
            outcome=outcome, body=_error_body(request), error_type=_error_type(request)
        )
        return Reply(status=202, body=ACCEPTED)

    def begin(self, request: Request) -> Reply | None:
        """Take the head of a streamed response; a reply is a refusal, for when its body ended."""
        if request.method != "POST":
            return self._refuse_path(request.path)
        return self._check(request) or self._step(Signal.STREAM)

    def overflow(self, stream: ResponseStream) -> Reply:
        """Give up a streamed response that is too large; its runtime goes on undisturbed."""
        self.state = TRANSITIONS[self.state, Signal.ENDED]
        return self._too_large(stream.limit)

    def end(self, stream: ResponseStream, trailers: Mapping[str, str]) -> Reply:
        """Take the end of a streamed response, which may tell of an error in its middle."""
        self.state = TRANSITIONS[self.state, Signal.ENDED]
        outcome, body, error_type = Outcome.RESPONSE, stream.kept, trailers.get(ERROR_TYPE)
        if error_type is not None:
            outcome, body = Outcome.ERROR, _decoded(trailers.get(ERROR_BODY, ""))
        self.answer = Answer(
            outcome=outcome,
            body=body,
            error_type=error_type,
            streamed_bytes=stream.streamed_bytes,
        )
        return Reply(status=202, body=ACCEPTED)

    def cut_off(self, path: str, *, was_streaming: bool) -> None:
        """Hear that the connection of an unfinished request has ended.

        was_streaming: it was the streamed response itself, not one more that came beside it.
        """
        request_id, _, kind = path.removeprefix(INVOCATION).partition("/")
        if kind != "response" or not self._is_current(request_id) or self.answer is not None:
            return
        if self.state is State.RUNNING or (self.state is State.RESPONDING and was_streaming):
            self.state = State.RESPONDED
            self.answer = Answer(outcome=Outcome.TRUNCATED, body=b"")

    def _answer(self, request: Request) -> Reply:
        signal = Signal.RESPONSE if request.path.endswith("/response") else Signal.ERROR
        refusal = self._check(request) or self._step(signal)
        if refusal is not None:
            return refusal
        return self._accept(request, signal)

    def exchange(self, request: Request) -> Reply | None:
        """Answer an answer that the request for the next event came with; None: ask for each.

        What `handle` does in two steps: nearly every invocation ends so.
        """
        request_id, _, kind = request.path[len(INVOCATION) :].partition("/")
        if self.state is not State.RUNNING or not self._is_current(request_id):
            return None
        reply = self._accept(request, Signal.RESPONSE if kind == "response" else Signal.ERROR)
        self.state = State.READY
        return reply

    def _check(self, request: Request) -> Reply | None:
        request_id, _, kind = request.path[len(INVOCATION) :].partition("/")
        if self.state is not State.STARTED and not self._is_current(request_id):
            return refuse(400, "InvalidRequestID", "Invalid request ID")
        if kind == "response" and request.headers.get(RESPONSE_MODE) not in (None, "streaming"):
            if self.state is State.RUNNING:
                self.state = State.RESPONDED
                self.answer = Answer(outcome=Outcome.INVALID_MODE, body=b"")
            return refuse(400, "InvalidFunctionResponseMode", "Invalid function response mode")
        return None

    def _is_current(self, request_id: str) -> bool:
        return self.current is not None and self.current.request_id == request_id

    def _accept(self, request: Request, signal: Signal) -> Reply:
        if len(request.body) > SYNC_RESPONSE_BYTES:
            return self._too_large(SYNC_RESPONSE_BYTES)
        if signal is Signal.RESPONSE:
            self.answer = Answer(outcome=Outcome.RESPONSE, body=request.body)
        else:
            self.answer = Answer(
                outcome=Outcome.ERROR, body=_error_body(request), error_type=_error_type(request)
            )
        return Reply(status=202, body=ACCEPTED)

    def _too_large(self, limit: int) -> Reply:
        self.answer = Answer(outcome=Outcome.TOO_LARGE, body=b"", limit=limit)
        text = f"Exceeded maximum allowed payload size ({limit} bytes)."
        return refuse(413, "RequestEntityTooLarge", text)


def _is_answer(path: str) -> bool:
    return path.startswith(INVOCATION) and path[len(INVOCATION) :].partition("/")[2] in _ANSWERS


def _error_body(request: Request) -> bytes:
    """Return what the caller gets to see of an error: not the cause, which is for X-Ray."""
    if request.headers.get("content-type") != CAUSE_TYPE:
        return request.body
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        return request.body
    if not isinstance(content, dict):
        return request.body
    content.pop("errorCause", None)
    return json.dumps(content, separators=(",", ":")).encode()


def is_response(path: str) -> bool:
    """True for the path by which a runtime answers an invocation."""
    return path.startswith(INVOCATION) and path.endswith("/response")


def refuse(status: int, error_type: str, message: str) -> Reply:
    """Build an error answer in the Runtime API's form."""
    body = json.dumps({"errorMessage": message, "errorType": error_type})
    return Reply(status=status, body=body.encode())


def _error_type(request: Request) -> str | None:
    return request.headers.get(ERROR_TYPE)


def _decoded(text: str) -> bytes:
    """An error object out of a trailer; what is not base64 is passed on as it is."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return text.encode("latin-1")


def valid_error_type(text: str | None) -> str:
    """Return the platform's name for a failure: `text` when it has the right form.

    Others become `Runtime.Unknown`, and `Function.Unknown` when they start with `Function.`.
    """
    text = text or ""
    if _ERROR_TYPE.fullmatch(text):
        return text
    return "Function.Unknown" if text.startswith("Function.") else "Runtime.Unknown"
