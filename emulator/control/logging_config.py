"""LoggingConfig: a log's format, levels and group. Source: spec/execution-environment.md 6."""

from collections.abc import Mapping
from typing import Any, Final

from emulator.control.spec import FunctionSpec
from emulator.control.violations import invalid
from emulator.model import DEFAULT_LOG_LEVEL, TEXT_LOG

_FIELDS: Final = {  # member of LoggingConfig: field of FunctionSpec
    "LogGroup": "log_group",
    "LogFormat": "log_format",
    "ApplicationLogLevel": "application_log_level",
    "SystemLogLevel": "system_log_level",
}


def logging_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of FunctionSpec that a LoggingConfig sets; what it leaves out stays as it is.

    A switch to Text removes the levels that were set before.
    """
    removed = {}
    if config.get("LogFormat") == TEXT_LOG:
        removed = {"application_log_level": "", "system_log_level": ""}
    given = {field: config[member] for member, field in _FIELDS.items() if member in config}
    return removed | given


def check_logging(spec: FunctionSpec) -> None:
    """Raise InvalidParameterValueException for levels of a text log."""
    if spec.log_format == TEXT_LOG and (spec.application_log_level or spec.system_log_level):
        raise invalid("Log levels can be set only with LogFormat JSON.")


def logging_answer(spec: FunctionSpec, group: str) -> dict[str, str]:
    """LoggingConfig as the API shows it: levels with JSON only, and always then."""
    levels = {}
    if spec.log_format != TEXT_LOG:
        levels = {
            "ApplicationLogLevel": spec.application_log_level or DEFAULT_LOG_LEVEL,
            "SystemLogLevel": spec.system_log_level or DEFAULT_LOG_LEVEL,
        }
    return {"LogFormat": spec.log_format, **levels, "LogGroup": group}
