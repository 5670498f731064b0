"""The one door through which every invocation goes, whoever asks for it."""

import time
from dataclasses import dataclass

from emulator.invoke.admission import Admission
from emulator.invoke.async_engine import AsyncEngine
from emulator.invoke.attempt import INVOCATIONS, Attempts
from emulator.invoke.backlog import Backlog
from emulator.invoke.delivery import Delivery
from emulator.invoke.event_queue import QueuedEvent
from emulator.invoke.identity import new_request_id, sampled, trace_header
from emulator.invoke.kept_events import KeptEvents
from emulator.invoke.neighbours import Neighbours
from emulator.invoke.outbox import Outbox
from emulator.invoke.payload import check_payload
from emulator.invoke.recursion import LIMIT, advanced, invocations, stopped
from emulator.invoke.response_channel import ResponseChannel
from emulator.invoke.streams import Streams
from emulator.model import (
    Call,
    FunctionVersion,
    Invocation,
    InvocationResult,
    LambdaError,
    ResolvedFunction,
    limits,
)
from emulator.model.steps import Pause, Steps, finish


@dataclass(frozen=True, kw_only=True, slots=True)
class InvokeSettings:
    """What a user may set about invocation."""

    retry_delay_scale: float = 1.0  # 0.01 makes the minute before the first retry 0.6 s
    account_concurrency: int = limits.ACCOUNT_CONCURRENCY  # of each account and Region


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamedInvocation:
    """An invocation whose response has begun, or failed to; its caller reads it to the end."""

    request_id: str
    executed_version: str
    response: ResponseChannel


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """An event that was taken over."""

    request_id: str
    durable_execution_arn: str | None = None  # where the function is durable


class Invoker:
    """Runs functions for callers that wait, and takes events of those that do not.

    Any thread may call. Payloads must be JSON, function and qualifier must exist and be active:
    else all four calls raise the `LambdaError` of spec/invoke.md section 4.
    """

    def __init__(self, around: Neighbours, settings: InvokeSettings) -> None:
        self._store = around.store
        self._reporter = around.reporter
        self._clock = around.clock
        self._attempts = Attempts(
            resolver=around.store,
            environments=around.environments,
            admission=Admission(settings.account_concurrency),
            records=around.records,
            metrics=around.metrics,
            reporter=around.reporter,
            activity=around.activity,
            clock=around.clock,
        )
        self._durable = around.durable
        self._durable.serve(self._attempts.run, self.run)
        self._streams = Streams()
        self._activity = around.activity
        self._is_stopping = False
        self._keeps_events = around.journal.is_kept  # on disk
        kept = KeptEvents(around.journal, around.reporter, around.clock)
        self._metrics = around.metrics
        self._outbox = Outbox(
            around.destinations, kept, around.metrics, around.reporter, around.activity
        )
        self._delivery = Delivery(
            around.store,
            self._attempts,
            self._outbox,
            around.metrics,
            around.reporter,
            around.clock,
            settings.retry_delay_scale,
        )
        self._engine = AsyncEngine(
            self._delivery.attempt,
            kept,
            around.reporter,
            around.activity,
            around.clock,
        )

    def run(self, call: Call) -> tuple[InvocationResult, str]:
        """Run the function and wait: its result, and the request id.

        Raises `LambdaError` when nothing ran, with 429 when too many run already.
        """
        return finish(self.run_steps(call))

    def run_steps(self, call: Call) -> Steps[tuple[InvocationResult, str]]:
        """Do what `run` does, step by step."""
        resolved, invocation, now = yield from self._prepared(call)
        result = yield from self._run(call, resolved, invocation, now)
        return result, invocation.request_id

    def stream(self, call: Call) -> StreamedInvocation:
        """Run the function for a caller who reads along; returns when the response has begun.

        Raises as `run`.
        """
        resolved, invocation, now = finish(self._prepared(call))
        return StreamedInvocation(
            request_id=invocation.request_id,
            executed_version=resolved.version.version,
            response=self._streams.start(
                lambda channel: finish(self._run(call, resolved, invocation, now, channel))
            ),
        )

    def _prepared(self, call: Call) -> Steps[tuple[ResolvedFunction, Invocation, float]]:
        if self._is_stopping:
            raise LambdaError("ServiceException", "The emulator stops.")
        resolved = self._store.resolve_at_once(*_name(call))
        if resolved is None:
            yield Pause.BLOCKS
            resolved = self._store.resolve(*_name(call))
        _check(resolved, call, limits.SYNC_REQUEST_BYTES)
        if resolved.version.durable is not None or call.durable_name is not None:
            yield Pause.BLOCKS
        if resolved.version.durable is not None or call.durable_name is not None:
            self._durable.check(resolved, call.durable_name, is_sync=True)
        now = self._clock.now()
        return resolved, _invocation(call, resolved, now), now

    def _run(
        self,
        call: Call,
        resolved: ResolvedFunction,
        invocation: Invocation,
        now: float,
        channel: ResponseChannel | None = None,
    ) -> Steps[InvocationResult]:
        try:
            arn = resolved.version.arn
            if invocations(invocation.trace_header, arn) > LIMIT and not resolved.may_recurse:
                self._metrics.of_function("RecursiveInvocationsDropped", arn)
                raise stopped()
            if resolved.version.durable is not None:
                return self._durable.run(resolved, invocation, call)
            return (yield from self._attempts.steps(resolved, invocation, now, channel))
        except LambdaError as error:
            self._reporter.event(
                "invoke.refused",
                function=resolved.version.name,
                request=invocation.request_id,
                error=error.code,
                message=error.message,
            )
            raise

    def accept(self, call: Call) -> str:
        """Queue the event and return its request id, the same for all attempts.

        Throttling is not checked: a throttled event stays in the queue.
        """
        return self.submit(call).request_id

    def submit(self, call: Call) -> Accepted:
        """Do as `accept`, for a caller who wants to know all about it."""
        return finish(self.submit_steps(call))

    def submit_steps(self, call: Call) -> Steps[Accepted]:
        """Do what `submit` does, step by step."""
        if self._keeps_events:
            yield Pause.BLOCKS
        # Nobody who hands over an event waits for a reload: each attempt finds its code anew.
        resolved = self._store.look_up(*_name(call))
        _check(resolved, call, limits.ASYNC_REQUEST_BYTES)
        now = self._clock.now()
        arn = resolved.version.arn
        if resolved.version.durable is not None or call.durable_name is not None:
            yield Pause.BLOCKS
            return self._start_durable(call, resolved, now)
        event = QueuedEvent(
            request_id=call.request_id or new_request_id(),
            call=call,
            function_arn=arn,
            trace_header=_trace(call, resolved.version, now),
            accepted_at=now,
            accepted_s=self._clock.monotonic(),
        )
        self._engine.accept(event)
        self._metrics.of_function("AsyncEventsReceived", arn)
        return Accepted(request_id=event.request_id)

    def _start_durable(self, call: Call, resolved: ResolvedFunction, now: float) -> Accepted:
        """Start an execution: it keeps itself, so there is nothing to queue."""
        self._durable.check(resolved, call.durable_name, is_sync=False)
        invocation = _invocation(call, resolved, now)
        started = self._durable.accept(resolved, invocation, call.durable_name)
        self._metrics.of_function("AsyncEventsReceived", resolved.version.arn)
        return Accepted(request_id=invocation.request_id, durable_execution_arn=started)

    def resume(self) -> int:
        """Take over the events that an earlier process accepted and did not finish.

        Returns how many; raises StorageError. Functions run from here on.
        """
        return self._engine.resume()

    def check(self, call: Call) -> None:
        """Raise what `run` would raise before it runs anything (invocation type DryRun)."""
        resolved = self._store.look_up(*_name(call))
        _check(resolved, call, limits.SYNC_REQUEST_BYTES)
        if resolved.version.durable is not None or call.durable_name is not None:
            self._durable.check(resolved, call.durable_name, is_sync=False)

    def backlog(self) -> Backlog:
        """The asynchronous events that are neither done nor given up, and how many were lost."""
        return Backlog(
            functions=self._engine.backlog(),
            given_up=self._delivery.given_up,
            dropped=self._delivery.dropped,
        )

    def reset(self) -> None:
        """Forget all queued events; what runs goes on, but nothing follows from it."""
        self._engine.reset()
        self._outbox.reset()

    def stop(self, grace_s: float) -> int:
        """Start no invocation any more; wait up to `grace_s` for those that run.

        Returns how many events are not over: the journal keeps them, or they are lost.
        """
        deadline = time.monotonic() + grace_s
        self._is_stopping = True
        left = self._engine.stop(grace_s)
        self._activity.wait_none(INVOCATIONS, max(0.0, deadline - time.monotonic()))
        self._streams.stop(max(0.0, deadline - time.monotonic()))
        return left + self._outbox.stop(max(0.0, deadline - time.monotonic()))


def _trace(call: Call, version: FunctionVersion, now: float) -> str:
    """The trace header of an invocation; where nobody has decided, the function's setting does."""
    header = trace_header(call.trace_header, now)
    if version.is_traced and (call.is_new_trace or call.trace_header is None):
        header = sampled(header)
    return advanced(header, version.arn)


def _invocation(call: Call, resolved: ResolvedFunction, now: float) -> Invocation:
    return Invocation(
        request_id=call.request_id or new_request_id(),
        payload=call.payload,
        invoked_arn=resolved.invoked_arn,
        trace_header=_trace(call, resolved.version, now),
        client_context=call.client_context,
        tenant_id=call.tenant_id,
        source=call.source,
        cause=call.cause,
        wants_log=call.wants_log,
    )


def _name(call: Call) -> tuple[str, str, str, str | None]:
    return call.account, call.region, call.function, call.qualifier


def _check(resolved: ResolvedFunction, call: Call, limit_bytes: int) -> None:
    check_payload(call.payload, limit_bytes)
    check_tenant(resolved, call.tenant_id)
    if not resolved.is_active:
        raise _inactive(resolved)


def check_tenant(resolved: ResolvedFunction, tenant_id: str | None) -> None:
    """Raise InvalidParameterValueException for a tenant too many, or one that is missing."""
    if resolved.version.isolates_tenants is not (tenant_id is None):
        return
    text = "The invoked function is not enabled with tenancy configuration."
    if tenant_id is None:
        text = (
            "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in"
            " your request and try again."
        )
    raise LambdaError("InvalidParameterValueException", text)


def _inactive(resolved: ResolvedFunction) -> LambdaError:
    if resolved.waits_for_snapshot:
        return LambdaError(
            "SnapStartNotReadyException",
            "Lambda is initializing your function. You can invoke the function when the function"
            " state becomes Active.",
        )
    return LambdaError(
        "ResourceConflictException",
        "The operation cannot be performed at this time. The function is currently in the following"
        f" state: {'Failed' if resolved.has_failed else 'Pending'}",
    )
