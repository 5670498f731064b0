"""What becomes of an asynchronous event: one attempt, and what follows from how it went."""

import threading

from emulator.invoke.attempt import Attempts
from emulator.invoke.event_queue import QueuedEvent
from emulator.invoke.neighbours import Resolver
from emulator.invoke.retry import DEFAULT_POLICY, Condition, after_function_error, after_refusal
from emulator.model import Clock, Invocation, InvocationResult, LambdaError
from emulator.observe import Reporter


class Delivery:
    """Attempts events, and counts those that came to nothing; `_lock` guards the counters.

    Any thread may call.
    """

    def __init__(
        self,
        resolver: Resolver,
        attempts: Attempts,
        reporter: Reporter,
        clock: Clock,
        delay_scale: float,
    ) -> None:
        self._resolver = resolver
        self._attempts = attempts
        self._reporter = reporter
        self._clock = clock
        self._delay_scale = delay_scale
        self._lock = threading.Lock()
        self.dropped = 0  # events whose function was deleted before they ran
        self.given_up = 0

    def attempt(self, event: QueuedEvent) -> float | None:
        """Try to run `event` once.

        Returns the seconds after which it is to be tried again, or None when it is over: it ran,
        it was given up, or its function is gone.
        """
        if self._age_s(event) >= DEFAULT_POLICY.max_age_s:
            self._give_up(event, Condition.EVENT_AGE_EXCEEDED)
            return None
        try:
            result = self._run(event)
        except LambdaError as error:
            if error.code == "ResourceNotFoundException":
                self._drop(event)
                return None
            event.refusals += 1
            verdict = after_refusal(event.refusals, self._age_s(event))
            return self._follow(event, verdict, error.code)
        event.attempts += 1
        event.refusals = 0
        if result.function_error is None:
            return None
        verdict = after_function_error(event.attempts, self._age_s(event))
        return self._follow(event, verdict, result.error_type or result.function_error)

    def _run(self, event: QueuedEvent) -> InvocationResult:
        call = event.call
        # Looked up at each attempt: what was queued before an update runs the new code.
        resolved = self._resolver.resolve(call.account, call.region, call.function, call.qualifier)
        invocation = Invocation(
            request_id=event.request_id,
            payload=call.payload,
            invoked_arn=resolved.invoked_arn,
            trace_header=event.trace_header,
            client_context=call.client_context,  # an event source's; the API takes a caller's off
            source=call.source,
            cause=call.cause,
            attempt=event.attempts + 1,
        )
        return self._attempts.run(resolved, invocation, event.accepted_at)

    def _follow(self, event: QueuedEvent, verdict: float | Condition, reason: str) -> float | None:
        if isinstance(verdict, Condition):
            self._give_up(event, verdict)
            return None
        delay_s = verdict * self._delay_scale
        event.skipped_s += verdict - delay_s
        self._reporter.event(
            "event.postponed",
            function=event.function_arn.rpartition(":")[2],
            request=event.request_id,
            reason=reason,
            attempts=event.attempts,
            delay_s=delay_s,
        )
        return delay_s

    def _give_up(self, event: QueuedEvent, condition: Condition) -> None:
        """The end of an event that did not succeed: here dead letters and destinations hook in."""
        with self._lock:
            self.given_up += 1
        self._reporter.event(
            "event.given_up",
            function=event.function_arn.rpartition(":")[2],
            request=event.request_id,
            error=condition.value,
            attempts=event.attempts,
        )

    def _drop(self, event: QueuedEvent) -> None:
        with self._lock:
            self.dropped += 1
        self._reporter.event(
            "event.dropped",
            function=event.function_arn.rpartition(":")[2],
            request=event.request_id,
            error="function, version or alias deleted",
            attempts=event.attempts,
        )

    def _age_s(self, event: QueuedEvent) -> float:
        # As Lambda would see it, so that scaled delays change how long it takes and nothing else.
        return self._clock.monotonic() - event.accepted_s + event.skipped_s
