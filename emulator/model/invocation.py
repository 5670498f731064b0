"""One request to run a function, and what came of it."""

import json
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from emulator.model.value import value

KEPT_LOG_BYTES: Final = 256 * 1024
UNNAMED_FAILURE: Final = "Runtime.Unknown"  # AWS's word for what a function raises
_NAME_CHARS: Final = 100


class Status(StrEnum):
    """How an invocation ended, in the words of the platform.report record."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"


@value
class Call:
    """What a caller asks for, before the function is looked up."""

    account: str
    region: str
    function: str  # any of the forms of model.arn
    payload: bytes  # JSON in UTF-8; an empty body has become b"{}"
    qualifier: str | None = None
    client_context: str | None = None  # JSON text, base64 already taken off
    trace_header: str | None = None  # X-Amzn-Trace-Id of the caller
    tenant_id: str | None = None
    is_new_trace: bool = False  # trace_header was made for it: nobody has decided on sampling
    source: str = "api"  # "api", "s3", "url", … for the record and the terminal line
    cause: str | None = None  # request id of the invocation, or key of the fact, behind it
    wants_log: bool = False  # LogType=Tail
    request_id: str | None = None  # None: the invoker makes one
    durable_name: str | None = None  # of the durable execution; None: it gets one
    activity: str | None = None  # that its caller has begun; rests while an execution waits

    @classmethod
    def to(
        cls,
        function_arn: str,
        payload: bytes,
        *,
        source: str,
        cause: str | None = None,
        trace_header: str | None = None,
        client_context: str | None = None,
    ) -> "Call":
        """A call of the function of an ARN, in the function's own account and region."""
        _, _, _, region, account, _ = function_arn.split(":", 5)
        return cls(
            account=account,
            region=region,
            function=function_arn,
            payload=payload,
            source=source,
            cause=cause,
            trace_header=trace_header,
            client_context=client_context,
        )


@value
class Invocation:
    """One attempt to run a function version, the same whoever asked."""

    request_id: str
    payload: bytes
    invoked_arn: str
    trace_header: str  # Root=…;Parent=…;Sampled=…
    client_context: str | None = None
    tenant_id: str | None = None  # whose environments may run it
    source: str = "api"
    cause: str | None = None
    attempt: int = 1
    wants_log: bool = False  # the answer waits for the last line of the log


class InvocationLog:
    """The log of one invocation, START to REPORT: its newest `KEPT_LOG_BYTES`.

    Its last lines may come after its answer, but before anything else that its thread does.
    """

    __slots__ = ("_lines", "size")

    def __init__(self, *lines: bytes) -> None:
        self._lines: deque[bytes] = deque()
        self.size = 0  # of `text`
        if lines:
            self.add(lines)

    def add(self, lines: Sequence[bytes]) -> None:
        """Add lines without their newlines; the oldest ones go where that is too much."""
        self._lines += lines
        self.size += sum(map(len, lines)) + len(lines)
        while self.size > KEPT_LOG_BYTES and len(self._lines) > 1:
            self.size -= len(self._lines.popleft()) + 1

    @property
    def text(self) -> bytes:
        """All of it as one text."""
        return b"".join(line + b"\n" for line in self._lines)


@value
class InvocationResult:
    """What an execution environment made of one invocation.

    `payload` goes to the caller unchanged. `function_error` is None or "Unhandled".
    `streamed_bytes` is None unless the caller read along; `payload` has only the beginning then.
    """

    payload: bytes
    status: Status
    function_error: str | None
    error_type: str | None  # the platform's word for it, as in the REPORT line
    executed_version: str
    log: InvocationLog
    duration_ms: float
    billed_ms: int
    init_ms: float | None  # None unless this invocation paid for the init phase
    max_memory_mib: int | None  # None where it cannot be measured
    environment_id: str
    has_run: bool = True  # False: the init phase failed, and the handler never saw the event
    streamed_bytes: int | None = None
    durable_execution_arn: str | None = None  # where the function is durable
    restore_ms: float | None = None  # of a snapshot, where this invocation waited for that

    @property
    def failure(self) -> str | None:
        """What went wrong for people to read: the function's own word where AWS's says nothing."""
        if self.error_type != UNNAMED_FAILURE:
            return self.error_type
        try:
            answer = json.loads(self.payload)
        except (ValueError, RecursionError):
            return self.error_type
        named = answer.get("errorType") if isinstance(answer, dict) else None
        return named[:_NAME_CHARS] if named and isinstance(named, str) else self.error_type
