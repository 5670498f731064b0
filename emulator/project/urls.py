"""`[functions.NAME.url]`: the function's URL."""

from typing import Final

from emulator.model.function_url import (
    AUTH_TYPES,
    BUFFERED,
    INVOKE_MODES,
    NO_AUTH,
    FunctionUrl,
    UrlCors,
)
from emulator.project.table import Table

_METHODS: Final = ("*", "DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_ENTRIES: Final = 100
_MAX_AGE_S: Final = 86_400


def read_url(function: Table) -> FunctionUrl | None:
    """Read the URL of a function's table; None: it has none. Whoever deploys it gives it its id."""
    if "url" not in function:
        return None
    table = function.table("url")
    auth_type = table.option("auth_type", AUTH_TYPES, "an auth type of function URLs", NO_AUTH)
    mode = table.option("invoke_mode", INVOKE_MODES, "an invoke mode of function URLs", BUFFERED)
    cors = _read_cors(table.table("cors")) if "cors" in table else None
    table.finish()
    return FunctionUrl(
        url_id="", auth_type=auth_type, invoke_mode=mode, cors=cors, is_declared=True
    )


def _read_cors(table: Table) -> UrlCors:
    cors = UrlCors(
        allow_credentials=table.boolean("allow_credentials"),
        allow_headers=_texts(table, "allow_headers"),
        allow_methods=_methods(table),
        allow_origins=_texts(table, "allow_origins"),
        expose_headers=_texts(table, "expose_headers"),
        max_age_s=_max_age_s(table),
    )
    table.finish()
    return cors


def _texts(table: Table, key: str) -> tuple[str, ...] | None:
    if key not in table:
        return None
    found = table.texts(key)
    if len(found) > _ENTRIES:
        table.problem(key, f"has {len(found)} entries; {_ENTRIES} are allowed")
    return tuple(text for _, text in found)


def _methods(table: Table) -> tuple[str, ...] | None:
    if "allow_methods" not in table:
        return None
    found = table.texts("allow_methods")
    for key, text in found:
        if text not in _METHODS:
            table.problem(key, f'"{text}" is none of {", ".join(_METHODS)}')
    return tuple(text for _, text in found)


def _max_age_s(table: Table) -> int | None:
    if "max_age_s" not in table:
        return None
    return table.integer("max_age_s", 0, low=0, high=_MAX_AGE_S)
