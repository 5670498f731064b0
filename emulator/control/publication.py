"""What a version that is published is called: the next number, or `$LATEST.PUBLISHED`."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any


class Publication(Enum):
    """How a version is published."""

    NUMBERED = auto()
    LATEST = auto()  # in the place of `$LATEST.PUBLISHED`


def publication(request: Mapping[str, Any]) -> Publication | None:
    """What `Publish` and `PublishTo` of a request ask for; None: no version."""
    if "PublishTo" in request:
        return Publication.LATEST
    return Publication.NUMBERED if request.get("Publish") else None
