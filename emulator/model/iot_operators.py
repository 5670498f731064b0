"""Operators of IoT SQL on values of JSON and `UNDEFINED`. Source: AWS IoT SQL reference, operators.

What an operator is not defined for is UNDEFINED, and so is what is made of that.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.model.iot_functions import UNDEFINED, number, text

_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def negate(value: Any) -> Any:
    """Minus a number."""
    found = number(value)
    return UNDEFINED if found is None else -found


def invert(value: Any) -> Any:
    """NOT."""
    found = _boolean(value)
    return UNDEFINED if found is None else not found


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return None


def _both(left: Any, right: Any) -> Any:
    first, second = _boolean(left), _boolean(right)
    return UNDEFINED if first is None or second is None else first and second


def _either(left: Any, right: Any) -> Any:
    first, second = _boolean(left), _boolean(right)
    return UNDEFINED if first is None or second is None else first or second


def _equals(left: Any, right: Any) -> Any:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if isinstance(left, bool) != isinstance(right, bool):
        return False  # to Python, true is 1
    return left == right


def _differs(left: Any, right: Any) -> Any:
    found = _equals(left, right)
    return found if found is UNDEFINED else not found


def _ordered(sign: str) -> Callable[[Any, Any], Any]:
    compare = _ORDER[sign]

    def apply(left: Any, right: Any) -> Any:
        if isinstance(left, str) and isinstance(right, str):
            return compare(left, right)
        first, second = number(left), number(right)
        return UNDEFINED if first is None or second is None else compare(first, second)

    return apply


def _plus(left: Any, right: Any) -> Any:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if isinstance(left, str) or isinstance(right, str):
        return text(left) + text(right)
    return _arithmetic(operator.add)(left, right)


def _arithmetic(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        first, second = number(left), number(right)
        if first is None or second is None:
            return UNDEFINED
        try:
            return compute(first, second)
        except (ZeroDivisionError, OverflowError):
            return UNDEFINED

    return apply


def _divided(left: Any, right: Any) -> Any:
    """A whole number where it is one."""
    exact = left / right
    return (
        int(exact) if isinstance(left, int) and isinstance(right, int) and exact % 1 == 0 else exact
    )


BINARY: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "OR": _either,
    "AND": _both,
    "=": _equals,
    "<>": _differs,
    "!=": _differs,
    **{sign: _ordered(sign) for sign in _ORDER},
    "+": _plus,
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(_divided),
    "%": _arithmetic(operator.mod),
}
