"""Mapping templates in the Velocity Template Language, with API Gateway's variables.

Source: API Gateway Developer Guide, mapping template and access logging variable reference.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from emulator.event_sources.api_gateway.json_values import JsonObject, to_json, wrap

_ESCAPES: Final = {  # of Java's StringEscapeUtils.escapeJavaScript
    '"': '\\"',
    "'": "\\'",
    "\\": "\\\\",
    "/": "\\/",
    "\b": "\\b",
    "\n": "\\n",
    "\t": "\\t",
    "\f": "\\f",
    "\r": "\\r",
}
# A name of Python's own behind a dot: it leads out of the template, and nothing of AWS's has it.
_INSIDE_PYTHON: Final = re.compile(r"[.\[]\s*['\"]?_")


class TemplateFailed(Exception):
    """A template is no Velocity, or uses what it was not given."""


class Input:
    """`$input`: a body, and the request's parameters."""

    def __init__(self, body: str, parameters: Mapping[str, Mapping[str, str]]) -> None:
        """parameters: by `path`, `querystring` and `header`, searched in this order."""
        self.body = body
        self._parameters = parameters

    def json(self, path: str) -> str:
        """The JSON text of what a JSONPath finds."""
        found = self._find(path)
        return '""' if found is None else to_json(found)

    def path(self, path: str) -> Any:
        """What a JSONPath finds; "" for nothing."""
        found = self._find(path)
        return "" if found is None else found

    def params(self, name: str | None = None) -> Any:
        """One parameter by name, "" for none; without a name all of them."""
        if name is None:
            return wrap({kind: dict(values) for kind, values in self._parameters.items()})
        for kind, values in self._parameters.items():
            for given, text in values.items():
                if given == name or (kind == "header" and given.lower() == name.lower()):
                    return text
        return ""

    def _find(self, path: str) -> Any:
        return find_in_json(self.body, path)


class Util:
    """`$util`."""

    def escapeJavaScript(self, text: Any) -> str:  # AWS's names, here and below
        """Quote a text for a JavaScript string."""
        return "".join(_ESCAPES.get(char) or _as_ascii(char) for char in str(text))

    def parseJson(self, text: str) -> Any:
        """Make an object of a JSON text."""
        return wrap(json.loads(text))

    def urlEncode(self, text: Any) -> str:
        """Encode as a form does."""
        return quote_plus(str(text))

    def urlDecode(self, text: Any) -> str:
        """Decode what a form encoded."""
        return unquote_plus(str(text))

    def base64Encode(self, text: Any) -> str:
        """Encode in base64."""
        return base64.b64encode(str(text).encode()).decode()

    def base64Decode(self, text: Any) -> str:
        """Decode base64."""
        return base64.b64decode(str(text)).decode()


def render(template: str, given: Input, context: JsonObject, variables: Mapping[str, str]) -> str:
    """Fill in a template.

    context: `$context`, which the template may change (`$context.responseOverride.status`).
    variables: `$stageVariables`. Raises TemplateFailed.
    """
    import airspeed  # late: few APIs have templates

    if _INSIDE_PYTHON.search(template):
        raise TemplateFailed("a name that begins with _ behind a dot is not built in this emulator")
    namespace = {
        "input": given,
        "util": Util(),
        "context": context,
        "stageVariables": wrap(dict(variables)),
    }
    try:
        return str(airspeed.Template(template).merge(namespace))
    except Exception as error:  # a template may fail in any way
        raise TemplateFailed(str(error.__cause__ or error)) from error


def find_in_json(body: str, path: str) -> Any:
    """What a JSONPath finds in a JSON text, wrapped; None: nothing, or the text is no JSON."""
    if path in ("$", "$."):
        return _parse(body)
    from jsonpath_ng.ext.parser import parse  # late, as above; moto brings it

    document = _parse(body)
    if not isinstance(document, dict | list):
        return None
    found = [match.value for match in parse(path).find(document)]
    is_definite = not any(mark in path for mark in ("*", "..", "?", ":", ","))
    if is_definite:
        return found[0] if found else None
    return wrap(found)


def _parse(body: str) -> Any:
    if not body:
        return JsonObject()
    try:
        return wrap(json.loads(body))
    except ValueError:
        return body


def _as_ascii(char: str) -> str:
    return char if " " <= char <= "~" else f"\\u{ord(char):04X}"
