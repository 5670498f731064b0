"""One request to an HTTP API, with the route it takes and the values it carries."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from emulator.aws.http_api_snapshot import Route
from emulator.aws.http_apis import DEFAULT_STAGE, HttpStage
from emulator.event_sources import payload_v2
from emulator.event_sources.api_gateway.templates import find_in_json
from emulator.event_sources.http_messages import HttpRequest
from emulator.event_sources.payload_v1 import grouped_query


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteRequest:
    """A request, and all that is known of it before the integration runs."""

    request: HttpRequest  # its path begins with the stage, unless that is the default one
    stage: HttpStage
    route: Route
    path_variables: Mapping[str, str]
    request_id: str
    now_s: float
    authorizer: Mapping[str, Any] | None = None  # as events of payload 2.0 show it

    @property
    def path(self) -> str:
        """The path without the stage."""
        name = self.stage.name
        return self.request.path if name == DEFAULT_STAGE else self.request.path[len(name) + 1 :]

    @property
    def route_arn(self) -> str:
        """What a function's policy, or an authorizer's, has to allow."""
        method, _, template = self.route.key.partition(" ")
        tail = f"{method.replace('ANY', '*')}{template}" if template else method
        return f"{self.api_arn}/{self.stage.name}/{tail}"

    @property
    def api_arn(self) -> str:
        """The API, as source ARNs name it."""
        api = self.stage.api
        return f"arn:aws:execute-api:{api.region}:{api.account}:{api.id}"

    def authorized(self, authorizer: Mapping[str, Any]) -> "RouteRequest":
        """The request with what its authorizer said."""
        return replace(self, authorizer=authorizer)

    def front(self) -> payload_v2.Front:
        """What an event of payload 2.0 says about the API."""
        api = self.stage.api
        return payload_v2.Front(
            account=api.account,
            api_id=api.id,
            domain=f"{api.id}.execute-api.{api.region}.amazonaws.com",
            route_key=self.route.key,
            stage=self.stage.name,
            path_parameters=self.path_variables,
            stage_variables=self.stage.variables,
            authorizer=self.authorizer,
        )

    def event(self, version: str) -> dict[str, Any]:
        """The event a function gets, in payload version 1.0 or 2.0."""
        if version == "2.0":
            return payload_v2.build_event(
                self.request, self.front(), request_id=self.request_id, now_s=self.now_s
            )
        text = self.request.text()
        body = base64.b64encode(self.request.body).decode() if text is None else text
        return {
            "version": "1.0",
            **self.members_v1(),
            "requestContext": self.context_v1(),
            "body": body or None,
            "isBase64Encoded": text is None,
        }

    def members_v1(self) -> dict[str, Any]:
        """What payload 1.0 says about the request but its context and body."""
        headers = self.request.end_to_end_headers
        values = grouped_query(self.request.query)
        return {
            "resource": self.route.key.rpartition(" ")[2],
            "path": self.request.path,
            "httpMethod": self.request.method,
            "headers": headers,
            "multiValueHeaders": {name: [text] for name, text in headers.items()},
            "queryStringParameters": {name: texts[-1] for name, texts in values.items()} or None,
            "multiValueQueryStringParameters": values or None,
            "pathParameters": dict(self.path_variables) or None,
            "stageVariables": dict(self.stage.variables) or None,
        }

    def context_v1(self) -> dict[str, Any]:
        """The `requestContext` of payload 1.0."""
        api, request, front = self.stage.api, self.request, self.front()
        flat = dict(self.authorizer or {})
        return {
            "accountId": api.account,
            "apiId": api.id,
            "authorizer": flat.get("lambda", flat) or None,
            "domainName": front.domain,
            "domainPrefix": api.id,
            "extendedRequestId": self.request_id,
            "httpMethod": request.method,
            "identity": {
                **dict.fromkeys(
                    (
                        *("accessKey", "accountId", "caller", "cognitoAmr"),
                        *("cognitoAuthenticationProvider", "cognitoAuthenticationType"),
                        *("cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId"),
                        *("user", "userArn"),
                    )
                ),
                "sourceIp": request.source_ip,
                "userAgent": request.headers.get("user-agent", ""),
            },
            "path": request.path,
            "protocol": request.protocol,
            "requestId": self.request_id,
            "requestTime": payload_v2.clf_time(self.now_s),
            "requestTimeEpoch": int(self.now_s * 1000),
            "resourceId": self.route.key,
            "resourcePath": self.route.key.rpartition(" ")[2],
            "stage": self.stage.name,
        }

    def value_of(self, expression: str) -> str | None:
        """What `$request.header.x` and its like stand for; None: the request has no such thing."""
        kind, _, name = expression.removeprefix("$").partition(".")
        if kind == "stageVariables":
            return self.stage.variables.get(name)
        if kind == "context":
            return self._context_value(name)
        return self._request_value(*name.partition(".")[::2]) if kind == "request" else None

    def _request_value(self, kind: str, name: str) -> str | None:
        request = self.request
        if kind == "path" and not name:
            return self.path
        if kind == "header":
            return request.headers.get(name.lower())
        if kind == "querystring":
            return payload_v2.query_parameters(request.query).get(name)
        if kind == "path":
            return self.path_variables.get(name)
        if kind == "body":
            found = find_in_json(request.body.decode(errors="replace"), f"$.{name}")
            return None if found is None else str(found)
        return None

    def _context_value(self, path: str) -> str | None:
        event = payload_v2.build_event(
            self.request, self.front(), request_id=self.request_id, now_s=self.now_s
        )
        context: Any = event["requestContext"]
        known = {
            "identity": {"sourceIp": self.request.source_ip},
            "httpMethod": self.request.method,
            "path": self.request.path,
        }
        value: Any = {**known, **context}
        for name in path.split("."):
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return None if value is None else str(value)
