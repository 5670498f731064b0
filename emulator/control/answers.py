"""Functions in the words of the API: FunctionConfiguration and its neighbours."""

from datetime import UTC, datetime
from typing import Any

from emulator.control.code_signing import signature_answer
from emulator.control.function import FunctionConfiguration
from emulator.control.lifecycle import MEMBERS, Phase
from emulator.control.logging_config import logging_answer
from emulator.control.runtimes import runtime_version_arn
from emulator.control.settings import given_settings
from emulator.control.snap_start import snap_start_answer
from emulator.model import LATEST, LATEST_PUBLISHED, function_arn

Answer = dict[str, Any]


def configuration(shown: FunctionConfiguration, qualifier: str | None = None) -> Answer:
    """FunctionConfiguration; its ARN ends with the qualifier the caller asked for."""
    return {**listed(shown, qualifier), **_state(shown)}


def changed(shown: FunctionConfiguration) -> Answer:
    """FunctionConfiguration of what was just made: a published version with its qualified ARN."""
    number = shown.version.version
    return configuration(shown, None if number == LATEST else number)


def list_key(shown: FunctionConfiguration) -> str:
    """A text that puts functions in order of their names, and each one's versions by number."""
    number = shown.version.version
    # A blank sorts before all that a name may have, so `a` stands before `a-b`.
    if number == LATEST_PUBLISHED:  # between `$LATEST` and 1
        return f"{shown.spec.name} {0:020}~"
    return f"{shown.spec.name} {0 if number == LATEST else int(number):020}"


def name_in(key: str) -> str:
    """The function's name in a `list_key`."""
    return key.partition(" ")[0]


def listed(shown: FunctionConfiguration, qualifier: str | None = None) -> Answer:
    """FunctionConfiguration as lists show it: without states and runtime version.

    Source: spec/control-plane.md sections 2 and 3.
    """
    spec, version = shown.spec, shown.version
    answer: Answer = {
        "FunctionName": spec.name,
        "FunctionArn": function_arn(spec.account, spec.region, spec.name, qualifier),
        "Runtime": spec.runtime,
        "Role": spec.role,
        "Handler": spec.handler,
        "CodeSize": version.code.size_bytes,
        "Description": spec.description,
        "Timeout": spec.timeout_s,
        "MemorySize": spec.memory_mib,
        "LastModified": timestamp(shown.modified_at),
        "CodeSha256": version.code.sha256,
        **signature_answer(version.code),
        "Version": version.version,
        "TracingConfig": {"Mode": "Active" if spec.is_traced else "PassThrough"},
        "RevisionId": shown.revision_id,
        "PackageType": "Image" if spec.is_image else "Zip",
        "Architectures": [spec.architecture],
        "EphemeralStorage": {"Size": spec.ephemeral_storage_mib},
        "SnapStart": snap_start_answer(spec, version, shown.snapshot),
        "LoggingConfig": logging_answer(spec, version.log_group_name),
        **given_settings(spec),
    }
    if spec.is_image:
        del answer["Runtime"], answer["Handler"]
    if spec.layers:
        answer["Layers"] = [
            {"Arn": arn, "CodeSize": layer.size_bytes, **signature_answer(layer)}
            for arn, layer in zip(spec.layers, version.layers, strict=True)
        ]
    return answer


def state_name(shown: FunctionConfiguration) -> str:
    """The State of a function version."""
    state = MEMBERS[shown.phase]["State"]
    if shown.spec.capacity is None or state != "Active":
        return state
    if shown.spec.scaling is not None and shown.spec.scaling.is_deactivated:
        return "Deactivated"
    return "ActiveNonInvocable" if shown.version.version == LATEST else state


def _state(shown: FunctionConfiguration) -> Answer:
    state: Answer = {**MEMBERS[shown.phase], "State": state_name(shown)}
    if shown.snapshot is not None and shown.phase is Phase.FAILED:
        state["StateReason"] = shown.snapshot.reason
        state["StateReasonCode"] = shown.snapshot.reason_code
    if not shown.spec.is_image:
        chosen = shown.spec.runtime_management.version_arn
        arn = chosen or runtime_version_arn(shown.spec.region, shown.spec.runtime)
        state["RuntimeVersionConfig"] = {"RuntimeVersionArn": arn}
    return state


def timestamp(seconds: float) -> str:
    """`2026-11-21T10:00:00.123+0000`, the form of a function's LastModified."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
