"""moto's map of a stack: parameters, conditions and functions of a template, as we read them.

moto makes a resource when something refers to it; here the map holds what a change of the stack
has made, and looking makes nothing.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from emulator.aws.patches.patching import Patch
from emulator.aws.stacks.intrinsics import NO_VALUE, TemplateProblem, holds, resolve
from emulator.aws.stacks.parameters import values_of

_PARSING: Final = "moto.cloudformation.parsing"
_MAP: Final = f"{_PARSING}:ResourceMap"
# What reading a template raises that has a text where a list should be, or the like.
_WRONG_FORM: Final = (AttributeError, LookupError, RecursionError, TypeError, ValueError, re.error)


def patches() -> list[Patch]:
    """Patches of moto's reading of templates."""
    return [
        Patch(f"{_PARSING}:clean_json", "resource_json, resources_map", lambda _: _clean_json),
        Patch(f"{_MAP}.load", "self", lambda _: _load),
        Patch(f"{_MAP}.__getitem__", "self, key", lambda _: _get),
    ]


class MapScope:
    """What names mean in a stack; implements `intrinsics.Scope` over moto's map."""

    def __init__(self, resource_map: Any) -> None:
        self._map = resource_map

    def ref(self, name: str) -> Any:
        """Value of a parameter, or physical id of a resource; NO_VALUE where there is none."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name == "AWS::NotificationARNs":
            return []
        if name not in self._map._parsed_resources:
            return NO_VALUE  # its condition does not hold; what is unknown was refused before
        found = self._map._parsed_resources[name]
        return getattr(found, "physical_resource_id", found)

    def attribute(self, name: str, attribute: str) -> Any:
        """What Fn::GetAtt returns."""
        from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

        found = self._map._parsed_resources.get(name)
        if found is None:
            raise TemplateProblem(
                f"Template error: instance of Fn::GetAtt references undefined resource {name}"
            )
        try:
            return found.get_cfn_attribute(attribute)
        except (
            AttributeError,  # some of moto's resources have no attributes at all
            KeyError,
            NotImplementedError,
            UnformattedGetAttTemplateException,
        ) as error:
            raise TemplateProblem(
                f"Template error: resource {name} does not support attribute type {attribute} in"
                " Fn::GetAtt"
            ) from error

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""
        known: dict[str, bool] = self._map.lazy_condition_map
        if name not in known:
            conditions = self._map._template.get("Conditions", {})
            if name not in conditions:
                raise TemplateProblem(
                    f"Template format error: Unresolved condition dependency {name}"
                )
            known[name] = holds(conditions[name], self)
        return known[name]

    def mapping(self, name: str) -> Mapping[str, Any]:
        """One of the template's mappings."""
        found: Mapping[str, Any] | None = self._map._template.get("Mappings", {}).get(name)
        if found is None:
            raise TemplateProblem(f"Template error: Mapping named '{name}' is not present")
        return found

    def exported(self, name: str) -> str:
        """Value that another stack exports."""
        found = (self._map.cross_stack_resources or {}).get(name)
        if found is None:
            raise TemplateProblem(f"No export named {name} found.")
        return str(found.value)


def _clean_json(resource_json: Any, resources_map: Any) -> Any:
    found = resolve(resource_json, MapScope(resources_map))
    return None if found is NO_VALUE else found


@contextmanager
def validation_errors() -> Iterator[None]:
    """Refuse, as CloudFormation does, a template that cannot be read in the block."""
    from moto.cloudformation.exceptions import ValidationError

    try:
        yield
    except TemplateProblem as problem:
        raise ValidationError(message=str(problem)) from problem
    except _WRONG_FORM as error:
        why = f"{type(error).__name__}: {error}"
        raise ValidationError(
            message=f"Template format error: unsupported structure ({why})."
        ) from error


def _load(self: Any) -> None:
    """Read parameters, rules and conditions; raises ValidationError."""
    slots = self._template.get("Parameters") or {}
    given = self.input_parameters if self._template else {}
    with validation_errors():
        values = values_of(slots, given or {}, lambda name: _stored(self, name))
        self.resolved_parameters = values
        self.no_echo_parameter_keys = [name for name in slots if _is_secret(slots[name])]
        self._parsed_resources.update(values)
        self.lazy_condition_map = {}
        scope = MapScope(self)
        for name in self._template.get("Conditions") or {}:
            scope.condition(name)
        _check_rules(self._template.get("Rules") or {}, scope)


def _is_secret(slot: Mapping[str, Any]) -> bool:
    return str(slot.get("NoEcho", False)).lower() == "true"


def _stored(resource_map: Any, name: str) -> str | None:
    """A parameter of Systems Manager."""
    from moto.ssm.models import ssm_backends

    backend = ssm_backends[resource_map._account_id][resource_map._region_name]
    found = backend.get_parameter(name)
    return None if found is None else str(found.value)


def _check_rules(rules: Mapping[str, Any], scope: MapScope) -> None:
    for rule in rules.values():
        if "RuleCondition" in rule and not holds(rule["RuleCondition"], scope):
            continue
        for assertion in rule.get("Assertions", []):
            if not holds(assertion["Assert"], scope):
                why = assertion.get("AssertDescription", "Template validation error")
                raise TemplateProblem(f"Rule violation: {why}")


def _get(self: Any, key: str) -> Any:
    if key in self._parsed_resources:
        return self._parsed_resources[key]
    if key not in self._resource_json_map:
        raise KeyError(key)
    return None
