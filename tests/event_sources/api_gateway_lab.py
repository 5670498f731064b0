"""APIs made through boto3, and a client that calls them through a real server."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from wsgiref.types import WSGIApplication

from emulator.gateway import serve
from emulator.model import Call, InvocationResult
from tests.event_sources.conftest import answered

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:"


def uri(function: str) -> str:
    """What an integration or an authorizer names a function by."""
    path = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions"
    return f"{path}/{FUNCTION}{function}/invocations"


@dataclass
class Answer:
    """What a client got."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpClient:
    """Calls a server that runs a front end."""

    port: int

    def __call__(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with closing(connection):
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())


@contextmanager
def served(wsgi: WSGIApplication) -> Iterator[HttpClient]:
    """A real server for a front end."""
    server = serve(wsgi, "127.0.0.1", 0)
    yield HttpClient(server.port)
    server.stop(5)


class RestApi:
    """Makes a REST API, resource by resource."""

    def __init__(self, client: Any, **options: Any) -> None:
        self.client = client
        self.id: str = client.create_rest_api(name="api", **options)["id"]
        (root,) = client.get_resources(restApiId=self.id)["items"]
        self.resources: dict[str, str] = {"/": root["id"]}

    def resource(self, path: str) -> str:
        """The id of a resource, which is made where it is missing."""
        if path not in self.resources:
            parent, _, part = path.rpartition("/")
            made = self.client.create_resource(
                restApiId=self.id, parentId=self.resource(parent or "/"), pathPart=part
            )
            self.resources[path] = made["id"]
        return self.resources[path]

    def method(self, path: str, http_method: str = "GET", **options: Any) -> dict[str, Any]:
        """Make a method; returns what its integration's calls have to name."""
        where = {
            "restApiId": self.id,
            "resourceId": self.resource(path),
            "httpMethod": http_method,
        }
        self.client.put_method(**where, **({"authorizationType": "NONE"} | options))
        return where

    def proxy(self, path: str, function: str, http_method: str = "GET", **options: Any) -> None:
        """Make a method that runs a function."""
        integration = options.pop("integration", {})
        where = self.method(path, http_method, **options)
        self.client.put_integration(
            **where,
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=integration.pop("uri", uri(function)),
            **integration,
        )

    def custom(
        self,
        path: str,
        http_method: str,
        integration: dict[str, Any],
        *responses: dict[str, Any],
    ) -> None:
        """Make a method that is no proxy, with its integration's responses."""
        where = self.method(path, http_method)
        self.client.put_integration(**where, integrationHttpMethod="POST", **integration)
        for response in responses:
            self.client.put_integration_response(**where, **response)

    def deploy(self, stage: str = "dev", **options: Any) -> str:
        """Deploy to a stage; returns the path under which it answers."""
        self.client.create_deployment(restApiId=self.id, stageName=stage, **options)
        return f"/_aws/execute-api/{self.id}/{stage}"


def answers(make: Callable[[Any], Any]) -> Callable[[Call], InvocationResult]:
    """A function that answers with what `make` makes of its event; one that raises, fails."""

    def answer(call: Call) -> InvocationResult:
        try:
            return answered(json.dumps(make(json.loads(call.payload))).encode())
        except RuntimeError as error:
            document = {"errorMessage": str(error), "errorType": "RuntimeError"}
            return answered(json.dumps(document).encode(), "Unhandled")

    return answer


def says(body: Any, status: int = 200, **members: Any) -> dict[str, Any]:
    """The response of a proxy integration."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {"statusCode": status, "body": text, **members}
