"""A request to a REST API, from its address to its answer."""

import json
import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.aws.rest_api_snapshot import GatewayResponse, Method, Resource
from emulator.aws.rest_apis import RestApis, RestStage
from emulator.event_sources.api_gateway.addresses import split_stage
from emulator.event_sources.api_gateway.errors import GatewayError
from emulator.event_sources.api_gateway.http_backend import HttpBackend
from emulator.event_sources.api_gateway.json_values import JsonObject
from emulator.event_sources.api_gateway.jwt_tokens import IssuerKeys
from emulator.event_sources.api_gateway.paths import best_match
from emulator.event_sources.api_gateway.rest_authorizers import RestAuthorizers
from emulator.event_sources.api_gateway.rest_integrations import RestIntegrations
from emulator.event_sources.api_gateway.rest_request import RestRequest
from emulator.event_sources.api_gateway.templates import Input, TemplateFailed, render
from emulator.event_sources.function_calls import FunctionCalls
from emulator.event_sources.http_messages import HttpAnswer, HttpRequest
from emulator.event_sources.payload_v1 import RestFront
from emulator.model import Clock
from emulator.observe import Reporter

LIMIT_BYTES: Final = 10_485_760
_RESPONSE_HEADER: Final = "gatewayresponse.header."


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ids:
    request: str
    extended: str


class RestApiGateway:
    """Answers requests to REST APIs. Any thread may call."""

    def __init__(
        self,
        apis: RestApis,
        calls: FunctionCalls,
        backend: HttpBackend,
        keys: IssuerKeys,
        clock: Clock,
        reporter: Reporter,
    ) -> None:
        self._apis = apis
        self._clock = clock
        self._reporter = reporter
        self._authorizers = RestAuthorizers(calls, apis, keys, clock)
        self._integrations = RestIntegrations(calls, backend)

    def answer(self, api_id: str, request: HttpRequest) -> HttpAnswer:
        """Answer a request, whose path begins with a stage."""
        ids = _Ids(request=str(uuid.uuid4()), extended=f"{secrets.token_urlsafe(11)}=")
        name, path = split_stage(request.path)
        stage = self._apis.stage(api_id, name)
        if stage is None:
            error = GatewayError("FORBIDDEN", cause=f"nothing is deployed to stage {name!r}")
            self._tell(api_id, request.path, error)
            answer = error.answer()
        else:
            answer = self._answer(stage, replace(request, path=path), ids)
        trace = request.headers.get("x-amzn-trace-id", "")
        return answer.with_headers(
            ("x-amzn-RequestId", ids.request),
            ("x-amz-apigw-id", ids.extended),
            ("X-Amzn-Trace-Id", trace),
        )

    def forget(self) -> None:
        """Forget what authorizers answered."""
        self._authorizers.forget()

    def _answer(self, stage: RestStage, request: HttpRequest, ids: _Ids) -> HttpAnswer:
        found = None
        try:
            if len(request.body) > LIMIT_BYTES:
                raise GatewayError("REQUEST_TOO_LARGE")
            found = self._find(stage, request, ids)
            found = self._authorizers.authorize(found)
            check_request(found)
            return self._integrations.run(found)
        except GatewayError as error:
            self._tell(stage.api.id, request.path, error)
            return word(error, stage, found)

    def _find(self, stage: RestStage, request: HttpRequest, ids: _Ids) -> RestRequest:
        resources = {resource.path: resource for resource in stage.api.resources}
        match = best_match(resources, request.path)
        method = _method(resources[match.template], request.method) if match else None
        if match is None or method is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN", cause="no such resource or method")
        api, resource = stage.api, resources[match.template]
        front = RestFront(
            account=api.account,
            api_id=api.id,
            region=api.region,
            deployment_id=stage.deployment_id,
            stage=stage.name,
            resource_id=resource.id,
            resource=resource.path,
            path_variables=match.variables,
            stage_variables=stage.variables,
            request_id=ids.request,
            extended_request_id=ids.extended,
            now_s=self._clock.now(),
            identity={},
        )
        return RestRequest(request=request, stage=stage, method=method, front=front)

    def _tell(self, api_id: str, path: str, error: GatewayError) -> None:
        self._reporter.event(
            "apigateway.refused",
            api=api_id,
            path=path,
            status=error.fault.status,
            reason=str(error),
        )


def check_request(request: RestRequest) -> None:
    """Check parameters and body as the method's validator asks. Raises GatewayError."""
    missing = [name for name in request.method.required_parameters if not request.value_of(name)]
    if missing:
        names = ", ".join(name.rpartition(".")[2] for name in missing)
        raise GatewayError(
            "BAD_REQUEST_PARAMETERS", f"Missing required request parameters: [{names}]"
        )
    schema = request.method.body_schemas.get(request.request.media_type or "application/json")
    if schema and not _fits(request.request.body, json.loads(schema)):
        raise GatewayError("BAD_REQUEST_BODY")


def word(error: GatewayError, stage: RestStage, request: RestRequest | None) -> HttpAnswer:
    """The error as the API words it: by a gateway response of its own, else API Gateway's."""
    answer, own = error.answer(), stage.api.gateway_responses
    group = "DEFAULT_4XX" if error.fault.status < 500 else "DEFAULT_5XX"
    made = own.get(error.kind) or own.get(group)
    if made is None:
        return answer
    headers = dict(answer.headers)
    for target, expression in made.parameters.items():
        value = request.value_of(expression) if request else expression.strip("'")
        if target.startswith(_RESPONSE_HEADER) and value is not None:
            headers[target.removeprefix(_RESPONSE_HEADER)] = value
    body = _worded(error, made, stage, request) if made.templates else answer.body
    return HttpAnswer(
        status=made.status or answer.status, headers=tuple(headers.items()), body=body
    )


def _worded(
    error: GatewayError, made: GatewayResponse, stage: RestStage, request: RestRequest | None
) -> bytes:
    template = made.templates.get("application/json") or next(iter(made.templates.values()))
    context: JsonObject = request.context() if request else JsonObject()
    text = error.message or ""
    context["error"] = JsonObject(
        message=text, messageString=json.dumps(text), responseType=error.kind
    )
    given = Input("", request.parameters() if request else {})
    try:
        return render(template, given, context, stage.variables).encode()
    except TemplateFailed:
        return error.answer().body


def _method(resource: Resource, http_method: str) -> Method | None:
    return resource.methods.get(http_method) or resource.methods.get("ANY")


def _fits(body: bytes, schema: Any) -> bool:
    from jsonschema import Draft4Validator, exceptions  # late: moto brings it, few APIs need it

    try:
        document = json.loads(body)
        return bool(Draft4Validator(schema).is_valid(document))
    except (ValueError, exceptions.SchemaError):
        return False
