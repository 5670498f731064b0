"""Which types of resources stacks can make, and what makes them."""

from collections.abc import Mapping
from typing import Any, Final

from emulator.aws.custom_resources import PendingAnswers, is_custom
from emulator.aws.patches.custom_resource import custom_resource_class
from emulator.aws.patches.nested_stacks import TYPE as NESTED
from emulator.aws.patches.nested_stacks import NestedStackHandler
from emulator.aws.patches.patching import PatchContext
from emulator.aws.patches.stack_resources import Handler, MotoHandler, NoHandler, OwnHandler
from emulator.aws.stacks.bucket import BucketType
from emulator.aws.stacks.calls import ServiceCalls
from emulator.aws.stacks.cognito_types import TYPES as COGNITO_TYPES
from emulator.aws.stacks.event_types import TYPES as EVENT_TYPES
from emulator.aws.stacks.http_api import TYPES as HTTP_API_TYPES
from emulator.aws.stacks.lambda_types import TYPES as LAMBDA_TYPES
from emulator.aws.stacks.log_group import LogGroupType
from emulator.aws.stacks.neighbour_types import TYPES as NEIGHBOUR_TYPES
from emulator.aws.stacks.resource_type import Made, ResourceProblem, ResourceType
from emulator.aws.stacks.rest_api import TYPES as REST_API_TYPES
from emulator.aws.stacks.secret import SecretType
from emulator.aws.stacks.state_machine import STATE_MACHINE
from emulator.aws.stacks.table import TableType

OWN_TYPES: Final[Mapping[str, ResourceType]] = {
    **COGNITO_TYPES,
    **EVENT_TYPES,
    **HTTP_API_TYPES,
    **LAMBDA_TYPES,
    **NEIGHBOUR_TYPES,
    **REST_API_TYPES,
    "AWS::DynamoDB::Table": TableType(),
    "AWS::Logs::LogGroup": LogGroupType(),
    "AWS::S3::Bucket": BucketType(),
    "AWS::SecretsManager::Secret": SecretType(),
    "AWS::StepFunctions::StateMachine": STATE_MACHINE,
}
WITHOUT_EFFECT: Final = frozenset(
    {"AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"}
)
_NO_TYPES: Final = frozenset({"?", "AWS::SERVICE::RESOURCE"})  # of moto's own base classes


class StackTypes:
    """The types of resources, each with its handler."""

    def __init__(self, context: PatchContext, pending: PendingAnswers) -> None:
        self._context = context
        self._custom = custom_resource_class(context, pending)

    def is_known(self, resource_type: str) -> bool:
        """Whether stacks can make such resources."""
        return is_custom(resource_type) or resource_type in self.all()

    @staticmethod
    def all() -> set[str]:
        """Names of the types that stacks can make, but for those of custom resources."""
        return {*OWN_TYPES, *WITHOUT_EFFECT, *_of_moto()}

    def has_attribute(self, resource_type: str, attribute: str) -> bool:
        """Whether Fn::GetAtt of such a resource knows an attribute; True: that shows later."""
        kind = OWN_TYPES.get(resource_type)
        return kind is None or attribute in kind.attributes

    def handler_of(self, stack: Any, resource_type: str) -> Handler:
        """What makes such resources of a stack; raises ResourceProblem."""
        if is_custom(resource_type):
            return MotoHandler(self._custom, resource_type)
        if resource_type in OWN_TYPES:
            call = self._calls(stack.account_id, stack.region_name)
            return OwnHandler(OWN_TYPES[resource_type], call)
        if resource_type == NESTED:
            return NestedStackHandler(stack)
        if resource_type in WITHOUT_EFFECT:
            return NoHandler()
        if resource_type in _of_moto():
            return MotoHandler(_of_moto()[resource_type], resource_type)
        raise ResourceProblem(f"The emulator's stacks cannot make resources of {resource_type}.")

    def delete(self, account: str, region: str, resource_type: str, made: Made) -> None:
        """Remove a resource of one of our own types; raises ResourceProblem."""
        OWN_TYPES[resource_type].delete(made, self._calls(account, region))

    def _calls(self, account: str, region: str) -> ServiceCalls:
        context = self._context
        return ServiceCalls(account, region, context.functions, context.call_service, context.locks)


def _of_moto() -> Mapping[str, Any]:
    from moto.cloudformation.parsing import get_model_map

    return {name: each for name, each in get_model_map().items() if name not in _NO_TYPES}
