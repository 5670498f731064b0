"""What a stack made before a restart, and what becomes of it."""

from contextlib import suppress
from typing import Any

from emulator.aws.kept_stacks import KeptResource, StackName
from emulator.aws.patches.patching import PatchContext
from emulator.aws.patches.stack_types import StackTypes
from emulator.aws.stacks.resource_type import Made, ResourceProblem
from emulator.model import function_arn


class StackRemains:
    """Takes away what stacks left that moto forgot. A caller must hold CloudFormation's lock."""

    def __init__(self, context: PatchContext, types: StackTypes) -> None:
        self._context = context
        self._types = types

    def clear(self, name: StackName) -> None:
        """Delete what a stack of this name made in an earlier process.

        What cannot be deleted stays: a stack that it is in the way of says so.
        """
        left = self._context.kept_stacks.left_by(name)
        functions = [each.physical_id for each in left if self._is_function(name, each)]
        for resource in left:
            made = Made(physical_id=resource.physical_id, attributes={}, address=resource.address)
            with suppress(ResourceProblem):
                self._types.delete(name.account, name.region, resource.type, made)
            self._context.kept_stacks.drop(name, resource)
        if functions:
            self._context.reporter.event(
                "stack.cleared",
                stack=name.name,
                functions=", ".join(sorted(functions)),
                hint="a restart forgets stacks; what this one had made before was deleted",
            )

    def _is_function(self, name: StackName, resource: KeptResource) -> bool:
        arn = function_arn(name.account, name.region, resource.physical_id)
        return resource.type == "AWS::Lambda::Function" and self._context.functions.exists(arn)


def stack_name(stack: Any, stack_id: str) -> StackName:
    """The name of the stack of an id, in the account and region of a stack of moto's."""
    name = stack_id.split("/")[1]
    return StackName(account=stack.account_id, region=stack.region_name, name=name)
