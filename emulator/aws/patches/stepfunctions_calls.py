"""Step Functions: how a state machine is started and shown, and how its tasks call functions."""

import json
import uuid
from functools import cache
from typing import Any, Final

from emulator.aws.patches.patching import Patch, PatchContext

_PARSER: Final = "moto.stepfunctions.parser"
_TASK: Final = f"{_PARSER}.asl.component.state.exec.state_task"
_DAY_S: Final = 86_400.0


def patches(context: PatchContext) -> list[Patch]:
    """Patches of what moto's interpreter asks of others, and of what it answers."""
    return [
        # First: everything else imports this function by its name.
        Patch(
            f"{_PARSER}.asl.utils.boto_client:boto_client_for",
            "region, service, state_credentials",
            _client_for,
        ),
        Patch(
            f"{_TASK}.lambda_eval_utils:execute_lambda_function_integration",
            "env, parameters, region, state_credentials",
            _invoke,
        ),
        Patch(
            f"{_TASK}.state_task_lambda:StateTaskLambda._from_error", "self, env, ex", _from_error
        ),
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
        Patch(
            "moto.core.exceptions:AWSError.__init__",
            "self, message, exception_type, status",
            _error_with_code,
        ),
    ]


def _client_for(original: Any) -> Any:
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

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        from moto.settings import moto_server_port

        account = state_credentials.role_arn.split(":")[4]
        return client(service, region, account, f"http://127.0.0.1:{moto_server_port()}")

    return boto_client_for


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
