"""Event patterns of EventBridge: which are valid, and which events they match.

A pattern repeats the structure of the event; its leaves are arrays of what would match. Source:
EventBridge User Guide, "Comparison operators"; texts as those of AWS's open-source matcher (Ruler).
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from emulator.model.wildcard import ANY_TEXT, wildcard_regex

_DEEPEST: Final = 100
_MAX_NUMBER: Final = 5_000_000_000
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": lambda value, limit: value == limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}


class InvalidPattern(ValueError):
    """A pattern that EventBridge refuses; the text is its reason."""


def parse_pattern(text: str) -> dict[str, Any]:
    """Read a pattern and check it whole. Raises InvalidPattern."""
    try:
        pattern = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidPattern("Invalid JSON") from None
    check_pattern(pattern)
    assert isinstance(pattern, dict)
    return pattern


def check_pattern(pattern: object, depth: int = 0) -> None:
    """Raise InvalidPattern unless it is a pattern. depth: of it in the whole pattern."""
    if depth > _DEEPEST:
        raise InvalidPattern(f"More than {_DEEPEST} objects inside each other")
    if not isinstance(pattern, dict):
        raise InvalidPattern("Filter is not an object")
    if not pattern:
        raise InvalidPattern("Empty objects are not allowed")
    for name, value in pattern.items():
        _check_member(name, value, depth)


def _check_member(name: str, value: Any, depth: int) -> None:
    if name == "$or" and _is_or(value):
        for alternative in value:
            check_pattern(alternative, depth + 1)
    elif isinstance(value, dict):
        check_pattern(value, depth + 1)
    elif isinstance(value, list):
        _check_rules(value)
    else:
        raise InvalidPattern(f'"{name}" must be an object or an array')


def matches(pattern: Mapping[str, Any], event: object) -> bool:
    """Whether an event, or one element of an array in it, has all that a valid pattern wants."""
    if isinstance(event, list):  # all of the pattern must be met by one and the same element
        return any(matches(pattern, element) for element in event)
    members = event if isinstance(event, dict) else {}
    return all(_member_matches(name, wanted, members) for name, wanted in pattern.items())


def _member_matches(name: str, wanted: Any, members: Mapping[str, Any]) -> bool:
    if name == "$or" and _is_or(wanted):
        return any(matches(alternative, members) for alternative in wanted)
    if isinstance(wanted, dict):
        return matches(wanted, members.get(name, {}))
    values = list(_leaves(members[name])) if name in members else []
    return any(_rule_matches(rule, values) for rule in wanted)


def _is_or(value: object) -> bool:
    """`$or` is an operator only with two or more objects; else a member of that name."""
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(isinstance(element, dict) for element in value)
        and not all(_is_operator(element) for element in value)
    )


def _is_operator(rule: Mapping[str, Any]) -> bool:
    return len(rule) == 1 and next(iter(rule)) in _OPERATORS


def _leaves(value: object) -> Iterator[object]:
    """What operators look at: a scalar, or the scalars of an array; an object has none."""
    if isinstance(value, list):
        for element in value:
            yield from _leaves(element)
    elif not isinstance(value, dict):
        yield value


def _rule_matches(rule: object, values: list[object]) -> bool:
    if not isinstance(rule, dict):
        return any(_equals(rule, value) for value in values)
    [(operator, operand)] = rule.items()
    if operator == "exists":
        return bool(values) is operand
    _, applies = _OPERATORS[operator]
    return any(applies(operand, value) for value in values)


def _equals(wanted: object, value: object) -> bool:
    # EventBridge compares how they are written: 300 is not 300.0, true is not 1.
    return type(wanted) is type(value) and wanted == value


# The operators: what they want, and whether one value fits.


def _check_rules(rules: list[Any]) -> None:
    if not rules:
        raise InvalidPattern("Empty arrays are not allowed")
    for rule in rules:
        if isinstance(rule, dict):
            _check_operator(rule)
        elif isinstance(rule, list):
            raise InvalidPattern("Match value must be String, number, true, false, or null")


def _check_operator(rule: Mapping[str, Any]) -> None:
    if len(rule) != 1:
        raise InvalidPattern("Only one key allowed in match expression")
    [(operator, operand)] = rule.items()
    if operator not in _OPERATORS:
        raise InvalidPattern(f"Unrecognized match type {operator}")
    check, _ = _OPERATORS[operator]
    check(operator, operand)


def _check_text(operator: str, operand: object) -> None:
    if not isinstance(operand, str):
        raise InvalidPattern(f"{operator} match pattern must be a string")


def _check_affix(operator: str, operand: object) -> None:
    """A prefix or suffix: a text, or one whose case does not count."""
    if isinstance(operand, dict):
        if list(operand) != ["equals-ignore-case"]:
            raise InvalidPattern(f"Unsupported {operator} pattern: {next(iter(operand), '')}")
        operand = operand["equals-ignore-case"]
    _check_text(operator, operand)


def _check_wildcard(operator: str, operand: object) -> None:
    _check_text(operator, operand)
    if re.search(r"(?<!\\)(?:\\\\)*\*\*", str(operand)):
        raise InvalidPattern(f"Consecutive wildcard characters at pos {str(operand).find('**')}")
    if re.search(r"\\(?![*\\])", re.sub(r"\\[*\\]", "", str(operand))):
        raise InvalidPattern(f"Invalid escape character at pos {str(operand).find(chr(92))}")


def _check_exists(operator: str, operand: object) -> None:
    if not isinstance(operand, bool):
        raise InvalidPattern("exists match pattern must be either true or false.")


def _check_cidr(operator: str, operand: object) -> None:
    _check_text(operator, operand)
    if _network(str(operand)) is None:
        raise InvalidPattern(f"Malformed CIDR, one '/' required: {operand}")


def _check_numeric(operator: str, operand: object) -> None:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise InvalidPattern("Invalid numeric match: an array of operators and numbers is wanted")
    for comparison, limit in zip(operand[::2], operand[1::2], strict=True):
        if not isinstance(comparison, str) or comparison not in _COMPARISONS:
            raise InvalidPattern(f"Unrecognized numeric range operator: {comparison}")
        if not _is_number(limit) or abs(limit) > _MAX_NUMBER:
            raise InvalidPattern(f"Value of {comparison} must be numeric")
    if len(operand) == 4:
        is_range = operand[0] in (">", ">=") and operand[2] in ("<", "<=")
        if not is_range or operand[1] >= operand[3]:
            raise InvalidPattern("Bottom must be less than top")


def _check_anything_but(operator: str, operand: object) -> None:
    if isinstance(operand, dict):
        if len(operand) != 1 or next(iter(operand)) not in _NEGATABLE:
            raise InvalidPattern(f"Unsupported anything-but pattern: {next(iter(operand), '')}")
        [(negated, texts)] = operand.items()
        for text in _listed(texts):
            _OPERATORS[negated][0](negated, text)
        return
    excluded = _listed(operand)
    are_texts = all(isinstance(value, str) for value in excluded)
    if not excluded or not (are_texts or all(_is_number(value) for value in excluded)):
        raise InvalidPattern(
            "Inside anything but list, either all values are number or string, "
            "mixed type is not supported"
        )


def _listed(operand: object) -> list[Any]:
    return operand if isinstance(operand, list) else [operand]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _starts(wanted: Any, value: object) -> bool:
    if not isinstance(value, str):
        return False
    if isinstance(wanted, dict):
        return value.lower().startswith(wanted["equals-ignore-case"].lower())
    return value.startswith(wanted)


def _ends(wanted: Any, value: object) -> bool:
    if not isinstance(value, str):
        return False
    if isinstance(wanted, dict):
        return value.lower().endswith(wanted["equals-ignore-case"].lower())
    return value.endswith(wanted)


def _equals_ignoring_case(wanted: str, value: object) -> bool:
    return isinstance(value, str) and value.lower() == wanted.lower()


def _is_like(wanted: str, value: object) -> bool:
    return isinstance(value, str) and _wildcard(wanted).fullmatch(value) is not None


def _is_in_range(wanted: list[Any], value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return all(_COMPARISONS[comparison](value, limit) for comparison, limit in pairs)


def _is_in_network(wanted: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    network = _network(wanted)
    return network is not None and address in network


def _is_anything_but(excluded: Any, value: object) -> bool:
    if isinstance(excluded, dict):
        [(negated, texts)] = excluded.items()
        return not any(_OPERATORS[negated][1](text, value) for text in _listed(texts))
    return not any(
        _equals(unwanted, value) or (_is_number(unwanted) and unwanted == value)
        for unwanted in _listed(excluded)
    )


@lru_cache(maxsize=1024)
def _wildcard(text: str) -> re.Pattern[str]:
    r"""`*` is any text; `\*` and `\\` stand for themselves."""
    parts = re.findall(r"\\[*\\]|[^*\\]+|\*", text)
    return wildcard_regex(
        ANY_TEXT if part == "*" else re.escape(part[-1] if part[0] == "\\" else part)
        for part in parts
    )


@lru_cache(maxsize=1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


_Check = Callable[[str, Any], None]
_OPERATORS: Final[Mapping[str, tuple[_Check, Callable[[Any, Any], bool]]]] = {
    "anything-but": (_check_anything_but, _is_anything_but),
    "cidr": (_check_cidr, _is_in_network),
    "equals-ignore-case": (_check_text, _equals_ignoring_case),
    "exists": (_check_exists, lambda wanted, value: bool(wanted)),
    "numeric": (_check_numeric, _is_in_range),
    "prefix": (_check_affix, _starts),
    "suffix": (_check_affix, _ends),
    "wildcard": (_check_wildcard, _is_like),
}
_NEGATABLE: Final = ("prefix", "suffix", "equals-ignore-case", "wildcard")
