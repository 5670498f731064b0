"""Functions on disk: one document each, written at every change, read when the emulator starts."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from emulator.control.code import CodeStore
from emulator.control.function import Function, FunctionConfiguration, deployed
from emulator.control.lifecycle import Phase
from emulator.control.spec import FunctionSpec
from emulator.model.snapshot import SnapshotOutcome
from emulator.storage import (
    Documents,
    StorageError,
    fields_from_document,
    from_document,
    to_document,
)

KIND: Final = "function"  # of document

# These have a form of their own here; a transition that was under way is over at the next start.
_SPECIAL: Final = frozenset({"latest", "published", "settles_at"})

FunctionKey = tuple[str, str, str]  # account, region, name


class KeptFunctions:
    """The functions in `documents`, their code in `code`. Any thread may call."""

    def __init__(self, documents: Documents, code: CodeStore) -> None:
        self._documents = documents
        self._code = code

    def write(self, key: FunctionKey, function: Function | None) -> None:
        """Keep a function as it is now; None: it is gone. Raises StorageError."""
        if not self._documents.are_kept:
            return
        if function is None:
            self._documents.delete(KIND, "/".join(key))
        else:
            self._documents.put(KIND, "/".join(key), document_of(function, self._code))

    def load(self) -> dict[FunctionKey, Function]:
        """All functions, and no code that is none of theirs; raises StorageError."""
        functions = {}
        for path, document in self._documents.all(KIND).items():
            account, region, name = path.split("/")
            try:
                functions[account, region, name] = function_of(document, self._code)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise StorageError(f"function {path} cannot be read: {error!r}") from error
        if self._documents.are_kept:
            self._code.sweep()
        return functions


def document_of(function: Function, code: CodeStore) -> dict[str, Any]:
    """A function with its versions as a JSON document."""
    names = [each.name for each in fields(Function) if each.name not in _SPECIAL]
    return {
        **{name: to_document(getattr(function, name)) for name in names},
        "latest": _configuration(function.latest, code),
        "published": [_configuration(each, code) for each in function.published.values()],
    }


def function_of(document: Mapping[str, Any], code: CodeStore) -> Function:
    """The function again; raises StorageError when its code is missing."""
    plain = {name: value for name, value in document.items() if name not in _SPECIAL}
    published = [_restored(each, code) for each in document["published"]]
    return Function(
        latest=_restored(document["latest"], code),
        published={each.version.version: each for each in published},
        **fields_from_document(Function, plain),
    )


def _configuration(shown: FunctionConfiguration, code: CodeStore) -> dict[str, Any]:
    return {
        "spec": to_document(shown.spec),
        "version": shown.version.version,
        "phase": to_document(shown.phase),
        "revision_id": shown.revision_id,
        "modified_at": shown.modified_at,
        "snapshot": to_document(shown.snapshot),
        "code": code.document(shown.version.code),
        "layers": [code.document(layer) for layer in shown.version.layers],
    }


def _restored(document: Mapping[str, Any], code: CodeStore) -> FunctionConfiguration:
    made = deployed(
        from_document(FunctionSpec, document["spec"]),
        code.reopen(**document["code"]),
        from_document(Phase, document["phase"]),
        document["modified_at"],
        layers=[code.reopen(**layer) for layer in document.get("layers", ())],
        version=document["version"],
    )
    snapshot = document.get("snapshot")
    return replace(
        made,
        revision_id=document["revision_id"],
        snapshot=None if snapshot is None else from_document(SnapshotOutcome, snapshot),
    )
