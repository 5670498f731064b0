"""The invoke phase: an event is handed out, and the runtime's answer waited for."""

import time
from typing import Final

from emulator.model import Invocation
from emulator.model.steps import Pause, Steps
from emulator.runtime_api import INVOKE as INVOKE_EVENT
from emulator.runtime_api import Answer, Outcome, ResponseSink, invoke_event
from emulator.sandbox.debug_session import DebugSession
from emulator.sandbox.event_headers import event_headers
from emulator.sandbox.failure import Failure, answered
from emulator.sandbox.output import Output
from emulator.sandbox.processes import Processes, Waited

# How long a runtime that broke off its response may take to end, so that its end is what is told.
_LAST_BREATH_S: Final = 2.0


class InvokePhase:
    """The invoke phases of an environment, one at a time. Used by one thread at a time, as it."""

    def __init__(self, output: Output, processes: Processes, debug: DebugSession | None) -> None:
        self._output = output
        self._processes = processes
        self._endpoint = processes.endpoint
        self._registered = processes.registered
        self._debug = debug

    def steps(
        self, invocation: Invocation, deadline: float, sink: ResponseSink | None
    ) -> Steps[tuple[Failure | None, Answer | None]]:
        """Return what went wrong, if anything did, and the runtime's answer.

        deadline: by the clock of the processes. Without an answer the environment is to be reset.
        """
        deadline_ms = int((time.time() + deadline - self._processes.now()) * 1000)
        headers = event_headers(invocation, deadline_ms)
        if self._debug is not None and self._debug.is_stopped:
            headers["Lambda-Emulator-Clock-Stopped"] = "true"
        self._endpoint.deliver(invocation, headers, sink)
        if self._registered:
            self._processes.desk.send(INVOKE_EVENT, invoke_event(invocation, deadline_ms))
        failure = yield from self._await_answer(invocation, deadline)
        answer = self._endpoint.answer
        if answer is not None and answer.outcome is Outcome.TRUNCATED:
            yield Pause.BLOCKS
            failure, answer = self._truncated(answer, invocation, deadline)
        if sink is not None:
            self._endpoint.forget_reader()  # the runtime may go on to write, until it is ended
        if failure is not None or answer is None:
            return failure, answer
        return answered(answer), answer

    def _await_answer(self, invocation: Invocation, deadline: float) -> Steps[Failure | None]:
        if (yield from self._endpoint.await_briefly()):
            self._output.catch_up()  # what the handler printed was there before its answer
            return None
        self._output.release()
        waited = yield from self._processes.pump_steps(self._has_answer, deadline)
        if waited is not Waited.DONE:
            yield Pause.BLOCKS  # processes are to be ended
        if waited is Waited.EXITED:
            self._endpoint.drain()
        if waited is Waited.DONE or self._has_answer():
            return None
        return self._processes.failure(waited, invocation.request_id)

    def _has_answer(self) -> bool:
        return self._endpoint.answer is not None

    def _truncated(
        self, answer: Answer, invocation: Invocation, deadline: float
    ) -> tuple[Failure | None, Answer | None]:
        """Tell a runtime that broke its response off from one whose process ended in the middle."""
        limit = min(deadline, self._processes.now() + _LAST_BREATH_S)
        if self._processes.pump(lambda: self._endpoint.is_ready, limit) is Waited.EXITED:
            return self._processes.failure(Waited.EXITED, invocation.request_id), None
        return None, answer
