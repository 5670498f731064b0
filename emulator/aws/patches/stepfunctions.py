"""Step Functions: executions obey the clock, count for `settle`, and call as their owner."""

import json
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from math import ceil
from typing import Any, Final

from emulator.aws.background_work import BackgroundWork
from emulator.aws.patches.patching import MODULE, Patch, PatchContext

_PARSER: Final = "moto.stepfunctions.parser"
_WAIT: Final = f"{_PARSER}.asl.component.state.wait.wait_function"
_RETRIER: Final = f"{_PARSER}.asl.component.common.retry.retrier_decl"
_CALLBACK: Final = f"{_PARSER}.asl.eval.callback.callback"
_INVOKE: Final = f"{_PARSER}.asl.component.state.exec.state_task.lambda_eval_utils"
_DIRECT: Final = f"{_PARSER}.asl.component.state.exec.state_task.state_task_lambda"
_TASK: Final = f"{_PARSER}.asl.component.state.exec.state_task.service.state_task_service_callback"

_token_lock: Final = threading.Lock()  # a token is sent, or waited for: one after the other
_here = threading.local()  # `execution`: ARN of the one this thread works for
_DAY_S: Final = 86_400.0


def patches(context: PatchContext) -> list[Patch]:
    """Patches of moto's interpreter of state machines."""
    executions = context.executions
    return [
        # First: everything else imports this function by its name.
        Patch(
            f"{_PARSER}.asl.utils.boto_client:boto_client_for",
            "region, service, state_credentials",
            _client_for(context),
        ),
        Patch(
            f"{_PARSER}.backend.execution_worker:ExecutionWorker.start",
            "self",
            _start(executions),
        ),
        Patch(
            f"{_PARSER}.backend.execution_worker:ExecutionWorker._execution_logic",
            "self",
            _run(executions),
        ),
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
            f"{_INVOKE}:execute_lambda_function_integration",
            "env, parameters, region, state_credentials",
            _invoke,
        ),
        Patch(f"{_DIRECT}:StateTaskLambda._from_error", "self, env, ex", _from_error),
        Patch(
            f"{_PARSER}.models:StepFunctionsParserBackend.start_execution",
            "self, state_machine_arn, name, execution_input, trace_header",
            _named,
        ),
        Patch(
            "moto.stepfunctions.responses:StepFunctionResponse.describe_execution",
            "self",
            _describe,
        ),
        Patch(f"{_CALLBACK}:CallbackEndpoint.notify", "self, outcome", _notify),
        Patch(
            "moto.core.exceptions:AWSError.__init__",
            "self, message, exception_type, status",
            _error_with_code,
        ),
    ]


def _client_for(context: PatchContext) -> Callable[[Any], Any]:
    """moto makes a client for each call, as a caller of the default account."""

    @cache
    def client(service: str, region: str, account: str, url: str) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            read_timeout=_DAY_S,
            max_pool_connections=64,
        )
        make: Any = boto3.client  # its stubs want to know the service's name beforehand
        return make(
            service,
            region_name=region,
            endpoint_url=url,
            aws_access_key_id=account,
            aws_secret_access_key="states",
            config=config,
        )

    def make(original: Any) -> Any:
        def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
            from moto.settings import moto_server_port

            account = state_credentials.role_arn.split(":")[4]
            return client(service, region, account, f"http://127.0.0.1:{moto_server_port()}")

        return boto_client_for

    return make


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


def _invoke(original: Any) -> Any:
    """moto leaves out what the SDK told, and writes the error's JSON anew."""

    def execute(env: Any, parameters: Any, region: str, state_credentials: Any) -> None:
        from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
        from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for

        if env.is_mocked_mode():
            original(env, parameters, region, state_credentials)
            return
        functions: Any = boto_client_for(region, "lambda", state_credentials)
        answer = functions.invoke(**parameters)
        payload = answer["Payload"].read().decode()
        if error := answer.get("FunctionError"):
            raise lambda_eval_utils.LambdaFunctionErrorException(error, payload)
        env.stack.append(_integration_output(answer, payload))

    return execute


def _integration_output(answer: Any, payload: str) -> dict[str, Any]:
    """Source: spec/events.md section 9, `lambda:invoke`."""
    metadata = answer["ResponseMetadata"]
    headers = {_title(name): value for name, value in metadata["HTTPHeaders"].items()}
    return {
        "ExecutedVersion": answer["ExecutedVersion"],
        "Payload": json.loads(payload),
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": metadata["HTTPStatusCode"],
        },
        "SdkResponseMetadata": {"RequestId": metadata["RequestId"]},
        "StatusCode": answer["StatusCode"],
    }


def _from_error(original: Any) -> Any:
    """A refused call has the name that the invoke integration gives it, too."""

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        from botocore.exceptions import ClientError
        from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
            CustomErrorName,
        )
        from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
            state_task_service_lambda,
        )

        event = original(self, env, ex)
        if isinstance(ex, ClientError):
            integration = state_task_service_lambda.StateTaskServiceLambda
            error, cause = integration._error_cause_from_client_error(ex)
            event.error_name = CustomErrorName(error)
            event.event_details["lambdaFunctionFailedEventDetails"].update(error=error, cause=cause)
        return event

    return from_error


def _named(original: Any) -> Any:
    """An execution that nobody named has a UUID for a name."""

    def start_execution(
        self: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,
    ) -> Any:
        name = name or str(uuid.uuid4())
        return original(self, state_machine_arn, name, execution_input, trace_header)

    return start_execution


def _describe(original: Any) -> Any:
    """The output is a JSON text, also when it is a string or null."""

    def describe_execution(self: Any) -> Any:
        answer = original(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if execution.status == "SUCCEEDED":
            answer.result["output"] = json.dumps(execution.output, separators=(",", ":"))
        return answer

    return describe_execution


def _error_with_code(original: Any) -> Any:
    """moto's interpreter names its errors by `code`, of which an answer takes no notice."""

    def init(
        self: Any, message: str = "", exception_type: str | None = None, status: int | None = None
    ) -> None:
        code = type(self).code
        name = exception_type or self.TYPE or (code if isinstance(code, str) else None)
        original(self, message, name, status)

    return init


def _title(header: str) -> str:
    return "-".join(word.capitalize() for word in header.split("-"))


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
