"""Aliases of functions with live code: what they point at has to be what was saved last.

A published version never changes, and a version for each save would be one that nobody asked for.
So an alias that a template ties to a version of its own points at `$LATEST` instead.
"""

from collections.abc import Mapping
from typing import Any, Final

from emulator.aws.stacks.intrinsics import references
from emulator.model import LATEST
from emulator.model.hot_reload import HOT_RELOAD_BUCKET

# These need a version that does not change.
_FIXED_BY: Final = ("ProvisionedConcurrencyConfig", "RoutingConfig")


def follow_live_code(document: Mapping[str, Any]) -> dict[str, Any]:
    """The template with such aliases at `$LATEST`, and without the versions that nobody needs."""
    if not isinstance(document.get("Resources"), dict):
        return dict(document)  # no stack is made of it
    resources: dict[str, Any] = dict(document["Resources"])
    versions = set()
    for name, resource in resources.items():
        version = _live_version(resource, resources)
        if version is not None:
            versions.add(version)
            properties = {**resource["Properties"], "FunctionVersion": LATEST}
            resources[name] = {**resource, "Properties": properties}
    made = {**document, "Resources": resources}
    needed = set(references([made["Resources"], made.get("Outputs"), _dependencies(resources)]))
    made["Resources"] = {
        name: resource
        for name, resource in resources.items()
        if name not in versions or name in needed
    }
    return made


def _live_version(alias: Mapping[str, Any], resources: Mapping[str, Any]) -> str | None:
    """Logical id of the version that an alias points at, if its function has live code."""
    properties = _properties(alias, "AWS::Lambda::Alias")
    match properties.get("FunctionVersion"):
        case {"Fn::GetAtt": [str(version), "Version"]}:
            pass
        case _:
            return None
    published = _properties(resources.get(version), "AWS::Lambda::Version")
    if any(name in properties for name in _FIXED_BY):
        return None
    match published.get("FunctionName"):
        case {"Ref": str(function)} | {"Fn::GetAtt": [str(function), "Arn"]}:
            is_live = _is_live(_properties(resources.get(function), "AWS::Lambda::Function"))
            return version if is_live else None
    return None


def _is_live(function: Mapping[str, Any]) -> bool:
    code = function.get("Code")
    is_local = isinstance(code, Mapping) and code.get("S3Bucket") == HOT_RELOAD_BUCKET
    return is_local and "SnapStart" not in function


def _properties(resource: Any, wanted: str) -> Mapping[str, Any]:
    if not isinstance(resource, Mapping) or resource.get("Type") != wanted:
        return {}
    found = resource.get("Properties")
    return found if isinstance(found, Mapping) else {}


def _dependencies(resources: Mapping[str, Any]) -> list[dict[str, str]]:
    """What DependsOn names, as references."""
    found: list[dict[str, str]] = []
    for resource in resources.values():
        named = resource.get("DependsOn", []) if isinstance(resource, Mapping) else []
        found += [{"Ref": name} for name in ([named] if isinstance(named, str) else named)]
    return found
