"""Values, ARNs, limits, errors and the clock: no I/O, no threads."""

from emulator.model.arn import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    LATEST,
    LATEST_PUBLISHED,
    FunctionName,
    bare_name,
    function_arn,
    layer_arn,
    parse_function_name,
)
from emulator.model.clock import Clock
from emulator.model.destination import DestinationError, DestinationMessage
from emulator.model.durable import DurableConfig
from emulator.model.errors import FAULTS, AwsError, Fault, LambdaError
from emulator.model.function import (
    APPLICATION_LOG_LEVELS,
    DEFAULT_LOG_LEVEL,
    JSON_LOG,
    MANAGED,
    ON_DEMAND,
    PROVISIONED,
    SNAP_START,
    SYSTEM_LOG_LEVELS,
    TEXT_LOG,
    CodePackage,
    FileSystem,
    FunctionVersion,
    ImageConfig,
    ResolvedFunction,
)
from emulator.model.invocation import Call, Invocation, InvocationResult, Status
from emulator.model.invoke_config import EventInvokeConfig
from emulator.model.nearest import nearest

__all__ = [
    "APPLICATION_LOG_LEVELS",
    "DEFAULT_ACCOUNT",
    "DEFAULT_LOG_LEVEL",
    "DEFAULT_REGION",
    "FAULTS",
    "JSON_LOG",
    "LATEST",
    "LATEST_PUBLISHED",
    "MANAGED",
    "ON_DEMAND",
    "PROVISIONED",
    "SNAP_START",
    "SYSTEM_LOG_LEVELS",
    "TEXT_LOG",
    "AwsError",
    "Call",
    "Clock",
    "CodePackage",
    "DestinationError",
    "DestinationMessage",
    "DurableConfig",
    "EventInvokeConfig",
    "Fault",
    "FileSystem",
    "FunctionName",
    "FunctionVersion",
    "ImageConfig",
    "Invocation",
    "InvocationResult",
    "LambdaError",
    "ResolvedFunction",
    "Status",
    "bare_name",
    "function_arn",
    "layer_arn",
    "nearest",
    "parse_function_name",
]
