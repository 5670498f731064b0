"""`DurableConfig` of a function: read from a request, and shown."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from emulator.control.violations import invalid
from emulator.model import DurableConfig

_FIELDS: Final = {
    "ExecutionTimeout": "execution_timeout_s",
    "RetentionPeriodInDays": "retention_days",
    "KMSKeyArn": "kms_key_arn",
}


def new_durable_config(members: Mapping[str, Any] | None) -> DurableConfig | None:
    """What a new function asks for; None: it is not durable."""
    return None if members is None else _changed(DurableConfig(), members)


def changed_durable_config(
    current: DurableConfig | None, members: Mapping[str, Any]
) -> DurableConfig:
    """What an existing function asks for: it was durable from the start, or never is."""
    if current is None:
        raise invalid("Durable execution can only be enabled when a function is created.")
    return _changed(current, members)


def durable_config_answer(config: DurableConfig) -> dict[str, Any]:
    """DurableConfig as the API shows it."""
    answer = {member: getattr(config, field) for member, field in _FIELDS.items()}
    return {member: value for member, value in answer.items() if value != ""}


def _changed(config: DurableConfig, members: Mapping[str, Any]) -> DurableConfig:
    given = {field: members[member] for member, field in _FIELDS.items() if member in members}
    return replace(config, **given)
