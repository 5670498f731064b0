"""API Gateway: which API a request is for, and its answer."""

from collections.abc import Iterable
from typing import Final
from wsgiref.types import StartResponse, WSGIEnvironment

from typing_extensions import override

from emulator.event_sources.api_gateway.addresses import ANY_API, Address, address_of
from emulator.event_sources.api_gateway.http_api import HttpApiGateway
from emulator.event_sources.api_gateway.http_backend import HttpBackend
from emulator.event_sources.api_gateway.jwt_tokens import IssuerKeys
from emulator.event_sources.api_gateway.project_api import Apis
from emulator.event_sources.api_gateway.rest_api import LIMIT_BYTES, RestApiGateway
from emulator.event_sources.api_gateway.route_authorizers import RouteAuthorizers
from emulator.event_sources.api_gateway.websocket_api import WebSocketGateway
from emulator.event_sources.api_gateway.websocket_management import connection_of, manage
from emulator.event_sources.api_gateway.websocket_server import WebSocketServer
from emulator.event_sources.function_calls import FunctionCalls
from emulator.event_sources.http_messages import (
    HttpAnswer,
    HttpRequest,
    json_answer,
    read_request,
    send,
)
from emulator.event_sources.source import EventSource, Surroundings
from emulator.invoke.identity import trace_header
from emulator.model.triggers import Trigger
from emulator.model.triggers.http import PROJECT_API, HttpTrigger

_BESIDE: Final = 10  # from the main port to that of WebSocket clients: 4576
_PRINCIPAL: Final = "apigateway.amazonaws.com"


class ApiGateway(EventSource):
    """Answers requests to APIs. It keeps no configuration: that lives in moto.

    Any thread may call; a request is answered on its own thread.
    """

    trigger = HttpTrigger

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._calls = FunctionCalls(around, "apigateway", _PRINCIPAL, trusted=PROJECT_API)
        self._backend = HttpBackend()
        keys = IssuerKeys(self._backend, around.clock, around.endpoint_url)
        self._rest = RestApiGateway(
            around.moto.rest_apis, self._calls, self._backend, keys, around.clock, around.reporter
        )
        self._apis = Apis(around.moto.http_apis)
        self._http = HttpApiGateway(
            self._apis,
            self._calls,
            self._backend,
            RouteAuthorizers(self._calls, keys, around.clock),
            around.clock,
            around.reporter,
        )

        self._websockets = WebSocketGateway(around, self._calls, self._domain)
        self._listener = WebSocketServer(self._websockets, around.is_foreign)
        around.moto.addresses.open_websockets = self._open_websockets

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Add a route to the project's API."""
        assert isinstance(trigger, HttpTrigger)
        self._apis.add(trigger.summary, function_arn)

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take it away."""
        assert isinstance(trigger, HttpTrigger)
        self._apis.remove(trigger.summary, function_arn)

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
        """Forget what authorizers answered; end the connections of APIs that are gone."""
        self._apis.forget()
        self._websockets.reset()
        self._rest.forget()
        self._http.forget()

    @override
    def stop(self, grace_s: float) -> None:
        """End threads and connections."""
        self._listener.stop(grace_s)
        self._websockets.stop(grace_s)
        self._calls.stop(grace_s)
        self._backend.stop()

    def _answer(self, environ: WSGIEnvironment) -> HttpAnswer:
        address = address_of(environ["HTTP_HOST"], environ["PATH_INFO"])
        if address is None:
            # A client without an API in its address: a function that knows AWS_ENDPOINT_URL only.
            address = Address(api_id="", path=environ["PATH_INFO"])
        body = environ["wsgi.input"].read(LIMIT_BYTES + 1)
        trace = trace_header(environ.get("HTTP_X_AMZN_TRACE_ID"), self.around.clock.now())
        request = read_request(environ, address.path, body, trace)
        protocol = self._apis.protocol(address.api_id)
        if protocol == "HTTP":
            return self._http.answer(address.api_id, request)
        connection_id = connection_of(request.path)
        if connection_id is not None and (protocol == "WEBSOCKET" or not address.api_id):
            api_id = address.api_id or None
            return manage(self._websockets.connections, request, connection_id, api_id)
        if protocol == "WEBSOCKET":
            return self._elsewhere(address.api_id, request)
        return self._rest.answer(address.api_id, request)

    def _elsewhere(self, api_id: str, request: HttpRequest) -> HttpAnswer:
        """Send a WebSocket client to the port where it can connect."""
        if request.headers.get("sec-websocket-key") is None:
            return json_answer(403, {"message": "Missing Authentication Token"})
        host = request.headers.get("host", "").rpartition(":")[0] or "127.0.0.1"
        port = self._open_websockets()
        path = request.path if ".execute-api." in host else f"{ANY_API}{api_id}{request.path}"
        query = f"?{request.query}" if request.query else ""
        url = f"ws://{host}:{port}{path}{query}"
        message = f"WebSocket clients connect to {url}"
        return json_answer(307, {"message": message}, ("Location", url))

    def _open_websockets(self) -> int:
        addresses = self.around.moto.addresses
        return self._listener.open(addresses.host, addresses.port + _BESIDE)

    def _domain(self, api_id: str) -> str:
        return f"{api_id}.execute-api.localhost:{self.around.moto.addresses.port}"
