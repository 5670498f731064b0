"""WebSocket APIs: what happens when a client connects, speaks and goes."""

import json
import re
import secrets
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emulator.aws.http_api_snapshot import Route
from emulator.aws.http_apis import HttpApis, HttpStage
from emulator.event_sources.api_gateway.addresses import split_stage
from emulator.event_sources.api_gateway.authorizer_answers import (
    InvalidAnswer,
    parse_policy_answer,
)
from emulator.event_sources.api_gateway.function_uris import function_arn
from emulator.event_sources.api_gateway.policy_document import InvalidPolicy, allows
from emulator.event_sources.api_gateway.websocket_connections import (
    GOING_AWAY,
    Connection,
    Connections,
    Wire,
)
from emulator.event_sources.api_gateway.websocket_events import (
    CONNECT,
    DEFAULT,
    DISCONNECT,
    Opening,
    authorizer_event,
    connect_event,
    disconnect_event,
    identity_value,
    message_event,
    select_route,
)
from emulator.event_sources.function_calls import FunctionCalls, NotAllowed, TookTooLong
from emulator.event_sources.http_messages import HttpRequest, compact
from emulator.event_sources.proxy_answers import parse_status
from emulator.event_sources.source import Surroundings
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import InvocationResult, LambdaError

_LONGEST_S: Final = 29.0
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # what a header may name (RFC 9110)
_MESSAGES: Final = "websocket messages"
_CLOSES: Final = "websocket closes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused(Exception):
    """The handshake is answered with a status instead of a connection."""

    status: int
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The handshake goes on."""

    opening: Opening
    subprotocol: str | None


class RouteFailed(Exception):
    """A route's integration gave no answer that can be used."""


class WebSocketGateway:
    """Runs the routes of WebSocket APIs. Any thread may call.

    Messages of one connection run at the same time, as they do in AWS: a slow function delays
    no other message.
    """

    def __init__(
        self, around: Surroundings, calls: FunctionCalls, domain: Callable[[str], str]
    ) -> None:
        """domain: from an API's id to the host name of its `@connections`."""
        self._around = around
        self._apis: HttpApis = around.moto.http_apis
        self._calls = calls
        self._domain = domain
        self._threads = RunnerThreads("websocket-message")
        self.connections = Connections(around.clock, around.alarms, self._expire)

    def connect(self, api_id: str, request: HttpRequest) -> Accepted:
        """Run `$connect` for a handshake, whose path begins with the stage. Raises Refused."""
        name, _ = split_stage(request.path)
        stage = self._apis.stage(api_id, name)
        if stage is None or stage.api.protocol != "WEBSOCKET":
            raise Refused(status=403, message="Forbidden")
        opening = Opening(
            stage=stage,
            connection_id=f"{secrets.token_urlsafe(11)}=",
            request=request,
            domain=self._domain(api_id),
            connected_s=self._around.clock.now(),
        )
        with self._around.activity.busy(_MESSAGES):
            route = _route(stage, CONNECT)
            if route is None:
                return Accepted(opening=opening, subprotocol=None)
            opening = self._authorize(opening, route)
            return Accepted(opening=opening, subprotocol=self._ask_to_connect(opening, route))

    def opened(self, opening: Opening, wire: Wire) -> None:
        """The handshake is done: messages may come."""
        self.connections.add(opening, wire)

    def received(self, connection_id: str, text: str) -> None:
        """A message came."""
        connection = self.connections.find(connection_id)
        if connection is None:
            return
        self.connections.touch(connection)
        self._around.activity.begin(_MESSAGES)
        self._threads.start(lambda: self._handle(connection, text))

    def closed(self, connection_id: str, code: int, reason: str) -> None:
        """The connection has ended: run `$disconnect`, whose answer is nobody's."""
        connection = self.connections.remove(connection_id)
        if connection is None:
            return
        with self._around.activity.busy(_MESSAGES):
            opening = self._now(connection.opening)
            route = _route(opening.stage, DISCONNECT) if opening else None
            if opening is None or route is None:
                return
            now_s = self._around.clock.now()
            event = disconnect_event(opening, code, reason, str(uuid.uuid4()), now_s)
            try:
                self._run(opening, route, event)
            except RouteFailed as error:
                self._tell(opening, DISCONNECT, error)

    def reset(self) -> None:
        """End all connections."""
        for connection in self.connections.all():
            self._expire(connection, "reset")

    def stop(self, grace_s: float) -> None:
        """End the threads that run messages."""
        self._threads.stop(grace_s)

    def _authorize(self, opening: Opening, route: Route) -> Opening:
        authorizer = route.authorizer
        if route.authorization == "NONE":
            return opening
        if route.authorization == "AWS_IAM":
            # Differs from API Gateway: the signature is asked for, not checked.
            if "AWS4-HMAC-SHA256" not in str(opening.request):
                raise Refused(status=403, message="Forbidden")
            return opening
        if authorizer is None:
            raise Refused(status=500, message="Internal server error")
        sources = authorizer.identity_source
        if not all(identity_value(opening, source) for source in sources):
            raise Refused(status=401, message="Unauthorized")
        event = authorizer_event(opening, str(uuid.uuid4()), self._around.clock.now())
        source_arn = f"{opening.api_arn}/authorizers/{authorizer.id}"
        try:
            result = self._call(opening, authorizer.uri, event, source_arn, _LONGEST_S)
            verdict = parse_policy_answer(result.payload)
            allowed = allows(verdict.policy, opening.route_arn(CONNECT))
        except (RouteFailed, InvalidAnswer, InvalidPolicy) as error:
            self._tell(opening, CONNECT, error)
            raise Refused(status=500, message="Internal server error") from error
        if not allowed:
            raise Refused(status=403, message="Forbidden")
        return replace(opening, authorizer={"principalId": verdict.principal, **verdict.context})

    def _ask_to_connect(self, opening: Opening, route: Route) -> str | None:
        """Run `$connect`'s integration; returns the subprotocol it chose. Raises Refused."""
        event = connect_event(opening, str(uuid.uuid4()), self._around.clock.now())
        try:
            answer = self._run(opening, route, event)
        except RouteFailed as error:
            self._tell(opening, CONNECT, error)
            raise Refused(status=502, message="Internal server error") from error
        status = parse_status(answer.get("statusCode"))
        if status is None:
            raise Refused(status=502, message="Internal server error")
        if not 200 <= status < 300:
            raise Refused(status=status, message=str(answer.get("body") or "Forbidden"))
        chosen = _subprotocol(answer)
        if chosen is not None and not _TOKEN.fullmatch(chosen):
            raise Refused(status=502, message="Internal server error")
        return chosen

    def _handle(self, connection: Connection, text: str) -> None:
        try:
            self._answer(connection, text)
        except ConnectionError:
            pass  # the client has gone; nobody waits for the answer
        except Exception:  # noqa: BLE001  # top of a job: the thread takes the next one
            self._around.reporter.event("apigateway.failed", traceback=traceback.format_exc())
        finally:
            self._around.activity.end(_MESSAGES)

    def _answer(self, connection: Connection, text: str) -> None:
        opening, request_id = self._now(connection.opening), str(uuid.uuid4())
        if opening is None:
            connection.wire.send(_error("Forbidden", connection, request_id))
            return
        key = select_route(opening.stage.api.route_selection, text)
        route = _route(opening.stage, key) if not key.startswith("$") else None
        route = route or _route(opening.stage, DEFAULT)
        if route is None:
            connection.wire.send(_error("Forbidden", connection, request_id))
            return
        event = message_event(
            opening,
            route.key,
            text,
            message_id=f"{secrets.token_urlsafe(11)}=",
            request_id=request_id,
            now_s=self._around.clock.now(),
        )
        try:
            answer = self._run(opening, route, event)
        except RouteFailed as error:
            self._tell(opening, route.key, error)
            connection.wire.send(_error("Internal server error", connection, request_id))
            return
        body = answer.get("body")
        if route.answers and isinstance(body, str) and body:
            connection.wire.send(body)
            self.connections.touch(connection)

    def _run(self, opening: Opening, route: Route, event: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a route's integration. Raises RouteFailed."""
        integration = route.integration
        if integration is None:
            raise RouteFailed("the route has no integration")
        if integration.kind == "MOCK":
            return {"statusCode": 200}
        if integration.kind != "AWS_PROXY":
            raise RouteFailed(
                f"{integration.kind} integrations of WebSocket APIs are not built in this emulator"
            )
        timeout_s = min(integration.timeout_s, _LONGEST_S)
        source_arn = opening.route_arn(route.key)
        result = self._call(opening, integration.uri, event, source_arn, timeout_s)
        try:
            answer = json.loads(result.payload)
        except ValueError as error:
            raise RouteFailed("the function's answer is no JSON") from error
        return answer if isinstance(answer, dict) else {}

    def _call(
        self,
        opening: Opening,
        uri: str,
        event: Mapping[str, Any],
        source_arn: str,
        timeout_s: float,
    ) -> InvocationResult:
        try:
            result = self._calls.run(
                function_arn(uri, opening.stage.variables),
                event,
                source_arn=source_arn,
                account=opening.stage.api.account,
                timeout_s=timeout_s,
                trace=None,
            )
        except (LambdaError, NotAllowed, TookTooLong) as error:
            raise RouteFailed(str(error)) from error
        if result.function_error:
            raise RouteFailed("the function failed")
        return result

    def _now(self, opening: Opening) -> Opening | None:
        """The opening with the routes its stage has by now; None: the stage is gone."""
        stage = self._apis.stage(opening.stage.api.id, opening.stage.name)
        return None if stage is None else replace(opening, stage=stage)

    def _expire(self, connection: Connection, reason: str) -> None:
        self._around.activity.begin(_CLOSES)

        def close() -> None:
            try:
                connection.wire.close(GOING_AWAY, reason)
                self.closed(connection.opening.connection_id, GOING_AWAY, reason)
            finally:
                self._around.activity.end(_CLOSES)

        self._threads.start(close)

    def _tell(self, opening: Opening, route_key: str, error: Exception) -> None:
        self._around.reporter.event(
            "apigateway.refused",
            api=opening.stage.api.id,
            route=route_key,
            connection=opening.connection_id,
            reason=str(error),
        )


def _route(stage: HttpStage, key: str) -> Route | None:
    return next((route for route in stage.api.routes if route.key == key), None)


def _subprotocol(answer: Mapping[str, Any]) -> str | None:
    headers = answer.get("headers")
    named = headers.items() if isinstance(headers, dict) else ()
    chosen = {str(name).lower(): text for name, text in named}.get("sec-websocket-protocol")
    return chosen if isinstance(chosen, str) else None


def _error(message: str, connection: Connection, request_id: str) -> str:
    return compact(
        {
            "message": message,
            "connectionId": connection.opening.connection_id,
            "requestId": request_id,
        }
    )
