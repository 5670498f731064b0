"""What becomes of an asynchronous event: one attempt, and what follows from how it went."""

import threading

from emulator.invoke import recursion
from emulator.invoke.attempt import Attempts
from emulator.invoke.ending import Answer, Ending, dead_letter_message, destination_message
from emulator.invoke.event_queue import QueuedEvent
from emulator.invoke.neighbours import Resolver
from emulator.invoke.outbox import Letter, Outbox
from emulator.invoke.retry import (
    DEFAULT_POLICY,
    Condition,
    after_function_error,
    after_refusal,
    policy_of,
)
from emulator.model import Clock, Invocation, InvocationResult, LambdaError, ResolvedFunction
from emulator.observe import Metrics, Reporter


class Delivery:
    """Attempts events, and counts those that came to nothing; `_lock` guards the counters.

    Any thread may call.
    """

    def __init__(
        self,
        resolver: Resolver,
        attempts: Attempts,
        outbox: Outbox,
        metrics: Metrics,
        reporter: Reporter,
        clock: Clock,
        delay_scale: float,
    ) -> None:
        self._resolver = resolver
        self._attempts = attempts
        self._outbox = outbox
        self._metrics = metrics
        self._reporter = reporter
        self._clock = clock
        self._delay_scale = delay_scale
        self._lock = threading.Lock()
        self.dropped = 0  # events whose function was deleted before they ran
        self.given_up = 0

    def attempt(self, event: QueuedEvent) -> float | None:
        """Try to run `event` once.

        Returns the seconds after which it is to be tried again, or None when it ran, was given up
        or lost its function; then the outbox has what follows from it.
        """
        call = event.call
        try:
            # Looked up at each attempt: what was queued before an update runs the new code.
            resolved = self._resolver.resolve(
                call.account, call.region, call.function, call.qualifier
            )
        except LambdaError as error:
            return self._refused(event, None, error)
        self._metrics.of_function(
            "AsyncEventAge", event.function_arn, self._age_s(event) * 1000.0, "Milliseconds"
        )
        ending = self._ending_before(event, resolved)
        if ending is not None:
            self._give_up(event, resolved, ending)
            return None
        try:
            result = self._run(event, resolved)
        except LambdaError as error:
            return self._refused(event, resolved, error)
        return self._ran(event, resolved, result)

    def _ending_before(self, event: QueuedEvent, resolved: ResolvedFunction) -> Ending | None:
        """Why an event is over without this attempt."""
        seen = recursion.invocations(event.trace_header, event.function_arn)
        if seen > recursion.LIMIT and not resolved.may_recurse:
            self._metrics.of_function("RecursiveInvocationsDropped", event.function_arn)
            # Lambda's word for this condition is not known; its documentation lists no other.
            return self._ending(event, Condition.RETRIES_EXHAUSTED, recursion.stopped())
        if self._age_s(event) >= policy_of(resolved.invoke_config).max_age_s:
            return self._ending(event, Condition.EVENT_AGE_EXCEEDED, None)
        if resolved.reserved_concurrency == 0:
            return self._ending(event, Condition.ZERO_RESERVED_CONCURRENCY, None)
        return None

    def _run(self, event: QueuedEvent, resolved: ResolvedFunction) -> InvocationResult:
        call = event.call
        invocation = Invocation(
            request_id=event.request_id,
            payload=call.payload,
            invoked_arn=resolved.invoked_arn,
            trace_header=event.trace_header,
            tenant_id=call.tenant_id,
            client_context=call.client_context,  # an event source's; the API takes a caller's off
            source=call.source,
            cause=call.cause,
            attempt=event.attempts + 1,
        )
        return self._attempts.run(resolved, invocation, event.accepted_at)

    def _ran(
        self, event: QueuedEvent, resolved: ResolvedFunction, result: InvocationResult
    ) -> float | None:
        event.attempts += 1
        event.refusals = 0
        if result.function_error is None:
            self._succeeded(event, resolved, result)
            return None
        event.failure = result.payload.decode(errors="replace")
        event.failed_version = result.executed_version
        policy = policy_of(resolved.invoke_config)
        verdict = after_function_error(event.attempts, self._age_s(event), policy)
        if isinstance(verdict, Condition):
            self._give_up(event, resolved, self._ending(event, verdict, None))
            return None
        return self._postpone(event, verdict, result.failure or result.function_error)

    def _succeeded(
        self, event: QueuedEvent, resolved: ResolvedFunction, result: InvocationResult
    ) -> None:
        if resolved.invoke_config.on_success is None:
            self._outbox.send(event, ())
            return
        answer = Answer(
            payload=result.payload, executed_version=result.executed_version, function_error=None
        )
        self._post(event, resolved, Ending(condition=Condition.SUCCESS, answer=answer))

    def _refused(
        self, event: QueuedEvent, resolved: ResolvedFunction | None, error: LambdaError
    ) -> float | None:
        """Nothing ran; resolved: None when it was not even found what to run."""
        if error.code == "ResourceNotFoundException":
            self._drop(event)
            return None
        event.refusals += 1
        policy = policy_of(resolved.invoke_config) if resolved else DEFAULT_POLICY
        verdict = after_refusal(event.refusals, self._age_s(event), policy)
        if isinstance(verdict, Condition):
            self._give_up(event, resolved, self._ending(event, verdict, error))
            return None
        return self._postpone(event, verdict, error.code)

    def _ending(
        self, event: QueuedEvent, condition: Condition, refusal: LambdaError | None
    ) -> Ending:
        """The end of an event that did not succeed."""
        if event.failure is None:
            throttled = LambdaError("TooManyRequestsException", "Rate Exceeded.")
            return Ending(condition=condition, refusal=refusal or throttled)
        answer = Answer(
            payload=event.failure.encode(),
            executed_version=event.failed_version,
            function_error="Unhandled",
        )
        return Ending(condition=condition, answer=answer, refusal=refusal)

    def _postpone(self, event: QueuedEvent, wait_s: float, reason: str) -> float:
        delay_s = wait_s * self._delay_scale
        event.skipped_s += wait_s - delay_s
        self._report("event.postponed", event, reason=reason, delay_s=delay_s)
        return delay_s

    def _give_up(
        self, event: QueuedEvent, resolved: ResolvedFunction | None, ending: Ending
    ) -> None:
        with self._lock:
            self.given_up += 1
        self._metrics.of_function("AsyncEventsDropped", event.function_arn)
        self._report("event.given_up", event, error=ending.condition.value)
        self._post(event, resolved, ending)

    def _drop(self, event: QueuedEvent) -> None:
        with self._lock:
            self.dropped += 1
        self._metrics.of_function("AsyncEventsDropped", event.function_arn)
        self._report("event.dropped", event, error="function, version or alias deleted")
        self._outbox.send(event, ())

    def _post(self, event: QueuedEvent, resolved: ResolvedFunction | None, ending: Ending) -> None:
        letters: list[Letter] = []
        if resolved is not None and not event.is_forgotten:
            record = destination_message(event, resolved, ending, self._clock.now())
            if record is not None:
                letters.append(Letter(message=record, failure_metric="DestinationDeliveryFailures"))
            dead = dead_letter_message(event, resolved, ending)
            if dead is not None:
                letters.append(Letter(message=dead, failure_metric="DeadLetterErrors"))
        self._outbox.send(event, letters)

    def _report(self, name: str, event: QueuedEvent, **fields: object) -> None:
        self._reporter.event(
            name,
            function=event.function_arn.rpartition(":")[2],
            request=event.request_id,
            attempts=event.attempts,
            **fields,
        )

    def _age_s(self, event: QueuedEvent) -> float:
        # As Lambda would see it, so that scaled delays change how long it takes and nothing else.
        return self._clock.monotonic() - event.accepted_s + event.skipped_s
