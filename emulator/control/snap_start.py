"""SnapStart: which functions can have it, and how answers show it.

Source: spec/control-plane.md sections 2 and 5, spec/execution-environment.md section 5.
"""

from collections.abc import Mapping
from typing import Any, Final

from emulator.control.spec import FunctionSpec
from emulator.control.violations import invalid
from emulator.model import FunctionVersion, LambdaError
from emulator.model.snapshot import SnapshotOutcome

_NONE: Final = "None"
_APPLY_ON: Final = "PublishedVersions"
_TMP_MIB: Final = 512
_FIRST: Final = {"java": (11,), "python": (3, 12), "dotnet": (8,)}  # version of each runtime


def snap_start_fields(member: Mapping[str, Any]) -> dict[str, Any]:
    """The field of FunctionSpec that a SnapStart member sets."""
    return {"snap_start": member.get("ApplyOn", _NONE) == _APPLY_ON}


def check_snap_start(spec: FunctionSpec) -> None:
    """Raise InvalidParameterValueException for settings that SnapStart does not go with."""
    if not spec.snap_start:
        return
    if spec.is_image:
        raise _not_supported("Package type Image")
    if spec.isolates_tenants:
        raise _not_supported("Tenant isolation")
    if spec.capacity is not None:
        raise _not_supported("A capacity provider")
    if spec.file_systems:
        raise _not_supported("A file system")
    if not _has_snap_start(spec.runtime):
        raise _not_supported(spec.runtime)
    if spec.ephemeral_storage_mib > _TMP_MIB:
        raise _not_supported(f"Ephemeral storage of more than {_TMP_MIB} MB")


def check_without_snap_start(version: FunctionVersion) -> None:
    """Raise InvalidParameterValueException for provisioned concurrency beside SnapStart."""
    if version.snap_start:
        raise _not_supported("Provisioned concurrency")


def snap_start_answer(
    spec: FunctionSpec, version: FunctionVersion, outcome: SnapshotOutcome | None
) -> dict[str, str]:
    """SnapStart as the API shows it; outcome: None while the snapshot is taken."""
    is_on = version.snap_start and (outcome is None or outcome.is_taken)
    return {
        "ApplyOn": _APPLY_ON if spec.snap_start else _NONE,
        "OptimizationStatus": "On" if is_on else "Off",
    }


def _not_supported(what: str) -> LambdaError:
    return invalid(f"{what} is not supported for SnapStart enabled functions.")


def _has_snap_start(runtime: str) -> bool:
    for name, first in _FIRST.items():
        if runtime.startswith(name):
            numbers = runtime.removeprefix(name).partition(".al")[0].split(".")
            return all(each.isdigit() for each in numbers) and (*map(int, numbers),) >= first
    return False
