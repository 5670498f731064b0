"""API definitions written into templates, as SAM does it: which method of which path calls what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_INTEGRATION: Final = "x-amazon-apigateway-integration"
_ANY: Final = "x-amazon-apigateway-any-method"
_METHODS: Final = ("delete", "get", "head", "options", "patch", "post", "put", _ANY)


@dataclass(frozen=True, kw_only=True, slots=True)
class DefinedMethod:
    """One method of one path."""

    path: str
    method: str  # in capitals, or ANY
    is_default: bool  # it answers what no other route does
    integration: Mapping[str, Any] | None
    responses: Mapping[str, Any]
    security: Sequence[Mapping[str, Any]] | None  # None: as the definition says for all


def methods_of(body: Mapping[str, Any]) -> Iterator[DefinedMethod]:
    """All methods of a definition."""
    for path, found in (body.get("paths") or {}).items():
        for name in _METHODS:
            if name in found:
                defined = found[name] or {}
                yield DefinedMethod(
                    path=path,
                    method="ANY" if name == _ANY else name.upper(),
                    is_default=bool(defined.get("isDefaultRoute")),
                    integration=defined.get(_INTEGRATION),
                    responses=defined.get("responses") or {},
                    security=defined.get("security"),
                )


def title_of(body: Mapping[str, Any], otherwise: str) -> str:
    """What the definition calls the API."""
    return str((body.get("info") or {}).get("title") or otherwise)
