"""How a back end's answer becomes the client's, where the integration is no proxy."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Final

from emulator.aws.rest_api_snapshot import IntegrationResponse
from emulator.event_sources.api_gateway.errors import GatewayError
from emulator.event_sources.api_gateway.rest_request import RestRequest, body_value
from emulator.event_sources.api_gateway.templates import Input, TemplateFailed, render
from emulator.event_sources.http_messages import HttpAnswer

_HEADER: Final = "method.response.header."
_FROM_HEADER: Final = "integration.response.header."
_FROM_BODY: Final = "integration.response.body"


def choose(responses: Iterable[IntegrationResponse], text: str) -> IntegrationResponse:
    """The response whose pattern matches all of `text`, else the one without a pattern.

    text: the error message of a function that failed ("" of one that did not), the status of
    an HTTP back end or a mock. Raises GatewayError when none fits.
    """
    default = None
    for response in responses:
        if response.selection_pattern is None:
            default = default or response
        elif text and re.fullmatch(response.selection_pattern, text):
            return response
    if default is None:
        cause = f"no integration response fits {text!r}"
        raise GatewayError("API_CONFIGURATION_ERROR", cause=cause)
    return default


def shape(
    request: RestRequest, response: IntegrationResponse, headers: Mapping[str, str], body: bytes
) -> HttpAnswer:
    """Make the client's answer of the back end's headers and body."""
    text = body.decode(errors="replace")
    status, made = response.status, {}
    for target, expression in response.parameters.items():
        value = _value(request, expression, headers, text)
        if target.startswith(_HEADER) and value is not None:
            made[target.removeprefix(_HEADER)] = value
    if response.templates:
        media_type = _media_type(headers, response.templates)
        context = request.context()
        try:
            given = Input(text, request.parameters())
            template = response.templates[media_type]
            text = render(template, given, context, request.stage.variables) if template else text
        except TemplateFailed as error:
            cause = f"response template: {error}"
            raise GatewayError("API_CONFIGURATION_ERROR", cause=cause) from error
        overrides = context["responseOverride"]
        status = int(overrides.get("status", status))
        made |= {name: str(value) for name, value in overrides["header"].items()}
        body = text.encode()
    else:
        media_type = "application/json"
    if response.content_handling == "CONVERT_TO_BINARY":
        body = _decoded(body)
    if all(name.lower() != "content-type" for name in made):
        made["Content-Type"] = media_type
    return HttpAnswer(status=status, headers=tuple(made.items()), body=body)


def _media_type(headers: Mapping[str, str], templates: Mapping[str, str]) -> str:
    """The type whose template is used: the back end's, else JSON, else the first there is."""
    named = {name.lower(): text for name, text in headers.items()}.get("content-type", "")
    for media_type in (named.partition(";")[0].strip().lower(), "application/json"):
        if media_type in templates:
            return media_type
    return next(iter(templates))


def _value(
    request: RestRequest, expression: str, headers: Mapping[str, str], body: str
) -> str | None:
    if expression.startswith(_FROM_HEADER):
        wanted = expression.removeprefix(_FROM_HEADER).lower()
        return next((text for name, text in headers.items() if name.lower() == wanted), None)
    if expression.startswith(_FROM_BODY):
        return body_value(body, expression.removeprefix(_FROM_BODY).removeprefix("."))
    return request.value_of(expression)


def _decoded(body: bytes) -> bytes:
    try:
        return base64.b64decode(body.strip().strip(b'"'), validate=True)
    except binascii.Error as error:
        cause = "CONVERT_TO_BINARY: the body is no base64"
        raise GatewayError("API_CONFIGURATION_ERROR", cause=cause) from error
