"""The URL that a project's file gives a function."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace

from emulator.control.names import Target
from emulator.model import LATEST
from emulator.model.function_url import FunctionUrl


def declared_urls(
    where: Target, urls: Mapping[str, FunctionUrl], wanted: FunctionUrl | None, now_s: float
) -> dict[str, FunctionUrl]:
    """A function's URLs with the declared one, or without the one declared before.

    Its id is always the same for the same function, so addresses in bookmarks and scripts last.
    """
    current = urls.get(LATEST)
    was_declared = current is not None and current.is_declared
    others = {key: url for key, url in urls.items() if key != LATEST or not was_declared}
    if wanted is None:
        return others
    created_at = current.created_at if current and was_declared else now_s
    url_id = _url_id(where)
    made = replace(wanted, url_id=url_id, created_at=created_at, modified_at=now_s)
    return {**others, LATEST: made}


def _url_id(where: Target) -> str:
    digest = hashlib.sha256(where.arn.encode()).digest()
    return base64.b32encode(digest[:20]).decode().lower()
