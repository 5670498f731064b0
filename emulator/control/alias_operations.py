"""CreateAlias, GetAlias, UpdateAlias, DeleteAlias and ListAliases."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from emulator.control.alias import Alias
from emulator.control.names import Target
from emulator.control.paging import page
from emulator.control.request import Request, RequestContext, Response, addressed_unqualified
from emulator.control.store import FunctionStore
from emulator.model import LambdaError, function_arn

PAGE: Final = 50


class AliasOperations:
    """Operations on the aliases of functions. Any thread may call."""

    def __init__(self, store: FunctionStore) -> None:
        self._store = store

    def create_alias(self, context: RequestContext, request: Request) -> Response:
        """Give a version a name."""
        where = addressed_unqualified(self._store, context, request, "CreateAlias")
        alias = Alias(
            name=request["Name"],
            version=request["FunctionVersion"],
            revision_id=str(uuid.uuid4()),
            **_optional(request),
        )
        self._store.create_alias(where, alias)
        return _answer(where, alias)

    def get_alias(self, context: RequestContext, request: Request) -> Response:
        """One alias."""
        where = addressed_unqualified(self._store, context, request, "GetAlias")
        name: str = request["Name"]
        alias = self._store.read(where, lambda function: function.aliases.get(name))
        if alias is None:
            text = f"Cannot find alias arn: {_arn(where, name)}"
            raise LambdaError("ResourceNotFoundException", text)
        return _answer(where, alias)

    def update_alias(self, context: RequestContext, request: Request) -> Response:
        """Change what is given; without RoutingConfig the weights stay."""
        where = addressed_unqualified(self._store, context, request, "UpdateAlias")
        changes = _optional(request)
        if "FunctionVersion" in request:
            changes["version"] = request["FunctionVersion"]
        name, revision_id = request["Name"], request.get("RevisionId")
        changed = self._store.change(
            where, lambda function: function.change_alias(name, changes, revision_id)
        )
        return _answer(where, changed)

    def delete_alias(self, context: RequestContext, request: Request) -> Response:
        """Delete an alias; without one nothing happens."""
        where = addressed_unqualified(self._store, context, request, "DeleteAlias")
        name: str = request["Name"]
        self._store.change(where, lambda function: function.remove_alias(name))
        return {}

    def list_aliases(self, context: RequestContext, request: Request) -> Response:
        """One page of aliases by name; with FunctionVersion those that invoke that version."""
        where = addressed_unqualified(self._store, context, request, "ListAliases")
        version: str | None = request.get("FunctionVersion")
        aliases = self._store.read(where, lambda function: dict(function.aliases))
        names = sorted(
            name for name, alias in aliases.items() if version is None or alias.invokes(version)
        )
        found, marker = page(request, names, str, PAGE)
        return {"Aliases": [_answer(where, aliases[name]) for name in found], **marker}


def _optional(request: Request) -> dict[str, Any]:
    """The fields of Alias that a request may leave out."""
    fields: dict[str, Any] = {}
    if "Description" in request:
        fields["description"] = request["Description"]
    if "RoutingConfig" in request:  # an empty one takes the weights away
        weights: Mapping[str, float] = request["RoutingConfig"].get("AdditionalVersionWeights", {})
        fields["weights"] = {version: float(share) for version, share in weights.items()}
    return fields


def _answer(where: Target, alias: Alias) -> Response:
    answer: Response = {
        "AliasArn": _arn(where, alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        answer["RoutingConfig"] = {"AdditionalVersionWeights": dict(alias.weights)}
    return answer


def _arn(where: Target, name: str) -> str:
    return function_arn(where.account, where.region, where.name, name)
