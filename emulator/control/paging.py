"""Pages of a list: `Marker` in, `NextMarker` out."""

import base64
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from emulator.control.violations import invalid

T = TypeVar("T")


def page(
    request: Mapping[str, Any],
    items: Iterable[T],
    key: Callable[[T], str],
    limit: int,
    *,
    descends: bool = False,
) -> tuple[list[T], dict[str, str]]:
    """The page a request asks for, and the answer's member `NextMarker` where more follow.

    items: in the order of `key`, which is unique. Items may come and go between two pages.
    limit: the most that one page may have. descends: the order is from the largest key down.
    """
    after = last_shown(request)
    behind = operator.lt if descends else operator.gt
    rest = [item for item in items if after is None or behind(key(item), after)]
    size = min(request.get("MaxItems") or limit, limit)
    if len(rest) <= size:
        return rest, {}
    return rest[:size], {"NextMarker": _encoded(key(rest[size - 1]))}


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def last_shown(request: Mapping[str, Any]) -> str | None:
    """The key of the last item of the page before; None: the request asks for the first page."""
    marker = request.get("Marker")
    if not marker:
        return None
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise invalid(f"The marker {marker} is not one that a list has returned.") from None
