"""AWS::Lambda::Function: which operations make it what its properties say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from emulator.aws.stacks.inline_code import archive_of
from emulator.aws.stacks.resource_type import (
    Call,
    Kind,
    Made,
    Note,
    ResourceProblem,
    Wish,
    changed,
    require,
    tags_of,
)

_SETTINGS: Final[Mapping[str, Any]] = {  # property: what it is again when a template drops it
    "AcceleratorConfig": None,
    "CapacityProviderConfig": None,
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "DurableConfig": None,
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "Handler": None,
    "ImageConfig": {},
    "KmsKeyArn": "",
    "Layers": [],
    "LoggingConfig": {"LogFormat": "Text"},
    "MemorySize": 128,
    "Role": None,
    "Runtime": None,
    "RuntimeConfig": None,
    "SnapStart": {"ApplyOn": "None"},
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
_ONLY_AT_CREATION: Final = ("Architectures", "CodeSigningConfigArn", "PackageType", "TenancyConfig")
_REPLACED_BY: Final = frozenset({"FunctionName", "PackageType", "TenancyConfig"})
_MEMBERS: Final = {"KmsKeyArn": "KMSKeyArn"}  # where the API's name is another one
_OWN_OPERATIONS: Final = (
    "CodeSigningConfigArn",
    "FunctionScalingConfig",
    "RecursiveLoop",
    "ReservedConcurrentExecutions",
    "RuntimeManagementConfig",
)
_TAKEN_BACK_BY: Final = {
    "CodeSigningConfigArn": "DeleteFunctionCodeSigningConfig",
    "ReservedConcurrentExecutions": "DeleteFunctionConcurrency",
}
_PROPERTIES: Final = frozenset(
    {
        *_SETTINGS,
        *_ONLY_AT_CREATION,
        *_OWN_OPERATIONS,
        "Code",
        "FunctionName",
        "PublishToLatestPublished",
        "Tags",
    }
)
_ATTRIBUTES: Final = frozenset(
    {
        "Arn",
        "SnapStartResponse",
        "SnapStartResponse.ApplyOn",
        "SnapStartResponse.OptimizationStatus",
    }
)


@dataclass(frozen=True, slots=True)
class FunctionType(Kind):
    """Implements ResourceType."""

    service: str = "lambda"
    delete_with: str = "DeleteFunction"
    name_property: str = "FunctionName"
    name_length: int = 64
    attributes: frozenset[str] = _ATTRIBUTES
    replaced_by: frozenset[str] = _REPLACED_BY

    def create(self, wish: Wish, call: Call, note: Note) -> Made:
        """Create the function, then set what CreateFunction does not take."""
        _check(wish.properties)
        members = _settings(wish.properties, (*_SETTINGS, *_ONLY_AT_CREATION))
        members |= {"FunctionName": wish.name, "Code": _code(wish.properties)}
        members |= _publication(wish.properties)
        if tags := tags_of(wish):
            members["Tags"] = tags
        made = _made(wish, call("lambda", "CreateFunction", members))
        note(made)
        later = [name for name in _OWN_OPERATIONS[1:] if name in wish.properties]
        _set_others(later, made, wish.properties, call)
        return made

    def update(self, made: Made, old: Mapping[str, Any], wish: Wish, call: Call) -> Made:
        """Change the function's code, its settings and the rest, each only if it differs."""
        new = wish.properties
        _check(new)
        differing = changed(old, new)
        if differing & set(_SETTINGS):
            settings = _settings(_with_defaults(old, new), sorted(differing & set(_SETTINGS)))
            call("lambda", "UpdateFunctionConfiguration", {**settings, **made.address})
        if _has_other_code(differing, new):
            members = {**_code(new), **_publication(new), **made.address}
            if "Architectures" in differing:
                members["Architectures"] = new.get("Architectures", ["x86_64"])
            call("lambda", "UpdateFunctionCode", members)
        _set_others(sorted(differing & set(_OWN_OPERATIONS)), made, new, call)
        _set_tags(made.attributes["Arn"], tags_of(wish), call)
        return _made(wish, call("lambda", "GetFunctionConfiguration", made.address))


def _check(properties: Mapping[str, Any]) -> None:
    require(properties, "Code", "Role")
    for name in properties:
        if name not in _PROPERTIES:
            raise ResourceProblem(
                f"Properties validation failed: extraneous key [{name}] is not permitted"
            )


def _has_other_code(differing: set[str], new: Mapping[str, Any]) -> bool:
    is_inline = "ZipFile" in new["Code"]
    return bool(differing & {"Architectures", "Code"}) or (is_inline and "Runtime" in differing)


def _settings(properties: Mapping[str, Any], names: Any) -> dict[str, Any]:
    return {_MEMBERS.get(name, name): properties[name] for name in names if name in properties}


def _with_defaults(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    gone = {
        name: _SETTINGS[name] for name in old if name not in new and _SETTINGS.get(name) is not None
    }
    return {**gone, **new}


def _code(properties: Mapping[str, Any]) -> dict[str, Any]:
    code = dict(properties["Code"])
    if "ZipFile" in code:
        code["ZipFile"] = archive_of(str(code["ZipFile"]), str(properties.get("Runtime", "")))
    return code


def _publication(properties: Mapping[str, Any]) -> dict[str, Any]:
    wanted = str(properties.get("PublishToLatestPublished", False)).lower() == "true"
    return {"Publish": True, "PublishTo": "LATEST_PUBLISHED"} if wanted else {}


def _made(wish: Wish, answer: Mapping[str, Any]) -> Made:
    arn = ":".join(answer["FunctionArn"].split(":")[:7])
    snap_start = answer.get("SnapStart", {})
    attributes = {
        "Arn": arn,
        "SnapStartResponse": snap_start,
        "SnapStartResponse.ApplyOn": snap_start.get("ApplyOn", "None"),
        "SnapStartResponse.OptimizationStatus": snap_start.get("OptimizationStatus", "Off"),
    }
    return Made(physical_id=wish.name, attributes=attributes, address={"FunctionName": wish.name})


def _set_others(names: list[str], made: Made, properties: Mapping[str, Any], call: Call) -> None:
    """Set, or take back, what has operations of its own."""
    for name in names:
        operation, members = _other(name, properties.get(name))
        call("lambda", operation, {**members, **made.address})


def _other(name: str, value: Any) -> tuple[str, dict[str, Any]]:
    """The operation that sets a property, and what it is told; None: the template dropped it."""
    if value is None and name in _TAKEN_BACK_BY:
        return _TAKEN_BACK_BY[name], {}
    match name:
        case "CodeSigningConfigArn":
            return "PutFunctionCodeSigningConfig", {name: value}
        case "FunctionScalingConfig":
            members = {"Qualifier": "$LATEST.PUBLISHED"}
            return "PutFunctionScalingConfig", {**members, name: value or {}}
        case "RecursiveLoop":
            return "PutFunctionRecursionConfig", {name: value or "Terminate"}
        case "ReservedConcurrentExecutions":
            return "PutFunctionConcurrency", {name: value}
        case _:
            return "PutRuntimeManagementConfig", value or {"UpdateRuntimeOn": "Auto"}


def _set_tags(arn: str, wanted: Mapping[str, str], call: Call) -> None:
    """Compare with what the function has: a stack's tags may have changed, too."""
    now = call("lambda", "GetFunction", {"FunctionName": arn}).get("Tags", {})
    if gone := sorted(name for name in now if name not in wanted):
        call("lambda", "UntagResource", {"Resource": arn, "TagKeys": gone})
    if new := {name: value for name, value in wanted.items() if now.get(name) != value}:
        call("lambda", "TagResource", {"Resource": arn, "Tags": new})
