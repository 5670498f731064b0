"""Resource Groups Tagging API: it finds and tags our functions, and what else Lambda keeps."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from emulator.aws.patches.patching import Patch, PatchContext
from emulator.model import LambdaError

_MODELS = "moto.resourcegroupstaggingapi.models"
_BACKEND = f"{_MODELS}:ResourceGroupsTaggingAPIBackend"

Failures = dict[str, dict[str, Any]]  # ARN: what became of it


def patches(context: PatchContext) -> list[Patch]:
    """The patches of moto.resourcegroupstaggingapi."""
    functions = context.functions
    return [
        Patch(f"{_MODELS}:iter_taggable_backends", "account_id, region_name", _with_lambda_backend),
        Patch(
            f"{_BACKEND}.tag_resources",
            "self, resource_arns, tags",
            lambda original: _tag_resources(original, functions.tag),
        ),
        Patch(
            f"{_BACKEND}.untag_resources",
            "self, resource_arn_list, tag_keys",
            lambda original: _untag_resources(original, functions.untag),
        ),
    ]


def _with_lambda_backend(original: Any) -> Any:
    """moto asks only backends that somebody has used; of ours it does not know that."""

    def iter_taggable_backends(account_id: str, region_name: str) -> Iterator[Any]:
        from moto.awslambda.models import lambda_backends

        regions = lambda_backends[account_id]
        if region_name in regions.regions:
            _ = regions[region_name]
        yield from original(account_id, region_name)

    return iter_taggable_backends


def _tag_resources(original: Any, tag: Callable[[str, str, str, Mapping[str, str]], None]) -> Any:
    def tag_resources(self: Any, resource_arns: list[str], tags: dict[str, str]) -> Failures:
        ours, others = _apart(resource_arns)
        failed: Failures = original(self, others, tags)
        return failed | _failures(
            ours, lambda arn: tag(self.account_id, self.region_name, arn, tags)
        )

    return tag_resources


def _untag_resources(original: Any, untag: Callable[[str, str, str, Collection[str]], None]) -> Any:
    def untag_resources(self: Any, resource_arn_list: list[str], tag_keys: list[str]) -> Failures:
        ours, others = _apart(resource_arn_list)
        failed: Failures = original(self, others, tag_keys)
        return failed | _failures(
            ours, lambda arn: untag(self.account_id, self.region_name, arn, tag_keys)
        )

    return untag_resources


def _apart(arns: list[str]) -> tuple[list[str], list[str]]:
    """Those of Lambda, and the rest."""
    ours = [arn for arn in arns if arn.split(":")[2:3] == ["lambda"]]
    return ours, [arn for arn in arns if arn not in ours]


def _failures(arns: list[str], change: Callable[[str], None]) -> Failures:
    failed: Failures = {}
    for arn in arns:
        try:
            change(arn)
        except LambdaError as error:
            failed[arn] = {
                "StatusCode": error.fault.status,
                "ErrorCode": "InvalidParameterException",
                "ErrorMessage": error.message,
            }
    return failed
