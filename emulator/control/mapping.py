"""One event source mapping as it is configured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.control.mapping_states import MappingState
from emulator.model.mapping import EventSourceMapping
from emulator.storage import from_document, to_document


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingConfiguration:
    """What a poller needs to know, and what only the API tells."""

    mapping: EventSourceMapping
    state: MappingState
    modified_at: float  # seconds since the epoch
    tags: Mapping[str, str] = field(default_factory=dict)
    is_declared: bool = False  # by a project's file, which is read again at each start

    @property
    def arn(self) -> str:
        """EventSourceMappingArn."""
        made = self.mapping
        return f"arn:aws:lambda:{made.region}:{made.account}:event-source-mapping:{made.uuid}"

    def document(self) -> dict[str, Any]:
        """What is kept of it; a state on the way to another one counts as arrived."""
        return {
            "mapping": to_document(self.mapping),
            "modified_at": self.modified_at,
            "tags": dict(self.tags),
        }


def configuration_of(document: Mapping[str, Any]) -> MappingConfiguration:
    """Read what `document` wrote; raises what `storage.from_document` does."""
    mapping = from_document(EventSourceMapping, document["mapping"])
    return MappingConfiguration(
        mapping=mapping,
        state=MappingState.ENABLED if mapping.is_enabled else MappingState.DISABLED,
        modified_at=document["modified_at"],
        tags=document["tags"],
    )
