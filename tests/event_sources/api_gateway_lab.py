"""APIs made through boto3, and a client that calls them through a real server."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any
from wsgiref.types import WSGIApplication

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.api_gateway.front import ApiGateway
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


@pytest.fixture(scope="module")
def gateway(surroundings: Surroundings) -> Iterator[ApiGateway]:
    gateway = ApiGateway(surroundings)
    yield gateway
    gateway.stop(1)


@pytest.fixture(scope="module")
def running(gateway: ApiGateway) -> Iterator[HttpClient]:
    with served(gateway.wsgi) as call:
        yield call


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


class HttpApi:
    """Makes an HTTP API, route by route, with a stage that deploys itself."""

    def __init__(self, client: Any, stage: str = "$default", **options: Any) -> None:
        self.client = client
        made = client.create_api(Name="api", ProtocolType="HTTP", **options)
        self.id: str = made["ApiId"]
        self.stage = stage
        variables = {"mode": "test"}
        client.create_stage(
            ApiId=self.id, StageName=stage, AutoDeploy=True, StageVariables=variables
        )

    @property
    def base(self) -> str:
        """The path under which it answers."""
        named = "" if self.stage == "$default" else f"/{self.stage}"
        return f"/_aws/execute-api/{self.id}{named}"

    def integration(self, function: str, **options: Any) -> str:
        """Make an integration with a function; returns a route's target."""
        defaults = {
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": FUNCTION + function,
            "PayloadFormatVersion": "2.0",
        }
        made = self.client.create_integration(ApiId=self.id, **(defaults | options))
        return f"integrations/{made['IntegrationId']}"

    def route(self, key: str, function: str = "f", **options: Any) -> None:
        """Make a route that runs a function."""
        target = options.pop("Target", None) or self.integration(
            function, **options.pop("integration", {})
        )
        self.client.create_route(ApiId=self.id, RouteKey=key, Target=target, **options)


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


def sign_in(cognito: Any) -> tuple[str, str, str]:
    """Make a user pool, an application and a user; returns their ids and an identity token."""
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="me", TemporaryPassword="Passw0rd!")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username="me", Password="Passw0rd!", Permanent=True
    )
    result = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=app,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "me", "PASSWORD": "Passw0rd!"},
    )["AuthenticationResult"]
    return pool, app, result["IdToken"]
