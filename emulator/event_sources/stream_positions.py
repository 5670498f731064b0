"""How far the shards of a stream have been read for each mapping."""

import threading
from dataclasses import dataclass

from emulator.storage import Documents


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Of one shard: all records up to number `after` are done."""

    after: int
    is_done: bool = False  # the shard is closed, and nothing of it is left


class MappingPositions:
    """The positions of one mapping, in the stream of one `identity`.

    Any thread may call. `_lock` guards the table and the order of what is written; a position is
    written once for each batch, not for each record.
    """

    def __init__(self, documents: Documents, kind: str, uuid: str) -> None:
        self._documents = documents
        self._kind = kind
        self._uuid = uuid
        self._lock = threading.Lock()
        self._is_forgotten = False
        self._positions: dict[str, Position] = {}
        self.identity: str | None = None  # None: nothing has been read yet

    def recall(self, shard_id: str, identity: str, position: Position) -> None:
        """Take over what an earlier process wrote."""
        self.identity = identity
        self._positions[shard_id] = position

    def begin(self, identity: str) -> None:
        """Forget the shards of the stream before; `save` is for those of this one."""
        with self._lock:
            self._delete()
            self.identity = identity

    def get(self, shard_id: str) -> Position | None:
        """How far a shard has been read; None: it was not there when its stream was begun."""
        return self._positions.get(shard_id)

    def save(self, shard_id: str, identity: str, position: Position) -> None:
        """Write a position, unless the stream or the mapping is another one by now."""
        with self._lock:
            before = self._positions.get(shard_id)
            if self._is_forgotten or identity != self.identity:
                return
            if before is not None and before.after > position.after:
                return  # two threads made progress, and the later one came first
            self._positions[shard_id] = position
            document = {
                "stream": identity,
                "after": str(position.after),
                "is_done": position.is_done,
            }
            self._documents.put(self._kind, f"{self._uuid} {shard_id}", document)

    def forget(self) -> None:
        """The mapping is gone: remove everything, and take no more."""
        with self._lock:
            self._is_forgotten = True
            self._delete()

    def _delete(self) -> None:
        for shard_id in self._positions:
            self._documents.delete(self._kind, f"{self._uuid} {shard_id}")
        self._positions = {}


class Positions:
    """The positions of all mappings of one service; they outlive pollers. Any thread may call."""

    def __init__(self, documents: Documents, service: str) -> None:
        self._documents = documents
        self._kind = f"{service} position"  # of document
        self._by_mapping: dict[str, MappingPositions] = {}
        for key, kept in documents.all(self._kind).items():
            uuid, shard_id = key.split(" ", 1)
            position = Position(after=int(kept["after"]), is_done=kept["is_done"])
            self.of(uuid).recall(shard_id, kept["stream"], position)

    def of(self, uuid: str) -> MappingPositions:
        """Those of one mapping, the same object until they are forgotten."""
        return self._by_mapping.setdefault(
            uuid, MappingPositions(self._documents, self._kind, uuid)
        )

    def forget(self, uuid: str) -> None:
        """Forget those of a mapping that was deleted."""
        positions = self._by_mapping.pop(uuid, None)
        if positions:
            positions.forget()

    def reset(self) -> None:
        """Forget those of all mappings."""
        for uuid in list(self._by_mapping):
            self.forget(uuid)
