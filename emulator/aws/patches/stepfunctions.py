"""Step Functions: executions obey the clock and count for `settle`."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from emulator.aws.background_work import BackgroundWork
from emulator.aws.patches.patching import MODULE, Patch, PatchContext

_PARSER: Final = "moto.stepfunctions.parser"
_WAIT: Final = f"{_PARSER}.asl.component.state.wait.wait_function"
_RETRIER: Final = f"{_PARSER}.asl.component.common.retry.retrier_decl"
_TASK: Final = f"{_PARSER}.asl.component.state.exec.state_task.service.state_task_service_callback"
_WORKER: Final = f"{_PARSER}.backend.execution_worker:ExecutionWorker"

_token_lock: Final = threading.Lock()  # a token is sent, or waited for: one after the other
_here = threading.local()  # `execution`: ARN of the one this thread works for


def patches(context: PatchContext) -> list[Patch]:
    """Patches of where moto's interpreter runs an execution, and where it waits."""
    executions = context.executions
    return [
        Patch(f"{_WORKER}.start", "self", _start(executions)),
        Patch(f"{_WORKER}._execution_logic", "self", _run(executions)),
        Patch(
            f"{_WAIT}.wait_function:WaitFunction._wait_interval",
            "self, env, wait_seconds",
            _wait_interval(executions),
        ),
        Patch(
            f"{_WAIT}.timestamp:Timestamp._from_timestamp_string", "timestamp", _timestamp(context)
        ),
        Patch(f"{_RETRIER}:RetrierDecl._eval_body", "self, env", _knowing_execution),
        Patch(f"{_RETRIER}:time", MODULE, lambda original: _Time(executions)),
        Patch(
            f"{_TASK}:StateTaskServiceCallback._wait_for_task_token_timeout",
            "self, timeout_seconds, callback_endpoint",
            _wait_for_token(executions),
        ),
        Patch(
            f"{_TASK}:StateTaskServiceCallback._eval_wait_for_task_token",
            "self, env, timeout_seconds, callback_endpoint, heartbeat_endpoint",
            _knowing_execution,
        ),
        Patch(
            f"{_PARSER}.asl.eval.callback.callback:CallbackEndpoint.notify",
            "self, outcome",
            _notify,
        ),
    ]


def _arn(env: Any) -> str:
    return str(env.states.context_object.context_object_data["Execution"]["Id"])


def _start(executions: BackgroundWork) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def start(self: Any) -> None:
            def stop() -> None:
                if self.env is not None:  # else it has not begun yet
                    self.stop(datetime.now(UTC), None, None)

            executions.begin(self._evaluation_details.execution_details.arn, stop)
            original(self)

        return start

    return make


def _run(executions: BackgroundWork) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def execution_logic(self: Any) -> None:
            from moto.stepfunctions.parser.utils import TMP_THREADS

            try:
                original(self)
            finally:
                executions.end(self._evaluation_details.execution_details.arn)
                TMP_THREADS[:] = [thread for thread in TMP_THREADS if thread.is_alive()]

        return execution_logic

    return make


def _wait_interval(executions: BackgroundWork) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
            executions.sleep(_arn(env), wait_seconds, env.program_state_event, env.is_running)

        return wait_interval

    return make


def _timestamp(context: PatchContext) -> Callable[[Any], Any]:
    """moto compares with this machine's local time; the answer is made to fit that."""

    def make(original: Any) -> Any:
        def from_timestamp_string(timestamp: str) -> datetime | None:
            parsed: datetime | None = original.__func__(timestamp)
            if parsed is None:
                return None
            left_s = ceil(parsed.replace(tzinfo=UTC).timestamp() - context.clock.now())
            return datetime.now() + timedelta(seconds=left_s, milliseconds=500)

        return staticmethod(from_timestamp_string)

    return make


def _knowing_execution(original: Any) -> Any:
    """Remember whose execution it is for what is called below without saying so."""

    def evaluate(self: Any, env: Any, *arguments: Any, **named: Any) -> Any:
        _here.execution = _arn(env)
        return original(self, env, *arguments, **named)

    return evaluate


class _Time:
    """Stands for the module `time` where moto waits before it tries a state again."""

    def __init__(self, executions: BackgroundWork) -> None:
        self._executions = executions

    def sleep(self, seconds: float) -> None:
        self._executions.sleep(_here.execution, seconds, threading.Event(), lambda: True)


def _wait_for_token(executions: BackgroundWork) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def wait(self: Any, timeout_seconds: float, callback_endpoint: Any) -> Any:
            with ExitStack() as waiting:
                with _token_lock:
                    # A function may have sent the token before it has returned.
                    if not getattr(callback_endpoint, "is_notified", False):
                        resume = waiting.enter_context(executions.waiting(_here.execution))
                        callback_endpoint.resume = resume
                return original(self, timeout_seconds, callback_endpoint)

        return wait

    return make


def _notify(original: Any) -> Any:
    """Count the execution again before who has sent the token gets an answer."""

    def notify(self: Any, outcome: Any) -> None:
        with _token_lock:
            self.is_notified = True
            resume = getattr(self, "resume", None)
        if resume is not None:
            resume()
        original(self, outcome)

    return notify
