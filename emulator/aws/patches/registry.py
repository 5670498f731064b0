"""Which patches belong to which service; each module is imported with its service."""

import importlib
from collections.abc import Mapping
from typing import Any, Final

from emulator.aws.patches.patching import Patch, PatchContext

CORE: Final = "core"

PATCHES: Final[Mapping[str, tuple[str, ...]]] = {  # by service: module:function
    CORE: ("core:patches",),
    "apigateway": ("apigateway:patches", "apigatewayv2:patches"),
    "awslambda": ("awslambda:patches",),
    "cloudformation": ("cloudformation:patches",),
    "cloudwatch": ("cloudwatch:patches",),
    "cognitoidp": ("cognitoidp:patches",),
    "config": ("config:patches",),
    "dynamodb": ("dynamodb:patches",),
    "dynamodbstreams": ("dynamodbstreams:patches",),
    "efs": ("efs:patches",),
    "elbv2": ("elbv2:patches",),
    "events": ("events:patches",),
    "firehose": ("firehose:patches",),
    "iot": ("iot:rule_patches",),
    "iotdata": ("iot:publish_patches",),
    "kinesis": ("kinesis:patches",),
    "logs": ("logs:patches",),
    "resourcegroupstaggingapi": ("resourcegroupstaggingapi:patches",),
    "s3": ("s3:patches",),
    "scheduler": ("scheduler:patches",),
    "secretsmanager": ("secretsmanager:patches",),
    "ses": ("ses:patches",),
    "signer": ("signer:patches",),
    "sns": ("sns:patches",),
    "sqs": ("sqs:patches",),
    "stepfunctions": ("stepfunctions_calls:patches", "stepfunctions:patches"),
    "sts": ("sts:patches",),
}
# Tried out for real when their service is loaded.
PROOFS: Final[Mapping[str, str]] = {
    "dynamodb": "dynamodb:prove",
    "events": "events:prove",
    "kinesis": "kinesis:prove",
    "logs": "logs:prove",
    "s3": "s3:prove",
    "sns": "sns_subscriptions:prove",
    "sqs": "sqs:prove",
}
# Services that look for functions; moto's Lambda is loaded and patched with them.
LAMBDA_USERS: Final = frozenset(
    {
        *("cloudformation", "config", "events", "logs", "resourcegroupstaggingapi"),
        *("secretsmanager", "ses", "sns"),
    }
)


def patches_of(service: str, context: PatchContext) -> list[Patch]:
    """All patches of a service; none for one that is as moto has it."""
    return [patch for each in PATCHES.get(service, ()) for patch in _function(each)(context)]


def prove(service: str, context: PatchContext) -> dict[str, str]:
    """Try a service's patches; return what is broken: target to problem."""
    found: dict[str, str] = _function(PROOFS[service])(context) if service in PROOFS else {}
    return found


def _function(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"emulator.aws.patches.{module}"), name)
