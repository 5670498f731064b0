"""One request to a REST API, with the method it is for and the values it carries."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from emulator.aws.rest_api_snapshot import Method
from emulator.aws.rest_apis import RestStage
from emulator.event_sources.api_gateway.json_values import JsonObject, wrap
from emulator.event_sources.api_gateway.templates import find_in_json
from emulator.event_sources.http_messages import HttpRequest
from emulator.event_sources.payload_v1 import RestFront, build_context, grouped, named_headers


@dataclass(frozen=True, kw_only=True, slots=True)
class RestRequest:
    """A request, and all that is known of it before the integration runs."""

    request: HttpRequest
    stage: RestStage
    method: Method
    front: RestFront

    @property
    def source_arn(self) -> str:
        """What a function's policy has to allow: the method of the resource, not of the request."""
        return self._arn(self.method.http_method.replace("ANY", "*"), self.front.resource)

    @property
    def method_arn(self) -> str:
        """What an authorizer is asked about."""
        return self._arn(self.request.method, self.request.path)

    @property
    def query(self) -> dict[str, str]:
        """The last value of each parameter of the query string."""
        return dict(parse_qsl(self.request.query, keep_blank_values=True))

    def authorized(self, authorizer: Mapping[str, Any]) -> "RestRequest":
        """The request with what its authorizer said."""
        return replace(self, front=replace(self.front, authorizer=authorizer))

    def with_identity(self, **known: str | None) -> "RestRequest":
        """The request with more members of `requestContext.identity`."""
        return replace(self, front=replace(self.front, identity={**self.front.identity, **known}))

    def context(self) -> JsonObject:
        """`$context` of templates and parameter mappings."""
        context: JsonObject = wrap(build_context(self.request, self.front))
        context["requestOverride"] = JsonObject(
            header=JsonObject(), path=JsonObject(), querystring=JsonObject()
        )
        context["responseOverride"] = JsonObject(header=JsonObject())
        return context

    def parameters(self) -> Mapping[str, Mapping[str, str]]:
        """The request's parameters as `$input.params()` has them."""
        return {
            "path": self.front.path_variables,
            "querystring": self.query,
            "header": named_headers(self.request),
        }

    def value_of(self, expression: str) -> str | None:
        """What a mapping expression stands for; None: the request has no such thing.

        expression: `'text'`, `method.request.header.NAME` (querystring, path, multivalue…, body),
        `stageVariables.NAME` or `context.MEMBER`.
        """
        if expression.startswith("'"):
            return expression.strip("'")
        if expression.startswith("stageVariables."):
            return self.stage.variables.get(expression.partition(".")[2])
        if expression.startswith("context."):
            return context_value(self.context(), expression.removeprefix("context."))
        kind, _, name = expression.removeprefix("method.request.").partition(".")
        return self._request_value(kind, name)

    def _request_value(self, kind: str, name: str) -> str | None:
        request = self.request
        pairs = parse_qsl(request.query, keep_blank_values=True)
        if kind in ("header", "multivalueheader"):
            return request.headers.get(name.lower())
        if kind == "querystring":
            return dict(pairs).get(name)
        if kind == "multivaluequerystring":
            values = grouped(pairs).get(name)
            return ",".join(values) if values else None
        if kind == "path":
            return self.front.path_variables.get(name)
        if kind == "body":
            return body_value(request.body.decode(errors="replace"), name)
        return None

    def _arn(self, method: str, path: str) -> str:
        front = self.front
        where = f"arn:aws:execute-api:{front.region}:{front.account}"
        return f"{where}:{front.api_id}/{front.stage}/{method}{path}"


def context_value(context: Any, path: str) -> str | None:
    """A member of `$context` by its dotted name."""
    for name in path.split("."):
        if not isinstance(context, dict) or context.get(name) is None:
            return None
        context = context[name]
    return str(context)


def body_value(body: str, path: str) -> str | None:
    """What `….body` or `….body.JSONPATH` stands for."""
    if not path:
        return body
    found = find_in_json(body, path if path.startswith("$") else f"$.{path}")
    return None if found is None else str(found)
