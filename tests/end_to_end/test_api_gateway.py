"""API Gateway: boto3 makes an API, a plain HTTP client calls it, a function's event is compared."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets import exceptions as websocket_exceptions
from websockets.sync import client as websocket_client

from tests.end_to_end.project_folder import ProjectFolder
from tests.event_sources.api_gateway_lab import FUNCTION, HttpApi, RestApi, uri
from tests.running_emulator import RunningEmulator, running_emulator

ECHO = """
import json
def handler(event, context):
    return {
        "statusCode": 201,
        "headers": {"X-Mine": "yes"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": json.dumps(event),
    }
"""
BOUND = """
[[functions.bound.triggers]]
source = "http"
method = "POST"
path = "/bound/{id}"
"""
CHAT = """
import boto3, json
management = boto3.client("apigatewaymanagementapi")  # finds the emulator by itself
def handler(event, context):
    print(json.dumps(event))
    connection = event["requestContext"]["connectionId"]
    if event["requestContext"]["eventType"] == "MESSAGE":
        if event["body"] == "boom":
            raise ValueError("boom")
        management.post_to_connection(ConnectionId=connection, Data=json.dumps(event).encode())
    return {"statusCode": 200}
"""
SLOW = """
import time
def handler(event, context):
    print("slow begins")
    time.sleep(0.5)
    print("slow ends")
    return {"statusCode": 200}
"""
FAILS = """
def handler(event, context):
    raise ValueError("boom")
"""
AUTH = """
def handler(event, context):
    effect = "Allow" if event["authorizationToken"] == "yes" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": "me",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"tenant": "t1", "level": 3},
    }
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    sources = {"echo": ECHO, "chat": CHAT, "slow": SLOW, "fails": FAILS, "auth": AUTH}
    for name, source in sources.items():
        folder.add(name, source, "timeout_s = 30")
    folder.add("guarded", ECHO)
    folder.add("bound", ECHO, BOUND)
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def rest(emulator: RunningEmulator) -> RestApi:
    """An API that runs each function at `/NAME`, deployed to `dev`."""
    api = RestApi(emulator.client("apigateway"), binaryMediaTypes=["image/png"])
    authorizer = api.client.create_authorizer(
        restApiId=api.id,
        name="auth",
        type="TOKEN",
        authorizerUri=uri("auth"),
        identitySource="method.request.header.Authorization",
    )
    api.proxy("/echo/{id}", "echo", "ANY")
    api.proxy("/slow", "slow", integration={"timeoutInMillis": 100})
    api.proxy("/fails", "fails")
    api.proxy("/guarded/{proxy+}", "guarded")
    api.proxy("/secret", "echo", authorizationType="CUSTOM", authorizerId=authorizer["id"])
    api.deploy("dev", variables={"mode": "test"})
    return api


@pytest.fixture
def call(emulator: RunningEmulator) -> Callable[..., tuple[http.client.HTTPResponse, bytes]]:
    """Send a request; returns the answer and its body."""

    def send(
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        address = urlsplit(emulator.endpoint).netloc
        with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer, answer.read()

    return send


Caller = Callable[..., tuple[http.client.HTTPResponse, bytes]]


def test_a_rest_api_sends_the_event_of_payload_1(
    rest: RestApi, call: Caller, emulator: RunningEmulator
) -> None:
    domain = f"{rest.id}.execute-api.us-east-1.amazonaws.com"
    answer, body = call(
        "/dev/echo/a%20b?x=1&x=2&y=%26",
        "POST",
        b'{"a": 1}',
        {"Host": domain, "Content-Type": "application/json", "User-Agent": "me/1"},
    )
    event = json.loads(body)
    context = event.pop("requestContext")
    trace = event["headers"]["X-Amzn-Trace-Id"]
    port = str(urlsplit(emulator.endpoint).port)
    headers = {
        "Host": domain,
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": "me/1",
        "X-Amzn-Trace-Id": trace,
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Port": port,
        "X-Forwarded-Proto": "http",
    }
    assert event == {
        "resource": "/echo/{id}",
        "path": "/echo/a%20b",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [text] for name, text in headers.items()},
        "queryStringParameters": {"x": "2", "y": "&"},
        "multiValueQueryStringParameters": {"x": ["1", "2"], "y": ["&"]},
        "pathParameters": {"id": "a b"},
        "stageVariables": {"mode": "test"},
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }
    (deployment,) = rest.client.get_deployments(restApiId=rest.id)["items"]
    changing = ("extendedRequestId", "requestId", "requestTime", "requestTimeEpoch")
    seen = {name: context.pop(name) for name in changing}
    assert context == {
        "accountId": "000000000000",
        "apiId": rest.id,
        "deploymentId": deployment["id"],
        "domainName": domain,
        "domainPrefix": rest.id,
        "httpMethod": "POST",
        "identity": {
            **dict.fromkeys(
                (
                    *("accessKey", "accountId", "caller", "cognitoAuthenticationProvider"),
                    *("cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId"),
                    *("principalOrgId", "user", "userArn"),
                )
            ),
            "sourceIp": "127.0.0.1",
            "userAgent": "me/1",
        },
        "path": "/dev/echo/a%20b",
        "protocol": "HTTP/1.1",
        "resourceId": rest.resources["/echo/{id}"],
        "resourcePath": "/echo/{id}",
        "stage": "dev",
    }
    assert answer.status == 201
    assert answer.headers["x-amzn-RequestId"] == seen["requestId"]
    assert answer.headers["x-amz-apigw-id"] == seen["extendedRequestId"]
    assert (answer.headers["X-Mine"], answer.headers["Content-Type"]) == ("yes", "application/json")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_what_a_request_lacks_is_null(rest: RestApi, call: Caller) -> None:
    event = json.loads(call(f"/restapis/{rest.id}/dev/_user_request_/echo/7")[1])
    empty = ("queryStringParameters", "multiValueQueryStringParameters", "body")
    assert {event[name] for name in empty} == {None}
    assert event["path"] == "/echo/7"


def test_a_failing_function_is_a_bad_gateway(rest: RestApi, call: Caller) -> None:
    answer, body = call(f"/_aws/execute-api/{rest.id}/dev/fails")
    assert (answer.status, json.loads(body)) == (502, {"message": "Internal server error"})
    assert answer.headers["x-amzn-ErrorType"] == "InternalServerErrorException"


def test_a_slow_function_times_out_for_its_client_and_runs_on(
    rest: RestApi, call: Caller, emulator: RunningEmulator
) -> None:
    answer, body = call(f"/_aws/execute-api/{rest.id}/dev/slow")
    assert (answer.status, json.loads(body)) == (504, {"message": "Endpoint request timed out"})
    emulator.settle()
    (record,) = emulator.invocations("slow")
    assert "slow ends" in record["log"]
    assert (record["status"], record["source"]) == ("success", "apigateway")


def test_an_authorizer_lets_in_and_keeps_out(rest: RestApi, call: Caller) -> None:
    path = f"/_aws/execute-api/{rest.id}/dev/secret"
    answer, body = call(path, headers={"Authorization": "yes"})
    assert answer.status == 201
    authorizer = json.loads(body)["requestContext"]["authorizer"]
    assert authorizer == {"principalId": "me", "tenant": "t1", "level": "3"}
    assert call(path, headers={"Authorization": "no"})[0].status == 403
    assert call(path)[0].status == 401


def test_a_functions_policy_has_to_name_the_method(
    rest: RestApi, call: Caller, emulator: RunningEmulator
) -> None:
    functions = emulator.client("lambda")
    arn = f"arn:aws:execute-api:us-east-1:000000000000:{rest.id}"
    path = f"/_aws/execute-api/{rest.id}/dev/guarded/x"

    def permit(statement: str, source_arn: str) -> None:
        functions.add_permission(
            FunctionName=f"{FUNCTION}guarded",
            StatementId=statement,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=source_arn,
        )

    permit("other", f"{arn}/*/POST/guarded/*")
    answer, body = call(path)
    assert (answer.status, json.loads(body)) == (500, {"message": "Internal server error"})
    permit("this", f"{arn}/*/GET/guarded/*")
    assert call(path)[0].status == 201


def test_an_http_api_sends_the_event_of_payload_2(call: Caller, emulator: RunningEmulator) -> None:
    api = HttpApi(emulator.client("apigatewayv2"))
    api.route("POST /orders/{id}", "echo")
    domain = f"{api.id}.execute-api.us-east-1.amazonaws.com"
    answer, body = call(
        "/orders/a%20b?x=1&x=2",
        "POST",
        b'{"a": 1}',
        {
            "Host": domain,
            "Content-Type": "application/json",
            "User-Agent": "me/1",
            "Cookie": "a=1; b=2",
        },
    )
    event = json.loads(body)
    context = event["requestContext"]
    changing = {name: context.pop(name) for name in ("requestId", "time", "timeEpoch")}
    trace = event["headers"].pop("x-amzn-trace-id")
    assert event == {
        "version": "2.0",
        "routeKey": "POST /orders/{id}",
        "rawPath": "/orders/a%20b",
        "rawQueryString": "x=1&x=2",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": domain,
            "accept-encoding": "identity",
            "content-type": "application/json",
            "content-length": "8",
            "user-agent": "me/1",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": str(urlsplit(emulator.endpoint).port),
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"x": "1,2"},
        "pathParameters": {"id": "a b"},
        "stageVariables": {"mode": "test"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": api.id,
            "domainName": domain,
            "domainPrefix": api.id,
            "http": {
                "method": "POST",
                "path": "/orders/a%20b",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "me/1",
            },
            "routeKey": "POST /orders/{id}",
            "stage": "$default",
        },
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }
    assert trace.startswith("Root=1-")
    assert answer.status == 201
    assert answer.headers["apigw-requestid"] == changing["requestId"]


def test_a_trigger_of_the_project_is_a_route_of_its_api(
    call: Caller, emulator: RunningEmulator
) -> None:
    answer, body = call("/_aws/execute-api/project/bound/7", "POST")
    event = json.loads(body)
    assert (answer.status, event["routeKey"]) == (201, "POST /bound/{id}")
    assert event["pathParameters"] == {"id": "7"}
    assert "POST /bound/{id}" in emulator.output  # the table at the start
    assert f"project  {emulator.endpoint}/_aws/execute-api/project\n" in emulator.output


def test_a_failing_function_of_an_http_api_is_an_internal_server_error(
    call: Caller, emulator: RunningEmulator
) -> None:
    api = HttpApi(emulator.client("apigatewayv2"))
    api.route("GET /fails", "fails")
    answer, body = call(f"{api.base}/fails")
    assert (answer.status, json.loads(body)) == (500, {"message": "Internal Server Error"})


def test_a_page_of_another_site_is_let_in_by_the_apis_cors_rules_only(
    call: Caller, emulator: RunningEmulator
) -> None:
    rules = {"AllowOrigins": ["https://app.example"]}
    api = HttpApi(emulator.client("apigatewayv2"), CorsConfiguration=rules)
    api.route("GET /echo", "echo")
    answer, _ = call(f"{api.base}/echo", headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert call(f"{api.base}/echo", headers={"Origin": "https://evil.example"})[0].status == 403


def test_a_websocket_client_talks_to_a_function_which_talks_back(
    emulator: RunningEmulator,
) -> None:
    apis = emulator.client("apigatewayv2")
    made = apis.create_api(
        Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    api_id = made["ApiId"]
    integration = apis.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=uri("chat")
    )
    for key in ("$connect", "$default", "$disconnect"):
        target = f"integrations/{integration['IntegrationId']}"
        apis.create_route(ApiId=api_id, RouteKey=key, Target=target)
    deployment = apis.create_deployment(ApiId=api_id)
    apis.create_stage(ApiId=api_id, StageName="dev", DeploymentId=deployment["DeploymentId"])
    port = made["ApiEndpoint"].rpartition(":")[2]
    assert made["ApiEndpoint"] == f"ws://{api_id}.execute-api.localhost:{port}"
    url = f"ws://127.0.0.1:{port}/_aws/execute-api/{api_id}/dev"
    connect: Any = websocket_client.connect
    with connect(url, user_agent_header="me/1") as client:
        client.send("hello")
        event = json.loads(client.recv(10))
        client.send("boom")
        failed = json.loads(client.recv(10))
    # The goodbye may still be in the socket, where settle does not see it.
    emulator.wait_for_output('"eventType": "DISCONNECT"')
    emulator.settle()
    context = event["requestContext"]
    changing = ("messageId", "extendedRequestId", "requestId", "requestTime", "requestTimeEpoch")
    assert all(context.pop(name) for name in (*changing, "connectedAt"))
    assert event == {
        "requestContext": {
            "routeKey": "$default",
            "eventType": "MESSAGE",
            "messageDirection": "IN",
            "stage": "dev",
            "identity": {"userAgent": "me/1", "sourceIp": "127.0.0.1"},
            "domainName": f"{api_id}.execute-api.localhost:{urlsplit(emulator.endpoint).port}",
            "connectionId": context["connectionId"],
            "apiId": api_id,
        },
        "body": "hello",
        "isBase64Encoded": False,
    }
    assert (failed["message"], failed["connectionId"]) == (
        "Internal server error",
        context["connectionId"],
    )
    kinds = [
        record["event"]["requestContext"]["eventType"] for record in emulator.invocations("chat")
    ]
    assert kinds == ["DISCONNECT", "MESSAGE", "MESSAGE", "CONNECT"]
    with (
        pytest.raises(websocket_exceptions.InvalidStatus),
        connect(url, origin="https://evil.example"),
    ):
        pass
    emulator.wait_for_output(f"apigateway.refused api={api_id} route=$default")


def test_a_load_balancer_sends_its_event(call: Caller, emulator: RunningEmulator) -> None:
    elb, ec2 = emulator.client("elbv2"), emulator.client("ec2")
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
    (balancer,) = elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"]

    def group(function: str) -> dict[str, Any]:
        (made,) = elb.create_target_group(Name=function, TargetType="lambda")["TargetGroups"]
        arn = made["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": FUNCTION + function}])
        return {"Type": "forward", "TargetGroupArn": arn}

    echo = group("echo")
    (listener,) = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[echo]
    )["Listeners"]
    elb.create_rule(
        ListenerArn=listener["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/fails"]}],
        Actions=[group("fails")],
    )
    host = balancer["DNSName"]
    headers = {"Host": host, "Content-Type": "text/plain", "User-Agent": "me/1"}
    answer, body = call("/a%20b?x=%26", "POST", b"hi", headers)
    event = json.loads(body)
    trace = event["headers"].pop("x-amzn-trace-id")
    assert event == {
        "requestContext": {"elb": {"targetGroupArn": echo["TargetGroupArn"]}},
        "httpMethod": "POST",
        "path": "/a%20b",
        "queryStringParameters": {"x": "%26"},
        "headers": {
            "host": host,
            "accept-encoding": "identity",
            "content-length": "2",
            "content-type": "text/plain",
            "user-agent": "me/1",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "80",
            "x-forwarded-proto": "http",
        },
        "body": "hi",
        "isBase64Encoded": False,
    }
    assert trace.startswith("Root=1-")
    assert (answer.status, answer.headers["X-Mine"]) == (201, "yes")
    assert call("/fails", headers=headers)[0].status == 502
    emulator.wait_for_output("elb.refused balancer=web path=/fails")
