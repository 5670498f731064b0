"""What CloudFormation tells of a stack: its resources, outputs, parameters, templates."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.patches.patching import Patch
from emulator.aws.patches.stack_change import StackResource, resources_of
from emulator.aws.patches.stack_exports import exports_of
from emulator.aws.patches.stack_flow import has_outputs, revision_of
from emulator.aws.stacks.sam import transforms_of

_STACK: Final = "moto.cloudformation.models:Stack"
_RESPONSE: Final = "moto.cloudformation.responses:CloudFormationResponse"


def patches(validate: Callable[[Any, str], Mapping[str, Any]]) -> list[Patch]:
    """Patches of the operations that read. validate: backend, template -> its document."""
    return [
        Patch(f"{_STACK}.exports", "self", lambda _: property(_exports)),
        Patch(f"{_STACK}.outputs", "self", lambda _: property(_outputs)),
        Patch(f"{_STACK}.stack_parameters", "self", lambda _: property(_given_parameters)),
        Patch(f"{_STACK}.parameter_list", "self", lambda _: property(_shown_parameters)),
        Patch(f"{_RESPONSE}.describe_stack_resource", "self", lambda _: _describe_resource),
        Patch(f"{_RESPONSE}.describe_stack_resources", "self", lambda _: _describe_resources),
        Patch(f"{_RESPONSE}.list_stack_resources", "self", lambda _: _list_resources),
        Patch(f"{_RESPONSE}.get_template", "self", lambda _: _get_template),
        Patch(f"{_RESPONSE}.validate_template", "self", lambda _: _validate(validate)),
    ]


def _exports(stack: Any) -> list[Any]:
    return exports_of(stack) if has_outputs(stack) else []


def _outputs(stack: Any) -> list[dict[str, Any]] | None:
    if not has_outputs(stack):
        return None
    names = {
        key: output["Export"]["Name"]
        for key, output in (stack.template_dict.get("Outputs") or {}).items()
        if "Export" in output
    }
    exports = {str(each.value): each.name for each in _exports(stack)} if names else {}
    shown = [
        {
            "OutputKey": output.key,
            "OutputValue": output.value,
            "Description": output.description,
            "ExportName": exports.get(str(output.value)) if output.key in names else None,
        }
        for output in stack.output_map.values()
        if output
    ]
    return shown or None


def _given_parameters(stack: Any) -> dict[str, Any]:
    """Values as they were given or declared: those of stored parameters are their names."""
    slots = stack.template_dict.get("Parameters") or {}
    return {name: stack.parameters.get(name, slot.get("Default")) for name, slot in slots.items()}


def _shown_parameters(stack: Any) -> list[dict[str, Any]]:
    slots = stack.template_dict.get("Parameters") or {}
    resolved = stack.resource_map.resolved_parameters
    shown = []
    for name, value in _given_parameters(stack).items():
        is_secret = name in stack.resource_map.no_echo_parameter_keys
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        parameter = {"ParameterKey": name, "ParameterValue": "****" if is_secret else text}
        if str(slots[name].get("Type")).startswith("AWS::SSM::Parameter::Value"):
            stored = resolved.get(name)
            parameter["ResolvedValue"] = (
                ",".join(stored) if isinstance(stored, list) else str(stored)
            )
        shown.append(parameter)
    return shown


def _view(stack: Any, resource: StackResource, *, timestamp: str) -> dict[str, Any]:
    return {
        "StackName": stack.name,
        "StackId": stack.stack_id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        timestamp: resource.changed_at,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        "Metadata": json.dumps(resource.definition["Metadata"])
        if "Metadata" in resource.definition
        else None,
    }


def _describe_resource(self: Any) -> Any:
    from moto.cloudformation.exceptions import ValidationError
    from moto.core.responses import ActionResult

    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    name = self._get_param("LogicalResourceId")
    found = resources_of(stack).get(name)
    if found is None:
        raise ValidationError(
            message=f"Resource {name} does not exist for stack {self._get_param('StackName')}"
        )
    shown = _view(stack, found, timestamp="LastUpdatedTimestamp")
    return ActionResult({"StackResourceDetail": shown})


def _describe_resources(self: Any) -> Any:
    from moto.core.responses import ActionResult

    backend = self.cloudformation_backend
    physical = self._get_param("PhysicalResourceId")
    if physical is None:
        stacks = [backend.get_stack(self._get_param("StackName"))]
    else:
        stacks = list(backend.stacks.values())
    name = self._get_param("LogicalResourceId")
    shown = [
        _view(stack, each, timestamp="Timestamp")
        for stack in stacks
        for each in resources_of(stack).values()
        if name in (None, each.logical_id) and physical in (None, each.physical_id)
    ]
    return ActionResult({"StackResources": shown})


def _list_resources(self: Any) -> Any:
    from moto.core.responses import ActionResult

    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    shown = [
        _view(stack, each, timestamp="LastUpdatedTimestamp")
        for each in resources_of(stack).values()
    ]
    return ActionResult({"StackResourceSummaries": shown})


def _get_template(self: Any) -> Any:
    from moto.core.responses import ActionResult

    found = revision_of(self.cloudformation_backend.get_stack(self._get_param("StackName")))
    was_transformed = bool(found.original) and found.is_transformed
    is_original = self._get_param("TemplateStage") == "Original" or not was_transformed
    stages = ["Original", "Processed"]
    body = found.original if is_original else found.text
    return ActionResult({"TemplateBody": body, "StagesAvailable": stages})


def _validate(validate: Callable[[Any, str], Mapping[str, Any]]) -> Callable[[Any], Any]:
    def validate_template(self: Any) -> Any:
        from moto.core.responses import ActionResult

        url = self._get_param("TemplateURL")
        body = self._get_stack_from_s3_url(url) if url else self._get_param("TemplateBody")
        document = validate(self.cloudformation_backend, body)
        slots = document.get("Parameters") or {}
        parameters = [
            {
                "ParameterKey": name,
                "DefaultValue": None if "Default" not in slot else str(slot["Default"]),
                "NoEcho": str(slot.get("NoEcho", False)).lower() == "true",
                "Description": slot.get("Description"),
            }
            for name, slot in slots.items()
        ]
        transforms = transforms_of(document)
        return ActionResult(
            {
                "Description": document.get("Description"),
                "Parameters": parameters,
                "Capabilities": _capabilities(document, transforms),
                "DeclaredTransforms": transforms,
            }
        )

    return validate_template


def _capabilities(document: Mapping[str, Any], transforms: list[str]) -> list[str]:
    kinds = {str(each.get("Type")) for each in (document.get("Resources") or {}).values()}
    found = ["CAPABILITY_IAM"] if any(kind.startswith("AWS::IAM::") for kind in kinds) else []
    return [*found, "CAPABILITY_AUTO_EXPAND"] if transforms else found
