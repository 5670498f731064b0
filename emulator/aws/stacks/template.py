"""Templates as they are written: read, checked, and put into the order of their dependencies."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from emulator.aws.stacks.intrinsics import TemplateProblem, references, uses

_PSEUDO: Final = "AWS::"  # what CloudFormation's own parameters begin with
_FORMAT: Final = "Template format error:"


def parse(text: str) -> dict[str, Any]:
    """Read JSON or YAML with the short forms of functions; raises TemplateProblem."""
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text)
        except ValueError:
            document = _from_yaml(text)  # YAML has such mappings, too
    else:
        document = _from_yaml(text)
    if not isinstance(document, dict):
        raise TemplateProblem(f"{_FORMAT} unsupported structure.")
    return document


def _from_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=_loader())  # a SafeLoader, as to what it makes
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise TemplateProblem(f"{_FORMAT} YAML not well-formed.{place}") from error


@cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
        """Knows `!Ref` and its like, and takes a date for a text, as `Version: 2012-10-17` is."""

    Loader.yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_multi_constructor("!", _short_form)
    return Loader


def _short_form(loader: Any, name: str, node: Any) -> dict[str, Any]:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        argument = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    else:
        argument = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(argument, str):
        argument = argument.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": argument}


def check(
    document: Mapping[str, Any],
    is_known: Callable[[str], bool],
    has_attribute: Callable[[str, str], bool],
) -> None:
    """Raise TemplateProblem for a template of which no stack can be made.

    is_known: whether there is a type of resources. has_attribute: whether it has an attribute.
    """
    resources = document.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise TemplateProblem(f"{_FORMAT} At least one Resources member must be defined.")
    for name, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise TemplateProblem(
                f"{_FORMAT} [/Resources/{name}] Every Resources object must contain a Type member."
            )
    _check_types(resources, is_known)
    names = {*resources, *document.get("Parameters", {})}
    for place in ("Resources", "Outputs"):
        section = document.get(place) or {}
        _check_references(section, names, place)
        _check_conditions(section, document.get("Conditions") or {}, place)
        _check_attributes(section, resources, has_attribute)
    order(resources)


def _check_types(resources: Mapping[str, Any], is_known: Callable[[str], bool]) -> None:
    """What has a condition may turn out not to be wanted: it fails when it is made."""
    unknown = {
        each["Type"]
        for each in resources.values()
        if "Condition" not in each and not is_known(each["Type"])
    }
    if unknown:
        raise TemplateProblem(
            f"{_FORMAT} Unrecognized resource types: [{', '.join(sorted(unknown))}]. The"
            " emulator's stacks know the types that docs/coverage.md lists."
        )


def _check_references(section: Mapping[str, Any], names: set[str], place: str) -> None:
    found = {
        name
        for each in section.values()
        for name in (*references(each), *_depends_on(each))
        if not name.startswith(_PSEUDO)
    }
    if unresolved := sorted(found - names):
        raise TemplateProblem(
            f"{_FORMAT} Unresolved resource dependencies [{', '.join(unresolved)}] in the {place}"
            " block of the template"
        )


def _check_conditions(section: Mapping[str, Any], known: Mapping[str, Any], place: str) -> None:
    for each in section.values():
        if "Condition" in each and each["Condition"] not in known:
            raise TemplateProblem(
                f"{_FORMAT} Unresolved condition dependency {each['Condition']} in the {place}"
                " block of the template"
            )


def _check_attributes(
    section: Mapping[str, Any],
    resources: Mapping[str, Any],
    has_attribute: Callable[[str, str], bool],
) -> None:
    for name, attribute in uses(section):
        kind = resources[name]["Type"] if attribute and name in resources else None
        if kind is not None and not has_attribute(kind, attribute):
            raise TemplateProblem(
                f"Template error: resource {name} does not support attribute type {attribute} in"
                " Fn::GetAtt"
            )


def _depends_on(resource: Mapping[str, Any]) -> Sequence[str]:
    found = resource.get("DependsOn", [])
    return [found] if isinstance(found, str) else found


def order(resources: Mapping[str, Any]) -> list[str]:
    """Names of resources, each behind those it needs; otherwise as they are written.

    Raises TemplateProblem for a circle.
    """
    needed = {
        name: [
            other
            for other in dict.fromkeys((*_depends_on(resource), *references(resource)))
            if other in resources
        ]
        for name, resource in resources.items()
    }
    done: dict[str, None] = {}
    for name in resources:
        for found in _behind(name, needed, done):
            done[found] = None
    return list(done)


def _behind(
    name: str, needed: Mapping[str, Sequence[str]], done: Mapping[str, None]
) -> Iterator[str]:
    """What has to be made for `name`, itself last, without recursion: chains may be long."""
    path: dict[str, Iterator[str]] = {}
    made: set[str] = set()
    if name not in done:
        path[name] = iter(needed[name])
    while path:
        current = next(reversed(path))
        following = next(path[current], None)
        if following is None:
            del path[current]
            made.add(current)
            yield current
        elif following in path:
            raise TemplateProblem(
                f"Circular dependency between resources: [{', '.join(_circle(path, following))}]"
            )
        elif following not in done and following not in made:
            path[following] = iter(needed[following])


def _circle(path: Mapping[str, object], first: str) -> list[str]:
    names = list(path)
    return names[names.index(first) :]
