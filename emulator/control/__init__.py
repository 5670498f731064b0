"""What is configured: functions, their versions, code and policies."""

from emulator.control.archive import too_large
from emulator.control.capacity_providers import CapacityProviderStore
from emulator.control.changes import FunctionChange
from emulator.control.code import CodeStore
from emulator.control.code_signing_store import CodeSigningStore
from emulator.control.layer_store import LayerStore
from emulator.control.mappings import MappingChange, MappingStore
from emulator.control.names import Target, target
from emulator.control.operations import operations
from emulator.control.other_services import OtherServices
from emulator.control.request import Operation, Request, RequestContext, Response
from emulator.control.runtimes import CREATABLE
from emulator.control.spec import FunctionSpec
from emulator.control.store import FunctionStore
from emulator.control.stores import Stores
from emulator.control.tags import Tags, tags_of
from emulator.control.validation import RESERVED_VARIABLES

__all__ = [
    "CREATABLE",
    "RESERVED_VARIABLES",
    "CapacityProviderStore",
    "CodeSigningStore",
    "CodeStore",
    "FunctionChange",
    "FunctionSpec",
    "FunctionStore",
    "LayerStore",
    "MappingChange",
    "MappingStore",
    "Operation",
    "OtherServices",
    "Request",
    "RequestContext",
    "Response",
    "Stores",
    "Tags",
    "Target",
    "operations",
    "tags_of",
    "target",
    "too_large",
]
