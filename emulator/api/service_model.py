"""The Lambda service model that botocore carries, and where its operations are found."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib.parse import parse_qsl

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

_MEMBER: Final = re.compile(r"\{(\w+)\}")
_WITH_SLASHES: Final = frozenset({"DurableExecutionArn", "ResourceArn"})  # the others hold none


@dataclass(frozen=True, slots=True)
class Route:
    """The operations of one method and path; the static query tells them apart."""

    method: str
    path: str  # in werkzeug's words: /2015-03-31/functions/<FunctionName>
    operations: Sequence[tuple[Mapping[str, str], OperationModel]]

    def choose(self, query: Mapping[str, str]) -> OperationModel | None:
        """The operation that a query asks for; the one with most fixed parameters wins."""
        for fixed, operation in self.operations:
            if all(query.get(name) == value for name, value in fixed.items()):
                return operation
        return None


@cache
def service_model() -> ServiceModel:
    """The model, read once: it takes a tenth of a second."""
    return ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")


def routes() -> list[Route]:
    """All methods and paths of the Lambda API."""
    found: dict[tuple[str, str], list[tuple[Mapping[str, str], OperationModel]]] = {}
    for name in service_model().operation_names:
        operation = service_model().operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        key = operation.http["method"], _MEMBER.sub(_converter, path.rstrip("/"))
        found.setdefault(key, []).append((dict(parse_qsl(query)), operation))
    return [
        Route(method, path, sorted(operations, key=lambda each: -len(each[0])))
        for (method, path), operations in found.items()
    ]


def _converter(member: re.Match[str]) -> str:
    kind = "path:" if member[1] in _WITH_SLASHES else ""
    return f"<{kind}{member[1]}>"
