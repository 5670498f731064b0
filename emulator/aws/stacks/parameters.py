"""Parameters of a template: the values a stack has for them, checked."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws.stacks.intrinsics import TemplateProblem

FetchParameter = Callable[[str], str | None]
"""Name of a parameter in Systems Manager -> its value; None: there is none."""

_STORED: Final = "AWS::SSM::Parameter::Value<"  # its value is the name of a stored one


def values_of(
    declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any], fetch: FetchParameter
) -> dict[str, Any]:
    """Value of every declared parameter, lists as lists; raises TemplateProblem."""
    if unknown := sorted(set(given) - set(declared)):
        raise TemplateProblem(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    texts = {name: given.get(name, slot.get("Default")) for name, slot in declared.items()}
    if missing := sorted(name for name, text in texts.items() if text is None):
        raise TemplateProblem(f"Parameters: [{', '.join(missing)}] must have values")
    return {name: _value(name, slot, texts[name], fetch) for name, slot in declared.items()}


def _value(name: str, slot: Mapping[str, Any], given: Any, fetch: FetchParameter) -> Any:
    kind = str(slot.get("Type", "String"))
    text = _text(given)
    _check(name, slot, kind, text)
    if kind.startswith(_STORED):
        kind = kind.removeprefix(_STORED)[:-1]
        stored = fetch(text)
        if stored is None:
            raise TemplateProblem(
                f"Unable to fetch parameters [{text}] from parameter store for this account."
            )
        text = stored
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        each = [item.strip() for item in text.split(",")] if text else []
        return [_number(item) for item in each] if kind == "List<Number>" else each
    return _number(text) if kind == "Number" else text


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_text(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check(name: str, slot: Mapping[str, Any], kind: str, text: str) -> None:
    """Raise TemplateProblem for a value that the template does not allow."""
    why = slot.get("ConstraintDescription")
    for is_broken, problem in _constraints(name, slot, kind, text):
        if is_broken:
            text = f"Parameter {name} failed to satisfy constraint: {why}" if why else problem
            raise TemplateProblem(text)


def _constraints(
    name: str, slot: Mapping[str, Any], kind: str, text: str
) -> list[tuple[bool, str]]:
    each = text.split(",") if kind == "CommaDelimitedList" else [text]
    allowed = [_text(value) for value in slot.get("AllowedValues", [])]
    pattern = slot.get("AllowedPattern")
    is_number = kind == "Number"
    found: list[tuple[bool, str]] = [
        (
            bool(allowed) and any(value not in allowed for value in each),
            f"Parameter '{name}' must be one of AllowedValues",
        ),
        (
            pattern is not None and not re.fullmatch(str(pattern), text),
            f"Parameter '{name}' must match pattern {pattern}",
        ),
        (is_number and not _is_number(text), f"Parameter '{name}' must be a number."),
    ]
    if is_number and _is_number(text):
        found += _bounds(name, slot, "Value", float(text))
    elif not is_number:
        found += _bounds(name, slot, "Length", len(text))
    return found


_BOUNDS: Final = {  # of what: texts of "too little" and "too much"
    "Value": ("be a number not less than {}", "be a number not greater than {}"),
    "Length": ("contain at least {} characters", "contain at most {} characters"),
}


def _bounds(
    name: str, slot: Mapping[str, Any], kind: str, measure: float
) -> list[tuple[bool, str]]:
    least, most = slot.get(f"Min{kind}"), slot.get(f"Max{kind}")
    too_little, too_much = _BOUNDS[kind]
    start = f"Parameter '{name}' must "
    return [
        (least is not None and measure < float(least), start + too_little.format(least)),
        (most is not None and measure > float(most), start + too_much.format(most)),
    ]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
