"""Intrinsic functions of templates: from what is written to what it stands for."""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, Protocol

NO_VALUE: Final = object()  # what `AWS::NoValue` stands for: the member is not there at all
_IN_TEXT: Final = re.compile(r"\$\{(!?)\s*([^}]*?)\s*\}")
_ZONES: Final = ("a", "b", "c", "d")


class TemplateProblem(Exception):
    """A template means nothing; the text is CloudFormation's."""


class Scope(Protocol):
    """What the names in a template stand for."""

    def ref(self, name: str) -> Any:
        """Value of a parameter, or physical id of a resource; NO_VALUE where there is none."""

    def attribute(self, name: str, attribute: str) -> Any:
        """What Fn::GetAtt returns."""

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""

    def mapping(self, name: str) -> Mapping[str, Any]:
        """One of the template's mappings."""

    def exported(self, name: str) -> str:
        """Value that another stack exports."""


def resolve(value: Any, scope: Scope) -> Any:
    """Replace every intrinsic function in `value`, at any depth; raises TemplateProblem."""
    if isinstance(value, list):
        items = [resolve(item, scope) for item in value]
        return [item for item in items if item is not NO_VALUE]
    if not isinstance(value, Mapping):
        return value
    if (called := _call(value)) is not None:
        name, argument = called
        return FUNCTIONS[name](argument, scope)
    members = {key: resolve(item, scope) for key, item in value.items()}
    return {key: item for key, item in members.items() if item is not NO_VALUE}


def references(value: Any) -> Iterator[str]:
    """Names of parameters and resources that `value` refers to, as often as it does."""
    for name, _ in uses(value):
        yield name


def uses(value: Any) -> Iterator[tuple[str, str]]:
    """What `value` refers to: name, and attribute; "" stands for the thing itself."""
    if isinstance(value, list):
        for item in value:
            yield from uses(item)
    elif isinstance(value, Mapping):
        called = _call(value)
        if called is None or called[0] not in _USES:
            for item in value.values():
                yield from uses(item)
        else:
            yield from _USES[called[0]](called[1])


def _call(value: Mapping[str, Any]) -> tuple[str, Any] | None:
    if len(value) != 1:
        return None
    ((name, argument),) = value.items()
    return (name, argument) if name in FUNCTIONS else None


def split_attribute(argument: Any) -> tuple[str, str]:
    """Resource and attribute of Fn::GetAtt, in whichever way they are written."""
    if isinstance(argument, str):
        argument = argument.split(".")
    if not isinstance(argument, list) or len(argument) < 2:
        raise TemplateProblem(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the"
            " resource name and the resource attribute"
        )
    name, *attribute = argument
    return str(name), ".".join(str(each) for each in attribute)


def _ref(argument: Any, scope: Scope) -> Any:
    return scope.ref(str(argument))


def _get_att(argument: Any, scope: Scope) -> Any:
    if isinstance(argument, list):  # the attribute may be a Ref
        argument = resolve(argument, scope)
    return scope.attribute(*split_attribute(argument))


def _sub(argument: Any, scope: Scope) -> str:
    template, given = argument if isinstance(argument, list) else (argument, {})
    variables = {name: resolve(value, scope) for name, value in given.items()}

    def replace(found: re.Match[str]) -> str:
        is_literal, name = found.groups()
        if is_literal:
            return "${" + name + "}"
        if name in variables:
            return _text(variables[name])
        if "." in name:
            return _text(scope.attribute(*split_attribute(name)))
        return _text(scope.ref(name))

    return _IN_TEXT.sub(replace, template)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return "" if value is NO_VALUE else str(value)


def _join(argument: Any, scope: Scope) -> str:
    delimiter, items = argument
    return str(delimiter).join(_text(item) for item in _list(items, scope, "Fn::Join"))


def _list(value: Any, scope: Scope, function: str) -> list[Any]:
    found = resolve(value, scope)
    if not isinstance(found, list):
        raise TemplateProblem(f"Template error: {function} requires a list, not {found!r}")
    return found


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, text = argument
    return _text(resolve(text, scope)).split(delimiter)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = resolve(argument[0], scope), _list(argument[1], scope, "Fn::Select")
    if not 0 <= int(index) < len(items):
        raise TemplateProblem(
            "Template error: Fn::Select cannot select nonexistent value at index " + str(index)
        )
    return items[int(index)]


def _if(argument: Any, scope: Scope) -> Any:
    condition, when_true, when_false = argument
    return resolve(when_true if scope.condition(condition) else when_false, scope)


def _find_in_map(argument: Any, scope: Scope) -> Any:
    default = NO_VALUE
    if isinstance(argument[-1], Mapping) and "DefaultValue" in argument[-1]:
        default, argument = resolve(argument[-1]["DefaultValue"], scope), argument[:-1]
    name, *keys = [_text(resolve(each, scope)) for each in argument]
    found: Any = scope.mapping(name)
    for key in keys:
        if key not in found:
            if default is not NO_VALUE:
                return default
            raise TemplateProblem(
                f"Template error: Unable to get mapping for {'::'.join((name, *keys))}"
            )
        found = found[key]
    return resolve(found, scope)


def _import_value(argument: Any, scope: Scope) -> str:
    return scope.exported(_text(resolve(argument, scope)))


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = resolve(argument, scope) or scope.ref("AWS::Region")
    return [f"{region}{zone}" for zone in _ZONES]


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(_text(resolve(argument, scope)).encode()).decode()


def _json(argument: Any, scope: Scope) -> str:
    return json.dumps(resolve(argument, scope), separators=(",", ":"))


def _length(argument: Any, scope: Scope) -> int:
    return len(_list(argument, scope, "Fn::Length"))


def _cidr(argument: Any, scope: Scope) -> list[str]:
    block, count, *bits = resolve(argument, scope)
    network = ipaddress.ip_network(block)
    prefix = network.max_prefixlen - int(bits[0] if bits else 8)
    return [str(each) for each in islice(network.subnets(new_prefix=prefix), int(count))]


def _transform(argument: Any, scope: Scope) -> Any:
    raise TemplateProblem(f"The emulator does not apply Fn::Transform ({argument!r}).")


FUNCTIONS: Final[Mapping[str, Callable[[Any, Scope], Any]]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _json,
    "Fn::Transform": _transform,
}


def _used_by_ref(argument: Any) -> Iterator[tuple[str, str]]:
    yield str(argument), ""


def _used_by_get_att(argument: Any) -> Iterator[tuple[str, str]]:
    if isinstance(argument, list) and not all(isinstance(each, str) for each in argument[1:]):
        yield str(argument[0]), ""  # which attribute shows later
        yield from uses(argument[1:])
    else:
        yield split_attribute(argument)


def _used_by_sub(argument: Any) -> Iterator[tuple[str, str]]:
    template, given = argument if isinstance(argument, list) else (argument, {})
    for is_literal, found in _IN_TEXT.findall(str(template)):
        name, _, attribute = found.partition(".")
        if not is_literal and found not in given:
            yield name, attribute
    yield from uses(given)


_USES: Final[Mapping[str, Callable[[Any], Iterator[tuple[str, str]]]]] = {
    "Ref": _used_by_ref,
    "Fn::GetAtt": _used_by_get_att,
    "Fn::Sub": _used_by_sub,
}


def holds(condition: Any, scope: Scope) -> bool:
    """Evaluate a condition of the template, or an assertion of its rules."""
    if isinstance(condition, bool):
        return condition
    ((name, argument),) = condition.items()
    if name not in _TESTS:
        raise TemplateProblem(f"Template error: {name} is not a condition function")
    return _TESTS[name](argument, scope)


def _equals(argument: Any, scope: Scope) -> bool:
    first, second = (_text(resolve(each, scope)) for each in argument)
    return first == second


def _contains(argument: Any, scope: Scope) -> bool:
    items = {_text(each) for each in _list(argument[0], scope, "Fn::Contains")}
    return _text(resolve(argument[1], scope)) in items


_TESTS: Final[Mapping[str, Callable[[Any, Scope], bool]]] = {
    "Condition": lambda argument, scope: scope.condition(argument),
    "Fn::And": lambda argument, scope: all(holds(each, scope) for each in argument),
    "Fn::Contains": _contains,
    "Fn::Equals": _equals,
    "Fn::Not": lambda argument, scope: not holds(argument[0], scope),
    "Fn::Or": lambda argument, scope: any(holds(each, scope) for each in argument),
}
