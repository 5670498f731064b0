"""What a rule's target gets: the event, a part of it, a constant, or a template filled in."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from emulator.aws import RuleTarget
from emulator.event_sources.json_path import MISSING, find

_BEGINS_JSON: Final = ("{", "[", '"', "<")
_VARIABLE: Final = re.compile(r"<([A-Za-z0-9_.-]+)>")


def target_input(target: RuleTarget, event: Mapping[str, Any], at_s: float) -> str:
    """The text that is handed to `target` for an event that came at `at_s`."""
    if target.input is not None:
        return target.input
    if target.input_template is not None:
        variables = {name: find(path, event) for name, path in target.input_paths.items()}
        return fill(target.input_template, variables | _reserved(target, event, at_s))
    if target.input_path is not None:
        found = find(target.input_path, event)
        return compact(None if found is MISSING else found)
    return compact(event)


def fill(template: str, variables: Mapping[str, Any]) -> str:
    """Put values in the place of `<name>`: as JSON, or as text where it stands inside quotes.

    In a template that is no JSON, but plain text, they are put in as they are. A path that leads
    nowhere leaves an empty text. A name that is no variable stays as it is.
    Source: EventBridge User Guide, "Amazon EventBridge input transformation".
    """
    is_json = template.lstrip()[:1] in _BEGINS_JSON
    done: list[str] = []
    is_inside = False  # of a string
    position = 0
    while position < len(template):
        variable = _VARIABLE.match(template, position)
        if variable is not None and variable[1] in variables:
            value = variables[variable[1]]
            done.append(_inserted(value, is_inside) if is_json else _text(value))
            position = variable.end()
            continue
        width = 2 if template[position] == "\\" else 1
        is_inside ^= template[position] == '"'
        done.append(template[position : position + width])
        position += width
    return "".join(done)


def compact(value: Any) -> str:
    """JSON without spaces, in UTF-8."""
    return _whole(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def _inserted(value: Any, is_inside: bool) -> str:
    if is_inside:
        return compact(_text(value))[1:-1]  # escaped, without its quotes
    return compact("" if value is MISSING else value)


def _text(value: Any) -> str:
    if value is MISSING:
        return ""
    return _whole(value) if isinstance(value, str) else compact(value)


def _whole(text: str) -> str:
    """A text without half surrogate pairs, which JSON can hold and UTF-8 cannot."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _reserved(target: RuleTarget, event: Mapping[str, Any], at_s: float) -> dict[str, Any]:
    came = datetime.fromtimestamp(at_s, UTC)
    return {
        "aws.events.rule-arn": target.rule_arn,
        "aws.events.rule-name": target.rule_name,
        "aws.events.event": {name: event[name] for name in event if name != "detail"},
        "aws.events.event.json": dict(event),
        "aws.events.event.ingestion-time": f"{came:%Y-%m-%dT%H:%M:%SZ}",
    }
