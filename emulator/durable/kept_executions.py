"""Executions on disk: their heads, operations and events are documents of their own.

So a checkpoint writes what it changed, however long the execution already is.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from emulator.durable.draft import Draft
from emulator.durable.execution import Execution, ExecutionHead
from emulator.durable.history import HistoryEvent
from emulator.durable.operation import Operation
from emulator.durable.surroundings import HEAD
from emulator.storage import Documents, StorageError, from_document, to_document

OPERATION: Final = "durable-operation"
EVENT: Final = "durable-event"


class KeptExecutions:
    """The executions in `documents`. Any thread may call; free when nothing is kept."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def write(self, draft: Draft) -> None:
        """Keep a change, in one transaction; raises StorageError."""
        if self._documents.are_kept:
            self._documents.change(_documents_of(draft))

    def remove(self, execution: Execution) -> None:
        """Forget an execution; raises StorageError."""
        if not self._documents.are_kept:
            return
        id_ = execution.head.id
        self._documents.change(
            deletes=[
                (HEAD, id_),
                *((OPERATION, f"{id_}/{each}") for each in execution.operations),
                *((EVENT, f"{id_}/{each.number:08}") for each in execution.events),
            ]
        )

    def load(self) -> list[Execution]:
        """All executions, as they were when they were written last; raises StorageError."""
        operations, events = self._by_execution(OPERATION), self._by_execution(EVENT)
        heads = self._documents.all(HEAD)
        try:
            return [_execution(heads[id_], operations[id_], events[id_]) for id_ in heads]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StorageError(f"a durable execution cannot be read: {error!r}") from error

    def _by_execution(self, kind: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for key, document in self._documents.all(kind).items():
            found[key.partition("/")[0]].append(document)
        return found


def _documents_of(draft: Draft) -> Iterator[tuple[str, str, dict[str, Any]]]:
    id_ = draft.head.id
    yield HEAD, id_, to_document(draft.head)
    for operation in draft.operations.values():
        yield OPERATION, f"{id_}/{operation.id}", to_document(operation)
    for event in draft.events:
        yield EVENT, f"{id_}/{event.number:08}", to_document(event)


def _execution(
    head: dict[str, Any], operations: list[dict[str, Any]], events: list[dict[str, Any]]
) -> Execution:
    read = sorted((from_document(Operation, each) for each in operations), key=lambda o: o.number)
    return Execution(
        head=from_document(ExecutionHead, head),
        operations={each.id: each for each in read},
        events=[from_document(HistoryEvent, each) for each in events],
        open={each.id: each for each in read if each.waits},
    )
