"""Which patches belong to which service."""

from collections.abc import Callable, Mapping
from typing import Final

from emulator.aws.patches import (
    apigateway,
    apigatewayv2,
    awslambda,
    cloudformation,
    cloudwatch,
    cognitoidp,
    config,
    core,
    dynamodb,
    dynamodbstreams,
    elbv2,
    events,
    firehose,
    iot,
    kinesis,
    logs,
    s3,
    scheduler,
    secretsmanager,
    ses,
    sns,
    sns_subscriptions,
    sqs,
    stepfunctions,
    sts,
)
from emulator.aws.patches.patching import Patch, PatchContext

CORE: Final = "core"

PATCHES: Final[Mapping[str, Callable[[PatchContext], list[Patch]]]] = {
    CORE: core.patches,
    "apigateway": lambda context: apigateway.patches(context) + apigatewayv2.patches(context),
    "awslambda": awslambda.patches,
    "cloudformation": cloudformation.patches,
    "cloudwatch": cloudwatch.patches,
    "cognitoidp": cognitoidp.patches,
    "config": config.patches,
    "dynamodb": dynamodb.patches,
    "dynamodbstreams": dynamodbstreams.patches,
    "kinesis": kinesis.patches,
    "events": events.patches,
    "firehose": firehose.patches,
    "iot": iot.rule_patches,
    "iotdata": iot.publish_patches,
    "logs": logs.patches,
    "elbv2": elbv2.patches,
    "s3": s3.patches,
    "scheduler": scheduler.patches,
    "secretsmanager": secretsmanager.patches,
    "ses": ses.patches,
    "sns": sns.patches,
    "sqs": sqs.patches,
    "stepfunctions": stepfunctions.patches,
    "sts": sts.patches,
}
# Tried out for real when their service is loaded: target to problem.
PROOFS: Final[Mapping[str, Callable[[PatchContext], dict[str, str]]]] = {
    "dynamodb": dynamodb.prove,
    "kinesis": kinesis.prove,
    "events": events.prove,
    "logs": logs.prove,
    "s3": s3.prove,
    "sns": sns_subscriptions.prove,
    "sqs": sqs.prove,
}
# Services that look for functions; moto's Lambda is loaded and patched with them.
LAMBDA_USERS: Final = frozenset(
    {"cloudformation", "config", "events", "logs", "secretsmanager", "ses", "sns"}
)
