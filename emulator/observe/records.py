"""One record of each invocation: what went in, what came out, how long it took, and why it ran."""

import threading
from collections import deque
from dataclasses import replace
from typing import Final

from emulator.model import FunctionVersion, Invocation, InvocationResult
from emulator.model.value import value

KEPT_RECORDS: Final = 1_000
KEPT_BYTES: Final = 32 * 1024 * 1024  # payloads and logs of all records together
KEPT_PAYLOAD_BYTES: Final = 64 * 1024  # of one event or one response


@value
class InvocationRecord:
    """One attempt to run a function, by reference; texts are cut and decoded when read.

    Times are seconds since the epoch on the emulator's clock.
    """

    function_version: FunctionVersion
    invocation: Invocation
    result: InvocationResult
    accepted_at: float
    started_at: float
    finished_at: float
    whole_event_bytes: int | None = None  # set by `Records.add` when it keeps only a part
    whole_response_bytes: int | None = None

    @property
    def request_id(self) -> str:
        """The same for all attempts of one asynchronous event."""
        return self.invocation.request_id

    @property
    def function(self) -> str:
        """Name of the function."""
        return self.function_version.name

    @property
    def version(self) -> str:
        """The version that ran, `$LATEST` or a number."""
        return self.result.executed_version

    @property
    def qualifier(self) -> str | None:
        """What the caller asked for: a version, an alias, or None."""
        parts = self.invocation.invoked_arn.split(":", 7)
        return parts[7] if len(parts) > 7 else None

    @property
    def source(self) -> str:
        """Who asked: "api", "s3", "url", …"""
        return self.invocation.source

    @property
    def cause(self) -> str | None:
        """Request id of the invocation, or key of the fact, behind it."""
        return self.invocation.cause

    @property
    def attempt(self) -> int:
        """1, and more for a retry."""
        return self.invocation.attempt

    @property
    def status(self) -> str:
        """How it ended: "success", "error" or "timeout"."""
        return self.result.status.value

    @property
    def error_type(self) -> str | None:
        """The platform's word for what went wrong."""
        return self.result.error_type

    @property
    def is_cold(self) -> bool:
        """True when this invocation paid for an init phase."""
        return self.result.init_ms is not None

    @property
    def duration_ms(self) -> float:
        """What the REPORT line calls Duration."""
        return self.result.duration_ms

    @property
    def billed_ms(self) -> int:
        """What the REPORT line calls Billed Duration."""
        return self.result.billed_ms

    @property
    def init_ms(self) -> float | None:
        """What the REPORT line calls Init Duration."""
        return self.result.init_ms

    @property
    def max_memory_mib(self) -> int | None:
        """What the REPORT line calls Max Memory Used."""
        return self.result.max_memory_mib

    @property
    def environment_id(self) -> str:
        """The execution environment that ran it."""
        return self.result.environment_id

    @property
    def event(self) -> str:
        """The event as text; a cut one says so at its end."""
        return _text(self.invocation.payload, self.whole_event_bytes)

    @property
    def response(self) -> str:
        """The response or the error object as text; a cut one says so at its end."""
        return _text(self.result.payload, self.whole_response_bytes)

    @property
    def log(self) -> str:
        """This invocation's log, START to REPORT."""
        return self.result.log.text.decode(errors="replace")


class Records:
    """The newest invocation records: `limit` of them and `KEPT_BYTES` at most.

    Any thread may call. `_lock` guards the deque and its size.
    """

    def __init__(self, limit: int = KEPT_RECORDS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._records: deque[InvocationRecord] = deque()
        self._kept_bytes = 0
        self._since = 0.0

    def add(self, record: InvocationRecord) -> None:
        """Keep `record`, and forget the oldest ones where that is one too many."""
        if (
            len(record.invocation.payload) > KEPT_PAYLOAD_BYTES
            or len(record.result.payload) > KEPT_PAYLOAD_BYTES
            or record.result.streamed_bytes is not None
        ):
            record = _cut(record)
        size = _size(record)
        with self._lock:
            if record.accepted_at < self._since:
                return  # it ran on while everything was emptied
            self._records.append(record)
            self._kept_bytes += size
            while len(self._records) > self._limit or self._kept_bytes > KEPT_BYTES:
                self._kept_bytes -= _size(self._records.popleft())

    def newest(self, function: str | None = None, limit: int = 100) -> list[InvocationRecord]:
        """Up to `limit` records, of the function of that name or of all, newest first."""
        with self._lock:
            records = list(self._records)
        records.reverse()
        if function is not None:
            records = [record for record in records if record.function == function]
        return records[:limit]

    def reset(self, now: float) -> None:
        """Forget every record, and those to come of what was accepted before `now`."""
        with self._lock:
            self._since = now
            self._records.clear()
            self._kept_bytes = 0

    @property
    def kept_bytes(self) -> int:
        """Payloads and logs of all kept records together."""
        return self._kept_bytes


def _size(record: InvocationRecord) -> int:
    return len(record.invocation.payload) + len(record.result.payload) + record.result.log.size


def _cut(record: InvocationRecord) -> InvocationRecord:
    event, response = record.invocation.payload, record.result.payload
    streamed = record.result.streamed_bytes
    return replace(
        record,
        invocation=replace(record.invocation, payload=event[:KEPT_PAYLOAD_BYTES]),
        result=replace(record.result, payload=response[:KEPT_PAYLOAD_BYTES]),
        whole_event_bytes=len(event),
        whole_response_bytes=len(response) if streamed is None else streamed,
    )


def _text(kept: bytes, whole_bytes: int | None) -> str:
    text = kept.decode(errors="replace")
    if whole_bytes is None or whole_bytes == len(kept):
        return text
    return f"{text}… (cut: {len(kept)} of {whole_bytes} bytes)"
