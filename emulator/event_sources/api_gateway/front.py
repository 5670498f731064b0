"""API Gateway: which API a request is for, and its answer."""

from collections.abc import Iterable
from typing import Final
from wsgiref.types import StartResponse, WSGIEnvironment

from typing_extensions import override

from emulator.event_sources.api_gateway.addresses import address_of
from emulator.event_sources.api_gateway.http_api import HttpApiGateway
from emulator.event_sources.api_gateway.http_backend import HttpBackend
from emulator.event_sources.api_gateway.jwt_tokens import IssuerKeys
from emulator.event_sources.api_gateway.rest_api import LIMIT_BYTES, RestApiGateway
from emulator.event_sources.api_gateway.route_authorizers import RouteAuthorizers
from emulator.event_sources.function_calls import FunctionCalls
from emulator.event_sources.http_messages import (
    HttpAnswer,
    json_answer,
    read_request,
    send,
)
from emulator.event_sources.source import EventSource, Surroundings
from emulator.invoke.identity import trace_header

_PRINCIPAL: Final = "apigateway.amazonaws.com"


class ApiGateway(EventSource):
    """Answers requests to APIs. It keeps no configuration: that lives in moto.

    Any thread may call; a request is answered on its own thread.
    """

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._calls = FunctionCalls(around, "apigateway", _PRINCIPAL)
        self._backend = HttpBackend()
        keys = IssuerKeys(self._backend, around.clock, around.endpoint_url)
        self._rest = RestApiGateway(
            around.moto.rest_apis, self._calls, self._backend, keys, around.clock, around.reporter
        )
        self._http = HttpApiGateway(
            around.moto.http_apis,
            self._calls,
            self._backend,
            RouteAuthorizers(self._calls, keys, around.clock),
            around.clock,
            around.reporter,
        )

    def allows_origin(self, environ: WSGIEnvironment, origin: str) -> bool:
        """Whether the CORS rules of the API that is asked let in pages of `origin`."""
        address = address_of(environ["HTTP_HOST"], environ["PATH_INFO"])
        return address is not None and self._http.allows_origin(
            address.api_id, address.path, origin
        )

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        return send(self._answer(environ), start_response)

    @override
    def reset(self) -> None:
        """Forget what authorizers answered."""
        self._rest.forget()
        self._http.forget()

    @override
    def stop(self, grace_s: float) -> None:
        """End threads and connections."""
        self._calls.stop(grace_s)
        self._backend.stop()

    def _answer(self, environ: WSGIEnvironment) -> HttpAnswer:
        address = address_of(environ["HTTP_HOST"], environ["PATH_INFO"])
        if address is None:
            return json_answer(404, {"message": "Not Found"})
        body = environ["wsgi.input"].read(LIMIT_BYTES + 1)
        trace = trace_header(environ.get("HTTP_X_AMZN_TRACE_ID"), self.around.clock.now())
        request = read_request(environ, address.path, body, trace)
        if self.around.moto.http_apis.protocol(address.api_id) == "HTTP":
            return self._http.answer(address.api_id, request)
        return self._rest.answer(address.api_id, request)
