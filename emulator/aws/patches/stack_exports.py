"""Outputs that stacks export to each other."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from emulator.aws.patches.stack_map import MapScope
from emulator.aws.stacks.intrinsics import TemplateProblem, resolve


def exports_of(stack: Any) -> list[Any]:
    """What a stack exports, as moto's objects."""
    from moto.cloudformation.parsing import Export

    scope = MapScope(stack.resource_map)
    return [
        Export(
            stack.stack_id,
            resolve(output["Export"]["Name"], scope),
            resolve(output["Value"], scope),
        )
        for output in (stack.template_dict.get("Outputs") or {}).values()
        if "Export" in output
        and ("Condition" not in output or scope.condition(output["Condition"]))
    ]


def set_exports(stack: Any) -> None:
    """Let other stacks import what this one exports now; raises TemplateProblem."""
    known = backend_of(stack).exports
    wanted = exports_of(stack)
    for export in wanted:
        other = known.get(export.name)
        if other is not None and other.exporting_stack_id != stack.stack_id:
            name = other.exporting_stack_id.split("/")[1]
            raise TemplateProblem(
                f"Export with name {export.name} is already exported by stack {name}."
            )
    check_exports(stack, {export.name for export in wanted})
    drop_exports(stack)
    known.update({export.name: export for export in wanted})


def drop_exports(stack: Any) -> None:
    """Export nothing any more."""
    known = backend_of(stack).exports
    for name in [name for name, each in known.items() if each.exporting_stack_id == stack.stack_id]:
        del known[name]


def check_exports(stack: Any, kept: Collection[str]) -> None:
    """Raise ValidationError when another stack imports what this one will export no longer."""
    from moto.cloudformation.exceptions import ValidationError

    backend = backend_of(stack)
    own = {n for n, each in backend.exports.items() if each.exporting_stack_id == stack.stack_id}
    for name in sorted(own - set(kept)):
        users = [other.name for other in backend.stacks.values() if name in set(_imported(other))]
        if users:
            raise ValidationError(
                message=f"Export {name} cannot be deleted as it is in use by {', '.join(users)}"
            )


def _imported(stack: Any) -> Iterator[str]:
    scope = MapScope(stack.resource_map)
    for argument in _import_calls(stack.template_dict):
        try:
            yield str(resolve(argument, scope))
        except TemplateProblem:
            continue  # such a stack did not get as far as to import it


def _import_calls(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if "Fn::ImportValue" in value:
            yield value["Fn::ImportValue"]
        for item in value.values():
            yield from _import_calls(item)
    elif isinstance(value, list):
        for item in value:
            yield from _import_calls(item)


def backend_of(stack: Any) -> Any:
    """The backend that a stack of moto's belongs to."""
    from moto.cloudformation.models import cloudformation_backends

    return cloudformation_backends[stack.account_id][stack.region_name]
