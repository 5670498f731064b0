"""Rules for a function's settings that the service model cannot say."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from emulator.control.images import check_image_spec
from emulator.control.logging_config import check_logging
from emulator.control.runtimes import check_runtime
from emulator.control.snap_start import check_snap_start
from emulator.control.spec import FunctionSpec
from emulator.control.tenancy import refuse_tenants
from emulator.control.violations import invalid
from emulator.model import TEXT_LOG, LambdaError, limits

RESERVED_VARIABLES: Final = frozenset(
    (  # spec/execution-environment.md section 3
        *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION"),
        *("AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE"),
        *("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"),
        *("AWS_SESSION_TOKEN", "AWS_LAMBDA_MAX_CONCURRENCY"),
        *("LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
    )
)

_VARIABLES_REFUSED: Final = (
    "Lambda was unable to configure your environment variables because the environment variables"
    " you have provided"
)


def check_spec(spec: FunctionSpec) -> None:
    """Raise LambdaError for settings that Lambda refuses."""
    if spec.is_image:
        check_image_spec(spec)
    elif not spec.runtime or not spec.handler:
        raise invalid(
            "Runtime and Handler are mandatory parameters for functions created with deployment"
            " packages."
        )
    else:
        check_runtime(spec.runtime)
    if spec.memory_mib > limits.MEMORY_MIB:  # without the head of the other violations
        raise LambdaError(
            "ValidationException",
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or"
            f" equal to {limits.MEMORY_MIB}",
        )
    check_snap_start(spec)
    check_environment(spec.environment or {})
    check_logging(spec)
    if spec.capacity is not None and spec.log_format == TEXT_LOG:
        raise invalid("Functions with a capacity provider log JSON only.")
    if spec.capacity is not None:
        refuse_tenants(spec, "A capacity provider")


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise InvalidParameterValueException for more tags than a resource may have."""
    if sum(not _is_reserved(key) for key in tags) > limits.TAGS:  # AWS's own do not count
        raise invalid("Number of tags exceeds resource tag limit.")


def check_user_keys(keys: Iterable[str]) -> None:
    """Raise InvalidParameterValueException for keys of tags that only AWS itself sets."""
    if reserved := [key for key in keys if _is_reserved(key)]:
        raise invalid(f"Tag keys that begin with aws: are reserved: {', '.join(reserved)}")


def _is_reserved(key: str) -> bool:
    return key.lower().startswith("aws:")


def check_dead_letter_target(arn: str | None, exists: Callable[[str], bool]) -> None:
    """Raise InvalidParameterValueException for a target that is no standard queue or topic."""
    if arn is None:
        return
    calls = {"sqs": "SendMessage on SQS", "sns": "Publish on SNS"}
    service = arn.split(":")[2]
    if service not in calls:
        raise invalid(f"The provided DLQ ARN {arn} is invalid.")
    if not exists(arn):
        raise invalid(
            f"The provided execution role does not have permissions to call {calls[service]}"
        )


def check_reservation(executions: int, reserved_by_others: int) -> None:
    """Raise InvalidParameterValueException unless enough of the account's concurrency is left."""
    left = limits.ACCOUNT_CONCURRENCY - reserved_by_others - executions
    if left < limits.UNRESERVED_CONCURRENCY:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's"
            " UnreservedConcurrentExecution below its minimum value of"
            f" [{limits.UNRESERVED_CONCURRENCY}]."
        )


def check_provisioned_fits(executions: int, provisioned: int) -> None:
    """Raise InvalidParameterValueException for a reservation below what is provisioned of it."""
    if executions < provisioned:
        raise invalid(  # sic: both blanks
            f" ReservedConcurrentExecutions  {executions} should not be lower than function's"
            f" total provisioned concurrency [{provisioned}]."
        )


def check_provision(executions: int, by_versions: int, reserved: int | None, others: int) -> None:
    """Raise InvalidParameterValueException where a version may not have so many environments.

    by_versions: what other versions of the function have. reserved: what the function reserves.
    others: what other functions of the account have set aside.
    """
    wanted = executions + by_versions
    if reserved is not None:
        if wanted > reserved:
            raise invalid(
                "Requested Provisioned Concurrency should not be greater than the"
                " reservedConcurrentExecution for function"
            )
        return
    unreserved = limits.ACCOUNT_CONCURRENCY - others
    if wanted > unreserved:
        raise invalid(
            "Specified ConcurrentExecutions for function is greater than account's unreserved"
            f" concurrency [{unreserved}]."
        )
    if unreserved - wanted < limits.UNRESERVED_CONCURRENCY:
        raise invalid(
            "Specified ConcurrentExecutions for function decreases account's"
            " UnreservedConcurrentExecution below its minimum value of"
            f" [{limits.UNRESERVED_CONCURRENCY}]."
        )


def check_environment(variables: Mapping[str, str]) -> None:
    """Raise InvalidParameterValueException for reserved keys, and for more than 4 KB."""
    if reserved := [key for key in variables if key in RESERVED_VARIABLES]:
        raise invalid(
            f"{_VARIABLES_REFUSED} contains reserved keys that are currently not supported for"
            f" modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > limits.ENVIRONMENT_BYTES:
        raise invalid(f"{_VARIABLES_REFUSED} exceeded the 4KB limit. String measured: {measured}")
