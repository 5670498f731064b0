"""Functions made of a container image: what they may be given, and how they are shown."""

from collections.abc import Mapping
from typing import Any

from emulator.control.spec import FunctionSpec
from emulator.control.violations import invalid
from emulator.model import CodePackage, ImageConfig


def check_image_spec(spec: FunctionSpec) -> None:
    """Raise InvalidParameterValueException for settings that an image brings itself."""
    if spec.runtime or spec.handler or spec.layers:
        raise invalid(
            "Please don't provide Handler or Runtime or Layer when the intended function"
            " PackageType is Image."
        )


def check_code_update(spec: FunctionSpec, request: Mapping[str, Any]) -> None:
    """Raise InvalidParameterValueException for code of the other package type."""
    if spec.is_image and "ImageUri" not in request:
        raise invalid("Please provide ImageUri when updating a function with packageType Image.")
    if not spec.is_image and "ImageUri" in request:
        raise invalid(
            "Please don't provide ImageUri when updating a function with packageType Zip."
        )


def read_image_config(members: Mapping[str, Any]) -> ImageConfig | None:
    """ImageConfig of a request; None when it is empty, which takes settings back."""
    config = ImageConfig(
        entry_point=tuple(members.get("EntryPoint") or ()),
        command=tuple(members.get("Command") or ()),
        working_directory=members.get("WorkingDirectory") or "",
    )
    return None if config == ImageConfig() else config


def image_config_answer(config: ImageConfig) -> dict[str, Any]:
    """ImageConfigResponse, with the members that were given."""
    members = {
        "EntryPoint": list(config.entry_point),
        "Command": list(config.command),
        "WorkingDirectory": config.working_directory,
    }
    return {"ImageConfig": {name: value for name, value in members.items() if value}}


def image_code_answer(code: CodePackage) -> dict[str, Any]:
    """Code of GetFunction."""
    # Differs from Lambda: a name without a digest is not resolved to one.
    return {
        "RepositoryType": "ECR",
        "ImageUri": code.image,
        "ResolvedImageUri": code.image,
    }
