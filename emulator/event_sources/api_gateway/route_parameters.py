"""Parameter mapping of HTTP APIs: changes of a request, and of an answer by its status.

Source: API Gateway Developer Guide, transform API requests and responses for HTTP APIs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from emulator.event_sources.api_gateway.templates import find_in_json
from emulator.event_sources.http_messages import HttpAnswer, HttpRequest

_VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")

Lookup = Callable[[str], str | None]


def change_request(
    request: HttpRequest, parameters: Mapping[str, str], value_of: Lookup
) -> HttpRequest:
    """The request as the integration gets it."""
    headers = dict(request.headers)
    pairs = parse_qsl(request.query, keep_blank_values=True)
    path, has_new_query = request.path, False
    for target, expression in parameters.items():
        action, _, place = target.partition(":")
        kind, _, name = place.partition(".")
        value = evaluate(expression, value_of)
        if kind == "header":
            _change(headers, action, name.lower(), value)
        elif kind == "querystring":
            has_new_query = True
            pairs = _change_pairs(pairs, action, name, value)
        elif kind == "path" and value is not None:
            path = value if value.startswith("/") else f"/{value}"
    query = urlencode(pairs) if has_new_query else request.query
    return replace(request, headers=headers, query=query, path=path)


def change_answer(
    answer: HttpAnswer, by_status: Mapping[str, Mapping[str, str]], value_of: Lookup
) -> HttpAnswer:
    """The answer as the client gets it."""
    headers, status = list(answer.headers), answer.status

    def look_up(expression: str) -> str | None:
        return _answer_value(answer, expression) or value_of(expression)

    for target, expression in by_status.get(str(answer.status), {}).items():
        action, _, place = target.partition(":")
        name = place.removeprefix("header.")
        value = evaluate(expression, look_up)
        if place == "statuscode":
            status = int(value) if value and value.isdecimal() else status
            continue
        if action in ("overwrite", "remove"):
            headers = [one for one in headers if one[0].lower() != name.lower()]
        if action != "remove" and value is not None:
            headers.append((name, value))
    return replace(answer, status=status, headers=tuple(headers))


def evaluate(expression: str, value_of: Lookup) -> str | None:
    """A mapping value: a variable, or a text with variables in `${…}`."""
    if expression.startswith("$") and not expression.startswith("${"):
        return value_of(expression)
    return _VARIABLE.sub(lambda found: value_of(f"${found[1]}") or "", expression)


def _answer_value(answer: HttpAnswer, expression: str) -> str | None:
    kind, _, name = expression.removeprefix("$response.").partition(".")
    if not expression.startswith("$response."):
        return None
    if kind == "header":
        return {given.lower(): text for given, text in answer.headers}.get(name.lower())
    found = find_in_json(answer.body.decode(errors="replace"), f"$.{name}")
    return None if found is None else str(found)


def _change(values: dict[str, str], action: str, name: str, value: str | None) -> None:
    if action == "remove":
        values.pop(name, None)
    elif value is not None:
        has_one = action == "append" and name in values
        values[name] = f"{values[name]},{value}" if has_one else value


def _change_pairs(
    pairs: list[tuple[str, str]], action: str, name: str, value: str | None
) -> list[tuple[str, str]]:
    if action != "append":
        pairs = [pair for pair in pairs if pair[0] != name]
    return pairs if action == "remove" or value is None else [*pairs, (name, value)]
