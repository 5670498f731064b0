"""Settings of a function: from members of a request to fields of FunctionSpec, and back."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.control.capacity import capacity_answer, read_capacity
from emulator.control.durable_config import durable_config_answer
from emulator.control.file_systems import file_systems_answer, read_file_systems
from emulator.control.images import image_config_answer, read_image_config
from emulator.control.logging_config import logging_fields
from emulator.control.request import Request
from emulator.control.snap_start import snap_start_fields
from emulator.control.spec import FunctionSpec
from emulator.control.unsupported import refuse_unsupported
from emulator.control.vpc import vpc_answer

Fields = dict[str, Any]

_FIELDS: Final = {  # member of a request: field of FunctionSpec with the same value
    "Runtime": "runtime",
    "Role": "role",
    "Handler": "handler",
    "Description": "description",
    "Timeout": "timeout_s",
    "MemorySize": "memory_mib",
    "KMSKeyArn": "kms_key_arn",
}
_READERS: Final[Mapping[str, Callable[[Any], Fields]]] = {
    "AcceleratorConfig": lambda config: {"accelerator_memory_gb": config["AcceleratorMemorySize"]},
    "Architectures": lambda names: {"architecture": names[0]},
    "CapacityProviderConfig": lambda config: {"capacity": read_capacity(config)},
    "DeadLetterConfig": lambda config: {"dead_letter_arn": config.get("TargetArn") or None},
    "Environment": lambda config: {"environment": config.get("Variables")},
    "EphemeralStorage": lambda config: {"ephemeral_storage_mib": config["Size"]},
    "FileSystemConfigs": lambda configs: {"file_systems": read_file_systems(configs)},
    "ImageConfig": lambda config: {"image_config": read_image_config(config)},
    "Layers": lambda arns: {"layers": tuple(arns)},
    "LoggingConfig": logging_fields,
    "SnapStart": snap_start_fields,
    "TenancyConfig": lambda _: {"isolates_tenants": True},  # there is one mode
    "TracingConfig": lambda config: {"is_traced": config.get("Mode") == "Active"},
}


def read_settings(operation: str, request: Request) -> Fields:
    """The fields of FunctionSpec that a request sets; raises LambdaError for what it may not."""
    refuse_unsupported(operation, request)
    fields = {field: request[member] for member, field in _FIELDS.items() if member in request}
    for member, read in _READERS.items():
        if member in request:
            fields |= read(request[member])
    return fields


_ANSWERS: Final[Mapping[str, Callable[[FunctionSpec], Any]]] = {  # None: the member is left out
    "AcceleratorConfig": lambda spec: (
        spec.accelerator_memory_gb and {"AcceleratorMemorySize": spec.accelerator_memory_gb}
    ),
    "CapacityProviderConfig": lambda spec: spec.capacity and capacity_answer(spec.capacity),
    "DeadLetterConfig": lambda spec: spec.dead_letter_arn and {"TargetArn": spec.dead_letter_arn},
    "DurableConfig": lambda spec: spec.durable and durable_config_answer(spec.durable),
    "Environment": lambda spec: (
        None if spec.environment is None else {"Variables": dict(spec.environment)}
    ),
    "FileSystemConfigs": lambda spec: file_systems_answer(spec.file_systems) or None,
    "ImageConfigResponse": lambda spec: (
        spec.image_config and image_config_answer(spec.image_config)
    ),
    "KMSKeyArn": lambda spec: spec.kms_key_arn or None,
    "TenancyConfig": lambda spec: (
        {"TenantIsolationMode": "PER_TENANT"} if spec.isolates_tenants else None
    ),
    "VpcConfig": lambda spec: spec.vpc and vpc_answer(spec.vpc),
}


def given_settings(spec: FunctionSpec) -> dict[str, Any]:
    """The members of FunctionConfiguration that are shown only where they were given."""
    members = {member: answer(spec) for member, answer in _ANSWERS.items()}
    return {member: value for member, value in members.items() if value is not None}
