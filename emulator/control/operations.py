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
from emulator.control.request import Operation
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
    store, code, layers, mappings = (
        stores.functions,
        stores.code,
        stores.layers,
        stores.mappings,
    )
    signing_configs, providers = stores.signing_configs, stores.providers
    source = CodeSource(code, others.fetch_object)
    without_effect = WithoutEffect(others.tell)
    signing = CodeSigning(signing_configs, clock, others.is_revoked, others.tell)
    functions = FunctionOperations(
        store, code, source, layers, others, without_effect, signing, providers
    )
    capacity = CapacityProviderOperations(store, providers, others.find_vpc, without_effect)
    scaling = ScalingOperations(store, without_effect)
    signed = CodeSigningOperations(store, signing_configs, signing)
    published = LayerOperations(layers, code, source, clock, without_effect)
    sources = MappingOperations(store, mappings, others.describe_source, without_effect)
    layer_policies = LayerPolicyOperations(layers)
    account = AccountOperations(store, layers)
    aliases = AliasOperations(store)
    concurrency = ConcurrencyOperations(store)
    invoke_configs = InvokeConfigOperations(store, clock)
    provisioned = ProvisionedOperations(store, clock, others.provisioned_state)
    recursion = RecursionOperations(store)
    runtime_management = RuntimeManagementOperations(store, without_effect)
    policies = PolicyOperations(store)
    tags = TagOperations(tags_of(stores))
    urls = UrlOperations(store, clock)
    versions = VersionOperations(store)
    return {
        "AddLayerVersionPermission": layer_policies.add_layer_version_permission,
        "AddPermission": policies.add_permission,
        "CreateAlias": aliases.create_alias,
        "CreateCapacityProvider": capacity.create_capacity_provider,
        "CreateCodeSigningConfig": signed.create_code_signing_config,
        "CreateEventSourceMapping": sources.create,
        "CreateFunction": functions.create_function,
        "CreateFunctionUrlConfig": urls.create_function_url_config,
        "DeleteAlias": aliases.delete_alias,
        "DeleteCapacityProvider": capacity.delete_capacity_provider,
        "DeleteCodeSigningConfig": signed.delete_code_signing_config,
        "DeleteEventSourceMapping": sources.delete,
        "DeleteFunction": functions.delete_function,
        "DeleteFunctionCodeSigningConfig": signed.delete_function_code_signing_config,
        "DeleteFunctionConcurrency": concurrency.delete_function_concurrency,
        "DeleteFunctionEventInvokeConfig": invoke_configs.delete_function_event_invoke_config,
        "DeleteFunctionUrlConfig": urls.delete_function_url_config,
        "DeleteLayerVersion": published.delete_layer_version,
        "DeleteProvisionedConcurrencyConfig": provisioned.delete_provisioned_concurrency_config,
        "DeleteResourcePolicy": policies.delete_resource_policy,
        "GetAccountSettings": account.get_account_settings,
        "GetAlias": aliases.get_alias,
        "GetCapacityProvider": capacity.get_capacity_provider,
        "GetCodeSigningConfig": signed.get_code_signing_config,
        "GetEventSourceMapping": sources.get,
        "GetFunction": functions.get_function,
        "GetFunctionCodeSigningConfig": signed.get_function_code_signing_config,
        "GetFunctionConcurrency": concurrency.get_function_concurrency,
        "GetFunctionConfiguration": functions.get_function_configuration,
        "GetFunctionEventInvokeConfig": invoke_configs.get_function_event_invoke_config,
        "GetFunctionRecursionConfig": recursion.get_function_recursion_config,
        "GetFunctionScalingConfig": scaling.get_function_scaling_config,
        "GetFunctionUrlConfig": urls.get_function_url_config,
        "GetLayerVersion": published.get_layer_version,
        "GetLayerVersionByArn": published.get_layer_version_by_arn,
        "GetLayerVersionPolicy": layer_policies.get_layer_version_policy,
        "GetPolicy": policies.get_policy,
        "GetProvisionedConcurrencyConfig": provisioned.get_provisioned_concurrency_config,
        "GetResourcePolicy": policies.get_resource_policy,
        "GetRuntimeManagementConfig": runtime_management.get_runtime_management_config,
        "ListAliases": aliases.list_aliases,
        "ListCapacityProviders": capacity.list_capacity_providers,
        "ListCodeSigningConfigs": signed.list_code_signing_configs,
        "ListEventSourceMappings": sources.list_mappings,
        "ListFunctionEventInvokeConfigs": invoke_configs.list_function_event_invoke_configs,
        "ListFunctionUrlConfigs": urls.list_function_url_configs,
        "ListFunctionVersionsByCapacityProvider": (
            capacity.list_function_versions_by_capacity_provider
        ),
        "ListFunctions": functions.list_functions,
        "ListFunctionsByCodeSigningConfig": signed.list_functions_by_code_signing_config,
        "ListLayerVersions": published.list_layer_versions,
        "ListLayers": published.list_layers,
        "ListProvisionedConcurrencyConfigs": provisioned.list_provisioned_concurrency_configs,
        "ListTags": tags.list_tags,
        "ListVersionsByFunction": versions.list_versions_by_function,
        "PublishLayerVersion": published.publish_layer_version,
        "PublishVersion": versions.publish_version,
        "PutFunctionCodeSigningConfig": signed.put_function_code_signing_config,
        "PutFunctionConcurrency": concurrency.put_function_concurrency,
        "PutFunctionEventInvokeConfig": invoke_configs.put_function_event_invoke_config,
        "PutFunctionRecursionConfig": recursion.put_function_recursion_config,
        "PutFunctionScalingConfig": scaling.put_function_scaling_config,
        "PutProvisionedConcurrencyConfig": provisioned.put_provisioned_concurrency_config,
        "PutResourcePolicy": policies.put_resource_policy,
        "PutRuntimeManagementConfig": runtime_management.put_runtime_management_config,
        "RemoveLayerVersionPermission": layer_policies.remove_layer_version_permission,
        "RemovePermission": policies.remove_permission,
        "TagResource": tags.tag_resource,
        "UntagResource": tags.untag_resource,
        "UpdateAlias": aliases.update_alias,
        "UpdateCapacityProvider": capacity.update_capacity_provider,
        "UpdateCodeSigningConfig": signed.update_code_signing_config,
        "UpdateEventSourceMapping": sources.update,
        "UpdateFunctionCode": functions.update_function_code,
        "UpdateFunctionConfiguration": functions.update_function_configuration,
        "UpdateFunctionEventInvokeConfig": invoke_configs.update_function_event_invoke_config,
        "UpdateFunctionUrlConfig": urls.update_function_url_config,
    }
