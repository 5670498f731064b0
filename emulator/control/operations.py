"""The operations of the Lambda API that the control room owns."""

from collections.abc import Mapping

from emulator.control.account_operations import AccountOperations
from emulator.control.alias_operations import AliasOperations
from emulator.control.capacity_provider_operations import CapacityProviderOperations
from emulator.control.code_signing import CodeSigning
from emulator.control.code_signing_operations import CodeSigningOperations
from emulator.control.code_source import CodeSource
from emulator.control.concurrency_operations import ConcurrencyOperations
from emulator.control.function_operations import FunctionOperations
from emulator.control.invoke_config_operations import InvokeConfigOperations
from emulator.control.layer_operations import LayerOperations
from emulator.control.layer_policy_operations import LayerPolicyOperations
from emulator.control.mapping_operations import MappingOperations
from emulator.control.other_services import OtherServices
from emulator.control.policy_operations import PolicyOperations
from emulator.control.provisioned_operations import ProvisionedOperations
from emulator.control.recursion_operations import RecursionOperations
from emulator.control.request import Operation, operations_of
from emulator.control.runtime_management_operations import RuntimeManagementOperations
from emulator.control.scaling_operations import ScalingOperations
from emulator.control.stores import Stores
from emulator.control.tag_operations import TagOperations
from emulator.control.tags import tags_of
from emulator.control.url_operations import UrlOperations
from emulator.control.version_operations import VersionOperations
from emulator.control.without_effect import WithoutEffect
from emulator.model import Clock


def operations(stores: Stores, others: OtherServices, clock: Clock) -> Mapping[str, Operation]:
    """Every operation of this room, by its name in the service model."""
    functions, layers = stores.functions, stores.layers
    source = CodeSource(stores.code, others.fetch_object)
    without_effect = WithoutEffect(others.tell)
    signing = CodeSigning(stores.signing_configs, clock, others.is_revoked, others.tell)
    owners = (
        AccountOperations(functions, layers),
        AliasOperations(functions),
        CapacityProviderOperations(functions, stores.providers, others.find_vpc, without_effect),
        CodeSigningOperations(functions, stores.signing_configs, signing),
        ConcurrencyOperations(functions),
        FunctionOperations(stores, others, source, signing, without_effect),
        InvokeConfigOperations(functions, clock),
        LayerOperations(layers, stores.code, source, clock, without_effect),
        LayerPolicyOperations(layers),
        MappingOperations(functions, stores.mappings, others.describe_source, without_effect),
        PolicyOperations(functions),
        ProvisionedOperations(functions, clock, others.provisioned_state),
        RecursionOperations(functions),
        RuntimeManagementOperations(functions, without_effect),
        ScalingOperations(functions, without_effect),
        TagOperations(tags_of(stores)),
        UrlOperations(functions, clock),
        VersionOperations(functions),
    )
    return {name: made for owner in owners for name, made in operations_of(owner).items()}
