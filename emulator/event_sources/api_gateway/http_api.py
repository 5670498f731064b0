"""A request to an HTTP API, from its address to its answer."""

import uuid
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from emulator.aws.http_api_snapshot import RouteIntegration
from emulator.aws.http_apis import DEFAULT_STAGE, HttpStage
from emulator.event_sources import payload_v1, payload_v2
from emulator.event_sources.api_gateway import cors
from emulator.event_sources.api_gateway.addresses import split_stage
from emulator.event_sources.api_gateway.function_uris import function_arn
from emulator.event_sources.api_gateway.http_backend import (
    BackendFailed,
    BackendTookTooLong,
    HttpBackend,
)
from emulator.event_sources.api_gateway.project_api import Apis
from emulator.event_sources.api_gateway.route_authorizers import RouteAuthorizers
from emulator.event_sources.api_gateway.route_errors import RouteError
from emulator.event_sources.api_gateway.route_parameters import change_answer, change_request
from emulator.event_sources.api_gateway.route_request import RouteRequest
from emulator.event_sources.api_gateway.routes import choose
from emulator.event_sources.cors import is_preflight
from emulator.event_sources.function_calls import FunctionCalls, NotAllowed, TookTooLong
from emulator.event_sources.http_messages import HttpAnswer, HttpRequest
from emulator.model import Clock, LambdaError
from emulator.observe import Reporter

LIMIT_BYTES: Final = 10_485_760


class HttpApiGateway:
    """Answers requests to HTTP APIs. Any thread may call."""

    def __init__(
        self,
        apis: Apis,
        calls: FunctionCalls,
        backend: HttpBackend,
        authorizers: RouteAuthorizers,
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        self._apis = apis
        self._calls = calls
        self._backend = backend
        self._authorizers = authorizers
        self._clock = clock
        self._reporter = reporter

    def answer(self, api_id: str, request: HttpRequest) -> HttpAnswer:
        """Answer a request, whose path begins with a stage unless that is the default one."""
        request_id = str(uuid.uuid4())
        first, path = split_stage(request.path)
        stage = self._apis.stage(api_id, first, DEFAULT_STAGE)
        if stage is None:
            answer = self._refused(api_id, request, RouteError(404, "no stage of this name"))
        else:
            if stage.name == DEFAULT_STAGE and first != DEFAULT_STAGE:
                path = request.path
            elif first == DEFAULT_STAGE:
                request = replace(request, path=path)
            answer = self._answer_in(stage, request, path, request_id)
        return answer.with_headers(("apigw-requestid", request_id))

    def allows_origin(self, api_id: str, path: str, origin: str) -> bool:
        """Whether the CORS rules of an API let in pages of `origin`."""
        stage = self._apis.stage(api_id, split_stage(path)[0], DEFAULT_STAGE)
        rules = stage.api.cors if stage else None
        return rules is not None and cors.allows(rules, origin)

    def forget(self) -> None:
        """Forget what authorizers answered."""
        self._authorizers.forget()

    def _answer_in(
        self, stage: HttpStage, request: HttpRequest, path: str, request_id: str
    ) -> HttpAnswer:
        rules, origin = stage.api.cors, request.headers.get("origin", "")
        if rules is not None and is_preflight(request):
            return cors.preflight(rules, origin)
        try:
            answer = self._run(self._find(stage, request, path, request_id))
        except RouteError as error:
            answer = self._refused(stage.api.id, request, error)
        return cors.decorate(rules, origin, answer) if rules is not None and origin else answer

    def _find(
        self, stage: HttpStage, request: HttpRequest, path: str, request_id: str
    ) -> RouteRequest:
        if len(request.body) > LIMIT_BYTES:
            raise RouteError(413, f"the body has more than {LIMIT_BYTES} bytes")
        found = choose(stage.api.routes, request.method, path)
        if found is None:
            raise RouteError(404, "no such route")
        route, variables = found
        return RouteRequest(
            request=request,
            stage=stage,
            route=route,
            path_variables=variables,
            request_id=request_id,
            now_s=self._clock.now(),
        )

    def _run(self, request: RouteRequest) -> HttpAnswer:
        request = self._authorizers.authorize(request)
        integration = request.route.integration
        if integration is None:
            raise RouteError(500, "the route has no integration")
        if integration.subtype:
            message = f"{integration.subtype} integrations are not built in this emulator"
            raise RouteError(501, message, message=message)
        if integration.kind == "HTTP_PROXY":
            answer = self._forward(request, integration)
        else:
            answer = self._invoke(request, integration)
        return change_answer(answer, integration.response_parameters, request.value_of)

    def _invoke(self, request: RouteRequest, integration: RouteIntegration) -> HttpAnswer:
        changed = change_request(request.request, integration.request_parameters, request.value_of)
        event = replace(request, request=changed).event(integration.payload_version)
        try:
            result = self._calls.run(
                function_arn(integration.uri, request.stage.variables),
                event,
                source_arn=request.route_arn,
                account=request.stage.api.account,
                timeout_s=integration.timeout_s,
                trace=request.request.headers.get("x-amzn-trace-id"),
            )
        except TookTooLong as error:
            raise RouteError(503, f"{error}: no answer yet") from error
        except NotAllowed as error:
            raise RouteError(500, str(error)) from error
        except LambdaError as error:
            status = 503 if error.fault.status == 429 else 500
            raise RouteError(status, str(error)) from error
        if result.function_error:
            raise RouteError(500, "the function failed")
        if integration.payload_version == "2.0":
            answer = payload_v2.parse_response(result.payload)
        else:
            answer = payload_v1.parse_response(result.payload, "*/*", ["*/*"])
        if answer is None:
            raise RouteError(500, "the function's answer is no HTTP response")
        return answer

    def _forward(self, request: RouteRequest, integration: RouteIntegration) -> HttpAnswer:
        url = integration.uri
        for name, text in request.path_variables.items():
            url = url.replace(f"{{{name}}}", text).replace(f"{{{name}+}}", text)
        parameters = dict(integration.request_parameters)
        has_path = any(target.endswith(":path") for target in parameters)
        changed = change_request(request.request, parameters, request.value_of)
        method = changed.method if integration.method == "ANY" else integration.method
        try:
            return self._backend.send(
                method,
                url.rstrip("/") + changed.path if has_path else url,
                query=parse_qsl(changed.query, keep_blank_values=True),
                headers=changed.end_to_end_headers,
                body=changed.body,
                timeout_s=integration.timeout_s,
            )
        except (BackendFailed, BackendTookTooLong) as error:
            raise RouteError(503, str(error)) from error

    def _refused(self, api_id: str, request: HttpRequest, error: RouteError) -> HttpAnswer:
        self._reporter.event(
            "apigateway.refused",
            api=api_id,
            path=request.path,
            status=error.status,
            reason=str(error),
        )
        return error.answer()
