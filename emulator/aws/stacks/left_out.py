"""A project's template without the resources that stacks cannot make.

A stack of the API is refused for one of them. A project with a CDN in front of its functions is
of use without it, so there it is left out, and the user is told; unless something needs it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.aws.stacks.places import places_of
from emulator.model.project_stack import TemplateMistake, TemplateRefused


def without_unknown(
    document: Mapping[str, Any], is_known: Callable[[str], bool]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The template, and the types of what it has no longer, by logical id.

    Raises TemplateRefused when what stays refers to such a resource.
    """
    resources = document.get("Resources")
    if not isinstance(resources, dict):
        return dict(document), {}  # no stack is made of it
    unknown = dict(_unknown(resources, is_known))
    if not unknown:
        return dict(document), {}
    kept = {
        name: _without(each, unknown) for name, each in resources.items() if name not in unknown
    }
    made = {**document, "Resources": kept}
    if isinstance(outputs := document.get("Outputs"), dict):
        made["Outputs"] = {
            name: each for name, each in outputs.items() if not _mentions(each, unknown)
        }
    needed = [
        TemplateMistake(
            place=place,
            text=f"refers to {name}, and the emulator's stacks cannot make resources of {kind}",
        )
        for name, kind in unknown.items()
        for place in places_of(name, made)
    ]
    if needed:
        raise TemplateRefused(needed)
    return made, unknown


def _unknown(
    resources: Mapping[str, Any], is_known: Callable[[str], bool]
) -> Iterator[tuple[str, str]]:
    for name, each in resources.items():
        kind = each.get("Type") if isinstance(each, Mapping) else None
        if isinstance(kind, str) and not is_known(kind):
            yield name, kind


def _without(resource: Any, unknown: Mapping[str, str]) -> Any:
    """The resource, where an order or a policy of updates alone speaks of what is unknown."""
    if not isinstance(resource, Mapping):
        return resource
    made = dict(resource)
    if _mentions(made.get("UpdatePolicy"), unknown):
        del made["UpdatePolicy"]
    before = made.get("DependsOn", [])
    order = [before] if isinstance(before, str) else before
    if any(name in unknown for name in order):
        made["DependsOn"] = [name for name in order if name not in unknown]
    return made


def _mentions(value: Any, unknown: Mapping[str, str]) -> bool:
    return any(True for name in unknown for _ in places_of(name, value))
