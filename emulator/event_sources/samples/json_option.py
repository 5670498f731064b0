"""Options of samples that are given as JSON."""

import json
from typing import Any


def json_object(option: str, text: str) -> dict[str, Any]:
    """Read the object that an option gives; raises ValueError, which names the option."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{option} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{option} must be a JSON object, not {text}")
    return found
