"""The operations of the Lambda API that the control room owns."""

from collections.abc import Mapping

from emulator.control.code import CodeStore
from emulator.control.code_source import CodeSource
from emulator.control.function_operations import FunctionOperations
from emulator.control.mapping_operations import DescribeSource, MappingOperations
from emulator.control.mappings import MappingStore
from emulator.control.policy_operations import PolicyOperations
from emulator.control.request import FetchObject, Operation
from emulator.control.store import FunctionStore
from emulator.control.version_operations import VersionOperations


def operations(
    store: FunctionStore,
    code: CodeStore,
    fetch_object: FetchObject,
    mappings: MappingStore,
    describe_source: DescribeSource,
) -> Mapping[str, Operation]:
    """Every operation of this room, by its name in the service model."""
    functions = FunctionOperations(store, code, CodeSource(code, fetch_object))
    sources = MappingOperations(store, mappings, describe_source)
    policies = PolicyOperations(store)
    versions = VersionOperations(store)
    return {
        "AddPermission": policies.add_permission,
        "CreateEventSourceMapping": sources.create,
        "CreateFunction": functions.create_function,
        "DeleteEventSourceMapping": sources.delete,
        "DeleteFunction": functions.delete_function,
        "GetEventSourceMapping": sources.get,
        "GetFunction": functions.get_function,
        "GetFunctionConfiguration": functions.get_function_configuration,
        "GetPolicy": policies.get_policy,
        "ListEventSourceMappings": sources.list_mappings,
        "ListFunctions": functions.list_functions,
        "ListVersionsByFunction": versions.list_versions_by_function,
        "PublishVersion": versions.publish_version,
        "RemovePermission": policies.remove_permission,
        "UpdateEventSourceMapping": sources.update,
        "UpdateFunctionCode": functions.update_function_code,
        "UpdateFunctionConfiguration": functions.update_function_configuration,
    }
