"""Everything that is configured, each kind in a store of its own."""

from dataclasses import dataclass

from emulator.control.capacity_providers import CapacityProviderStore
from emulator.control.code import CodeStore
from emulator.control.code_signing_store import CodeSigningStore
from emulator.control.layer_store import LayerStore
from emulator.control.mappings import MappingStore
from emulator.control.store import FunctionStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Stores:
    """What the operations of this room read and change."""

    functions: FunctionStore
    code: CodeStore
    layers: LayerStore
    mappings: MappingStore
    signing_configs: CodeSigningStore
    providers: CapacityProviderStore

    def reset(self) -> None:
        """Forget everything; first the mappings: from then on no source invokes a function."""
        self.mappings.reset()
        self.functions.reset()
        self.layers.reset()
        self.signing_configs.reset()
        self.providers.reset()
