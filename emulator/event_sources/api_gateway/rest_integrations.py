"""What a method of a REST API does: run a function, call an HTTP back end, or answer itself."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from emulator.aws.rest_api_snapshot import Integration
from emulator.event_sources.api_gateway.errors import GatewayError
from emulator.event_sources.api_gateway.function_uris import fill_in, function_arn, is_function
from emulator.event_sources.api_gateway.http_backend import (
    BackendFailed,
    BackendTookTooLong,
    HttpBackend,
)
from emulator.event_sources.api_gateway.integration_responses import choose, shape
from emulator.event_sources.api_gateway.rest_request import RestRequest
from emulator.event_sources.api_gateway.templates import Input, TemplateFailed, render
from emulator.event_sources.function_calls import FunctionCalls, NotAllowed, TookTooLong
from emulator.event_sources.http_messages import HttpAnswer
from emulator.event_sources.payload_v1 import build_event, matches_media_type, parse_response
from emulator.model import InvocationResult, LambdaError

_INVOCATION_TYPE: Final = "x-amz-invocation-type"
_TENANT_ID: Final = "x-amz-tenant-id"


class RestIntegrations:
    """Runs integrations. Any thread may call; every error is a GatewayError."""

    def __init__(self, calls: FunctionCalls, backend: HttpBackend) -> None:
        self._calls = calls
        self._backend = backend
        self._kinds: Mapping[str, Callable[[RestRequest, Integration], HttpAnswer]] = {
            "AWS_PROXY": self._function_proxy,
            "AWS": self._function,
            "MOCK": self._mock,
            "HTTP": self._http,
            "HTTP_PROXY": self._http_proxy,
        }

    def run(self, request: RestRequest) -> HttpAnswer:
        """The answer of the method's integration."""
        integration = request.method.integration
        if integration is None:
            raise GatewayError("API_CONFIGURATION_ERROR", cause="the method has no integration")
        if integration.kind.startswith("AWS") and not is_function(integration.uri):
            service = integration.uri.split(":")[4]
            raise GatewayError(
                "NOT_BUILT", f"integrations with {service} are not built in this emulator"
            )
        return self._kinds[integration.kind](request, integration)

    def _function_proxy(self, request: RestRequest, integration: Integration) -> HttpAnswer:
        types = request.stage.api.binary_media_types
        event = build_event(request.request, request.front, types)
        result = self._invoke(request, integration, event)
        if result.function_error:
            raise GatewayError("INTEGRATION_FAILURE", cause="the function failed")
        accept = request.request.headers.get("accept", "")
        answer = parse_response(result.payload, accept, types)
        if answer is None:
            cause = "the function's answer is no response of a proxy integration"
            raise GatewayError("INTEGRATION_FAILURE", cause=cause)
        return answer

    def _function(self, request: RestRequest, integration: Integration) -> HttpAnswer:
        payload = self._mapped_body(request, integration)
        kind = _header(request, integration, _INVOCATION_TYPE)
        if kind == "Event":
            self._accept(request, integration, payload)
            return shape(request, choose(integration.responses, ""), {}, b"")
        result = self._invoke(request, integration, payload)
        text = _error_text(result.payload) if result.function_error else ""
        response = choose(integration.responses, text)
        return shape(request, response, {}, result.payload)

    def _mock(self, request: RestRequest, integration: Integration) -> HttpAnswer:
        body = self._mapped_body(request, integration)
        try:
            status = json.loads(body)["statusCode"]
        except (ValueError, TypeError, KeyError) as error:
            cause = "the request template of a mock gives no statusCode"
            raise GatewayError("API_CONFIGURATION_ERROR", cause=cause) from error
        return shape(request, choose(integration.responses, str(status)), {}, b"")

    def _http(self, request: RestRequest, integration: Integration) -> HttpAnswer:
        body = self._mapped_body(request, integration)
        media_type = {"Content-Type": request.request.media_type or "application/json"}
        answer = self._send(request, integration, query={}, headers=media_type, body=body)
        response = choose(integration.responses, str(answer.status))
        return shape(request, response, dict(answer.headers), answer.body)

    def _http_proxy(self, request: RestRequest, integration: Integration) -> HttpAnswer:
        source = request.request
        query = dict(parse_qsl(source.query, keep_blank_values=True))
        headers = dict(source.end_to_end_headers)
        return self._send(request, integration, query=query, headers=headers, body=source.body)

    def _send(
        self,
        request: RestRequest,
        integration: Integration,
        *,
        query: dict[str, str],
        headers: dict[str, str],
        body: bytes,
    ) -> HttpAnswer:
        url = fill_in(integration.uri, request.stage.variables)
        for target, expression in integration.request_parameters.items():
            value = request.value_of(expression)
            place, _, name = target.removeprefix("integration.request.").partition(".")
            if value is None:
                continue
            if place == "path":
                url = url.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
            elif place == "querystring":
                query[name] = value
            else:
                headers[name.lower()] = value
        method = integration.http_method
        method = request.request.method if method in ("ANY", "") else method
        try:
            return self._backend.send(
                method,
                url,
                query=list(query.items()),
                headers=headers,
                body=body,
                timeout_s=integration.timeout_s,
            )
        except BackendTookTooLong as error:
            raise GatewayError("INTEGRATION_TIMEOUT", cause=str(error)) from error
        except BackendFailed as error:
            raise GatewayError("INTEGRATION_FAILURE", cause=str(error)) from error

    def _invoke(
        self, request: RestRequest, integration: Integration, event: Any
    ) -> InvocationResult:
        try:
            return self._calls.run(
                function_arn(integration.uri, request.stage.variables),
                event,
                source_arn=request.source_arn,
                account=request.front.account,
                timeout_s=integration.timeout_s,
                trace=request.request.headers.get("x-amzn-trace-id"),
                tenant_id=_header(request, integration, _TENANT_ID),
            )
        except TookTooLong as error:
            raise GatewayError("INTEGRATION_TIMEOUT", cause=f"{error}: no answer yet") from error
        except (NotAllowed, LambdaError) as error:
            raise _refused(error) from error

    def _accept(self, request: RestRequest, integration: Integration, event: bytes) -> None:
        try:
            self._calls.accept(
                function_arn(integration.uri, request.stage.variables),
                event,
                source_arn=request.source_arn,
                account=request.front.account,
                trace=request.request.headers.get("x-amzn-trace-id"),
                tenant_id=_header(request, integration, _TENANT_ID),
            )
        except (NotAllowed, LambdaError) as error:
            raise _refused(error) from error

    def _mapped_body(self, request: RestRequest, integration: Integration) -> bytes:
        """The body by the template for its type; as it is where passthrough lets it."""
        media_type = request.request.media_type or "application/json"
        template = integration.request_templates.get(media_type)
        body = _text_body(request, integration)
        if template is None:
            never = integration.passthrough == "NEVER"
            has_others = bool(integration.request_templates)
            if never or (has_others and integration.passthrough == "WHEN_NO_TEMPLATES"):
                raise GatewayError("UNSUPPORTED_MEDIA_TYPE")
            return body.encode()
        given = Input(body, request.parameters())
        try:
            text = render(template, given, request.context(), request.stage.variables)
        except TemplateFailed as error:
            raise GatewayError(
                "API_CONFIGURATION_ERROR", cause=f"request template: {error}"
            ) from error
        return text.encode()


def _header(request: RestRequest, integration: Integration, name: str) -> str | None:
    """What the method maps to a header of the call to Lambda."""
    for target, expression in integration.request_parameters.items():
        if target.lower() == f"integration.request.header.{name}":
            return request.value_of(expression)
    return None


def _text_body(request: RestRequest, integration: Integration) -> str:
    body, types = request.request.body, request.stage.api.binary_media_types
    is_binary = matches_media_type(request.request.media_type, types)
    if is_binary and integration.content_handling == "CONVERT_TO_TEXT":
        body = base64.b64encode(body)
    return body.decode(errors="replace")


def _refused(error: Exception) -> GatewayError:
    is_throttled = isinstance(error, LambdaError) and error.fault.status == 429
    kind = "INTEGRATION_FAILURE" if is_throttled else "API_CONFIGURATION_ERROR"
    return GatewayError(kind, cause=str(error))


def _error_text(payload: bytes) -> str:
    try:
        return str(json.loads(payload).get("errorMessage", ""))
    except (ValueError, AttributeError):
        return ""
