"""Operations on capacity providers, and the versions of functions that use one.

Source: spec/control-plane.md section 6.
"""

from typing import Final

from emulator.control.answers import state_name, timestamp
from emulator.control.capacity_providers import (
    ACTIVE,
    DELETING,
    PENDING,
    CapacityProvider,
    CapacityProviderStore,
    provider_arn,
)
from emulator.control.function import FunctionConfiguration
from emulator.control.paging import page
from emulator.control.policy import access_denied
from emulator.control.request import Request, RequestContext, Response
from emulator.control.store import FunctionStore
from emulator.control.validation import check_tags, check_user_keys
from emulator.control.vpc import FindVpc, vpc_of
from emulator.control.without_effect import WithoutEffect
from emulator.model import LATEST, LambdaError

PAGE: Final = 50
_GIVEN: Final = (  # members of a request that are shown as they are
    *("VpcConfig", "PermissionsConfig", "InstanceRequirements", "CapacityProviderScalingConfig"),
    *("KmsKeyArn", "PropagateTags", "TelemetryConfig"),
)
_CHANGEABLE: Final = ("CapacityProviderScalingConfig", "PropagateTags", "TelemetryConfig")
_EFFECT: Final = (
    "it is shown as set; there are no instances here, its functions run in ordinary environments"
)


class CapacityProviderOperations:
    """Create, read, change and delete capacity providers. Any thread may call."""

    def __init__(
        self,
        functions: FunctionStore,
        providers: CapacityProviderStore,
        find_vpc: FindVpc,
        without_effect: WithoutEffect,
    ) -> None:
        self._functions = functions
        self._providers = providers
        self._find_vpc = find_vpc
        self._without_effect = without_effect

    def create_capacity_provider(self, context: RequestContext, request: Request) -> Response:
        """Make a provider; the answer shows it Pending, the next look Active."""
        name = self._arn(context, request).rpartition(":")[2]
        tags = request.get("Tags", {})
        check_user_keys(tags)
        check_tags(tags)
        network = request["VpcConfig"]
        subnets, groups = network["SubnetIds"], network["SecurityGroupIds"]
        vpc_of(context.account, context.region, subnets, groups, self._find_vpc)
        members = {member: request[member] for member in _GIVEN if member in request}
        made = self._providers.create(context.account, context.region, name, members, tags)
        self._without_effect.tell_once("Capacity provider", name, _EFFECT)
        return _answer(made, PENDING)

    def get_capacity_provider(self, context: RequestContext, request: Request) -> Response:
        """One provider."""
        return _answer(self._providers.get(self._arn(context, request)), ACTIVE)

    def list_capacity_providers(self, context: RequestContext, request: Request) -> Response:
        """One page of providers by name, of one state where the request asks for it."""
        found = self._providers.of(context.account, context.region)
        if request.get("State", ACTIVE) != ACTIVE:
            found = []
        shown, marker = page(request, found, lambda provider: provider.name, PAGE)
        providers = [_answer(each, ACTIVE)["CapacityProvider"] for each in shown]
        return {"CapacityProviders": providers, **marker}

    def update_capacity_provider(self, context: RequestContext, request: Request) -> Response:
        """Replace what is given."""
        members = {member: request[member] for member in _CHANGEABLE if member in request}
        changed = self._providers.update(self._arn(context, request), members)
        return _answer(changed, ACTIVE)

    def delete_capacity_provider(self, context: RequestContext, request: Request) -> Response:
        """Take a provider away that no function uses."""
        arn = self._arn(context, request)
        with self._functions.unchanged():
            self._providers.get(arn)  # an unknown one counts before its users
            if self._users(context, arn):
                raise LambdaError(  # of the two codes of "in use" that of the service model
                    "ResourceConflictException",
                    f"The capacity provider {arn} is in use by functions and cannot be deleted.",
                )
            return _answer(self._providers.delete(arn), DELETING)

    def list_function_versions_by_capacity_provider(
        self, context: RequestContext, request: Request
    ) -> Response:
        """One page of the published versions that run on a provider."""
        arn = self._arn(context, request)
        self._providers.get(arn)
        published = [each for each in self._users(context, arn) if each.version.version != LATEST]
        shown, marker = page(request, published, lambda each: each.version.qualified_arn, PAGE)
        return {
            "CapacityProviderArn": arn,
            "FunctionVersions": [
                {"FunctionArn": each.version.qualified_arn, "State": state_name(each)}
                for each in shown
            ],
            **marker,
        }

    def _users(self, context: RequestContext, arn: str) -> list[FunctionConfiguration]:
        found = self._functions.select(
            context.account, context.region, lambda function: function.configurations()
        )
        users = [
            each
            for configurations in found
            for each in configurations
            if each.spec.capacity is not None and each.spec.capacity.provider_arn == arn
        ]
        return sorted(users, key=lambda each: each.version.qualified_arn)

    def _arn(self, context: RequestContext, request: Request) -> str:
        """The ARN of the provider that a request names by it, or by its name."""
        name: str = request["CapacityProviderName"]
        if not name.startswith("arn:"):
            return provider_arn(context.account, context.region, name)
        _, _, _, region, account, *_ = name.split(":")
        if (account, region) != (context.account, context.region):
            raise access_denied(context.account, "lambda:GetCapacityProvider", name)
        return name


def _answer(provider: CapacityProvider, state: str) -> Response:
    return {
        "CapacityProvider": {
            "CapacityProviderArn": provider.arn,
            "State": state,
            **provider.members,
            "LastModified": timestamp(provider.modified_at),
        }
    }
