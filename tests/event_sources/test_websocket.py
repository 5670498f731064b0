import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync import client as websocket_client

from emulator.event_sources import Surroundings
from emulator.event_sources.api_gateway.front import ApiGateway
from emulator.event_sources.api_gateway.websocket_events import select_route
from emulator.event_sources.api_gateway.websocket_management import connection_of
from emulator.event_sources.api_gateway.websocket_server import ClientWire
from tests.aws.conftest import Aws
from tests.event_sources.api_gateway_lab import FUNCTION, HttpClient, answers, served, uri
from tests.event_sources.conftest import FakeInvoker

connect: Any = websocket_client.connect  # its own types lack some
ACTION = "$request.body.action"
SUBPROTOCOL = "Sec-WebSocket-Protocol"
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=A/20261122/us-east-1/execute-api/x"}


@pytest.mark.parametrize(
    ("expression", "text", "key"),
    [
        (ACTION, '{"action": "join"}', "join"),
        ("${request.body.action}", '{"action": "join"}', "join"),
        ("$request.body.a.b", '{"a": {"b": "x"}}', "x"),
        (ACTION, '{"other": 1}', "$default"),
        (ACTION, '{"action": {"deep": 1}}', "$default"),
        (ACTION, "no JSON", "$default"),
        (ACTION, "[]", "$default"),
    ],
)
def test_a_message_names_its_route(expression: str, text: str, key: str) -> None:
    assert select_route(expression, text) == key


@pytest.mark.parametrize(
    ("path", "connection_id"),
    [
        ("/@connections/abc%3D", "abc="),
        ("/dev/@connections/abc=", "abc="),
        ("/a/b/@connections/abc", None),
        ("/dev/@connections/", None),
        ("/dev/x", None),
    ],
)
def test_a_path_names_a_connection(path: str, connection_id: str | None) -> None:
    assert connection_of(path) == connection_id


@pytest.fixture(scope="module")
def gateway(surroundings: Surroundings) -> Iterator[ApiGateway]:
    gateway = ApiGateway(surroundings)
    yield gateway
    gateway.stop(2)
    assert "websocket-listener" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture(scope="module")
def running(gateway: ApiGateway) -> Iterator[HttpClient]:
    with served(gateway.wsgi) as call:
        yield call


@dataclass
class Chat:
    """A WebSocket API and what its functions saw."""

    client: Any
    surroundings: Surroundings
    invoker: FakeInvoker
    http: HttpClient
    id: str = ""
    endpoint: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    answered: threading.Condition = field(default_factory=threading.Condition)
    replies: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)

    def make(self) -> None:
        made = self.client.create_api(
            Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression=ACTION
        )
        self.id, self.endpoint = made["ApiId"], made["ApiEndpoint"]
        self.client.create_stage(ApiId=self.id, StageName="dev", AutoDeploy=True)
        self.invoker.answer = answers(self._answer)

    def route(
        self, key: str, *, answers: bool = False, timeout_ms: int = 29_000, **options: Any
    ) -> None:
        """Make a route that runs a function."""
        integration = self.client.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=uri("f"),
            TimeoutInMillis=timeout_ms,
        )
        target = f"integrations/{integration['IntegrationId']}"
        made = self.client.create_route(ApiId=self.id, RouteKey=key, Target=target, **options)
        if answers:
            self.client.create_route_response(
                ApiId=self.id, RouteId=made["RouteId"], RouteResponseKey="$default"
            )

    def connect(self, query: str = "", **options: Any) -> Any:
        """A connected client."""
        port = self.endpoint.rpartition(":")[2]
        url = f"ws://127.0.0.1:{port}/_aws/execute-api/{self.id}/dev{query}"
        return connect(url, close_timeout=2, **options)

    def manage(
        self, method: str, connection_id: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Use `@connections`."""
        path = f"/_aws/execute-api/{self.id}/dev/@connections/{connection_id}"
        answer = self.http(path, method, body, SIGNED)
        return answer.status, answer.body

    def wait_for(self, event_type: str, count: int = 1) -> list[dict[str, Any]]:
        """The events of a type, once there are so many."""
        with self.answered:
            assert self.answered.wait_for(lambda: len(self.seen(event_type)) >= count, 5)
        self.settle()
        return self.seen(event_type)

    def settle(self) -> None:
        assert self.surroundings.activity.wait_idle(10) or not self.surroundings.activity.pending()

    def seen(self, event_type: str) -> list[dict[str, Any]]:
        """The events of a type so far."""
        return [e for e in self.events if e["requestContext"]["eventType"] == event_type]

    def _answer(self, event: dict[str, Any]) -> Any:
        with self.answered:
            self.events.append(event)
            self.answered.notify_all()
        key = "AUTHORIZER" if "methodArn" in event else event["requestContext"]["routeKey"]
        reply = self.replies.get(key)
        return reply(event) if reply else {"statusCode": 200}


@pytest.fixture
def chat(
    aws: Aws,
    invoker: FakeInvoker,
    gateway: ApiGateway,
    running: HttpClient,
    client: Callable[..., Any],
    surroundings: Surroundings,
) -> Chat:
    gateway.reset()
    chat = Chat(client("apigatewayv2"), surroundings, invoker, running)
    chat.make()
    return chat


def test_a_client_connects_speaks_and_goes(chat: Chat) -> None:
    for key in ("$connect", "join", "$default", "$disconnect"):
        chat.route(key)
    received = threading.Semaphore(0)
    chat.invoker.on_call = lambda _call: received.release()
    with chat.connect("?a=1", additional_headers={"X-Mine": "yes"}) as client:
        received.acquire(timeout=5)
        client.send('{"action": "join", "room": 1}')
        received.acquire(timeout=5)
        client.send("anything")
        received.acquire(timeout=5)
        client.close(1000, "bye")
    assert received.acquire(timeout=5)
    chat.settle()
    opened, joined, other, left = chat.events
    connection_id = opened["requestContext"]["connectionId"]
    assert {event["requestContext"]["connectionId"] for event in chat.events} == {connection_id}
    assert opened["headers"]["X-Mine"] == "yes"
    assert opened["queryStringParameters"] == {"a": "1"}
    keys = [event["requestContext"]["routeKey"] for event in chat.events]
    assert keys == ["$connect", "join", "$default", "$disconnect"]
    assert (joined["body"], other["body"]) == ('{"action": "join", "room": 1}', "anything")
    assert "headers" not in joined
    context = left["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1000, "bye")
    assert [call.source for call in chat.invoker.calls] == ["apigateway"] * 4


def test_the_answer_goes_back_only_by_a_route_response(chat: Chat) -> None:
    chat.route("echo", answers=True)
    chat.route("silent")
    for key in ("echo", "silent"):
        chat.replies[key] = lambda event: {"statusCode": 200, "body": f"got {event['body']}"}
    with chat.connect() as client:
        client.send('{"action": "silent"}')
        chat.wait_for("MESSAGE")
        client.send('{"action": "echo"}')
        assert client.recv(5) == 'got {"action": "echo"}'


def test_a_function_that_exceeds_its_routes_timeout_is_told(chat: Chat) -> None:
    release = threading.Event()

    def hold(event: Any) -> Any:
        assert release.wait(10)
        return {"statusCode": 200, "body": "too late"}

    chat.route("hold", answers=True, timeout_ms=50)
    chat.replies["hold"] = hold
    with chat.connect() as client:
        client.send('{"action": "hold"}')
        failed = json.loads(client.recv(5))
        release.set()
    assert failed["message"] == "Internal server error"


def test_a_message_without_route_and_a_failing_function_are_told(chat: Chat) -> None:
    def fail(event: Any) -> None:
        raise RuntimeError("boom")

    chat.route("fail")
    chat.replies["fail"] = fail
    with chat.connect() as client:
        client.send("hello")
        refused = json.loads(client.recv(5))
        client.send('{"action": "fail"}')
        failed = json.loads(client.recv(5))
    assert (refused["message"], failed["message"]) == ("Forbidden", "Internal server error")
    assert set(refused) == {"message", "connectionId", "requestId"}


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (lambda event: {"statusCode": 403}, 403),
        (lambda event: {"statusCode": 500}, 500),
        (lambda event: {"statusCode": 499}, 499),  # a status without a name
        (lambda event: {"statusCode": 200, "headers": {SUBPROTOCOL: "a\r\nX: y"}}, 502),
        (lambda event: "text", 502),
        (lambda event: 1 / 0 if event is None else _fail(), 502),
    ],
)
def test_connect_needs_a_2xx(chat: Chat, reply: Any, status: int) -> None:
    chat.route("$connect")
    chat.replies["$connect"] = reply
    with pytest.raises(InvalidStatus) as refused:
        chat.connect()
    assert refused.value.response.status_code == status


def _fail() -> None:
    raise RuntimeError("boom")


def test_connect_chooses_the_subprotocol(chat: Chat) -> None:
    chat.route("$connect")
    headers = {SUBPROTOCOL: "chat2"}
    chat.replies["$connect"] = lambda event: {"statusCode": 200, "headers": headers}
    with chat.connect(subprotocols=["chat1", "chat2"]) as client:
        assert client.subprotocol == "chat2"


def test_headers_that_are_none_choose_nothing(chat: Chat) -> None:
    chat.route("$connect")
    chat.replies["$connect"] = lambda event: {"statusCode": 200, "headers": ["x"]}
    with chat.connect() as client:
        assert client.subprotocol is None


def test_an_unknown_api_or_stage_is_forbidden(chat: Chat) -> None:
    port = chat.endpoint.rpartition(":")[2]
    for path in (f"/_aws/execute-api/{chat.id}/prod", "/_aws/execute-api/none/dev", "/"):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}{path}")
        assert refused.value.response.status_code == 403


def test_an_authorizer_decides_about_the_connection(chat: Chat) -> None:
    def decide(event: dict[str, Any]) -> Any:
        effect = "Allow" if event["queryStringParameters"]["token"] == "yes" else "Deny"
        statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return {"principalId": "me", "policyDocument": document, "context": {"n": 1}}

    authorizer = chat.client.create_authorizer(
        ApiId=chat.id,
        Name="auth",
        AuthorizerType="REQUEST",
        AuthorizerUri=uri("auth"),
        IdentitySource=["route.request.querystring.token"],
    )
    chat.route("$connect", AuthorizationType="CUSTOM", AuthorizerId=authorizer["AuthorizerId"])
    chat.route("$default")
    chat.replies["AUTHORIZER"] = decide
    for query, status in (("", 401), ("?token=no", 403)):
        with pytest.raises(InvalidStatus) as refused:
            chat.connect(query)
        assert refused.value.response.status_code == status
    with chat.connect("?token=yes") as client:
        client.send("hello")
        (message,) = chat.wait_for("MESSAGE")
    asked = [event for event in chat.events if "methodArn" in event]
    arn = f"arn:aws:execute-api:us-east-1:000000000000:{chat.id}/dev/$connect"
    assert (asked[0]["type"], asked[0]["methodArn"]) == ("REQUEST", arn)
    assert message["requestContext"]["authorizer"] == {"principalId": "me", "n": "1"}


def test_connections_sends_describes_and_ends(chat: Chat, client: Callable[..., Any]) -> None:
    chat.route("$connect")
    chat.route("$disconnect")
    url = f"http://127.0.0.1:{chat.http.port}/_aws/execute-api/{chat.id}/dev"
    management = client("apigatewaymanagementapi", url=url)
    with chat.connect() as browser:
        connection_id = chat.events[0]["requestContext"]["connectionId"]
        management.post_to_connection(ConnectionId=connection_id, Data=b"news")
        assert browser.recv(5) == "news"
        found = management.get_connection(ConnectionId=connection_id)
        assert found["Identity"]["SourceIp"] == "127.0.0.1"
        assert found["LastActiveAt"] >= found["ConnectedAt"]
        # without an API in the address, as a function that knows AWS_ENDPOINT_URL only
        bare = client("apigatewaymanagementapi", url=f"http://127.0.0.1:{chat.http.port}")
        bare.post_to_connection(ConnectionId=connection_id, Data=b"more")
        assert browser.recv(5) == "more"
        management.delete_connection(ConnectionId=connection_id)
        with pytest.raises(ConnectionClosed):
            browser.recv(5)
    chat.wait_for("DISCONNECT")
    with pytest.raises(management.exceptions.GoneException):
        management.post_to_connection(ConnectionId=connection_id, Data=b"late")
    path = f"/_aws/execute-api/{chat.id}/dev/@connections/{connection_id}"
    assert chat.http(path, "POST", b"x").status == 403  # not signed


def test_a_message_beyond_the_limit_is_refused_both_ways(chat: Chat) -> None:
    chat.route("$connect")
    with chat.connect() as browser:
        connection_id = chat.events[0]["requestContext"]["connectionId"]
        assert chat.manage("POST", connection_id, bytes(131_073))[0] == 413
        browser.send("x" * 32_769)
        with pytest.raises(ConnectionClosed) as closed:
            browser.recv(5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_an_idle_connection_ends_after_ten_minutes(chat: Chat) -> None:
    chat.route("$connect")
    chat.route("$disconnect")
    with chat.connect() as browser:
        connection_id = chat.events[0]["requestContext"]["connectionId"]
        for _ in range(3):
            chat.surroundings.clock.advance(590)
            assert chat.manage("POST", connection_id, b"ping")[0] == 200
            assert browser.recv(5) == "ping"
        assert chat.seen("DISCONNECT") == []
    with chat.connect() as idle:
        chat.surroundings.clock.advance(601)
        with pytest.raises(ConnectionClosed) as closed:
            idle.recv(5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    left = chat.wait_for("DISCONNECT", 2)
    assert left[-1]["requestContext"]["disconnectStatusCode"] == 1001


def test_a_goodbye_waits_until_the_client_is_welcomed() -> None:
    class Library:
        closed_with: int | None = None

        def close(self, code: int, _reason: str) -> None:
            self.closed_with = code

    library = Library()
    wire = ClientWire(library)
    closing = threading.Thread(target=wire.close, args=(1001, "reset"))
    closing.start()
    wire.opened()
    closing.join(5)
    assert library.closed_with == 1001


def test_two_hours_are_the_longest(chat: Chat) -> None:
    chat.route("$connect")
    with chat.connect() as browser:
        connection_id = chat.events[0]["requestContext"]["connectionId"]
        for _ in range(14):
            chat.surroundings.clock.advance(500)  # and real time goes on, too
            chat.manage("POST", connection_id, b"ping")
            browser.recv(5)
        chat.surroundings.clock.advance(200)
        with pytest.raises(ConnectionClosed):
            browser.recv(5)


def test_a_slow_message_delays_no_other(chat: Chat) -> None:
    chat.route("slow", answers=True)
    chat.route("quick", answers=True)
    may_end = threading.Event()
    chat.replies["slow"] = lambda event: may_end.wait(10) and {"statusCode": 200, "body": "slow"}
    chat.replies["quick"] = lambda event: {"statusCode": 200, "body": "quick"}
    with chat.connect() as client:
        client.send('{"action": "slow"}')
        client.send('{"action": "quick"}')
        assert client.recv(5) == "quick"
        may_end.set()
        assert client.recv(5) == "slow"


def test_the_main_port_sends_clients_to_the_other_one(chat: Chat) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", chat.http.port)
    connection.request(
        "GET",
        f"/_aws/execute-api/{chat.id}/dev?a=1",
        headers={"Sec-WebSocket-Key": "x", "Connection": "close"},
    )
    answer = connection.getresponse()
    port = chat.endpoint.rpartition(":")[2]
    location = f"ws://127.0.0.1:{port}/_aws/execute-api/{chat.id}/dev?a=1"
    assert (answer.status, answer.headers["Location"]) == (307, location)
    connection.close()


def test_a_stop_waits_for_no_client(
    surroundings: Surroundings, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = aws.moto.addresses
    monkeypatch.setattr(addresses, "open_websockets", addresses.open_websockets)  # put back after
    gateway = ApiGateway(surroundings)
    port = aws.moto.addresses.open_websockets()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HT")  # and no more
        began_s = time.monotonic()
        gateway.stop(8)
        assert time.monotonic() - began_s < 5


def test_functions_are_asked_by_their_arn(chat: Chat) -> None:
    chat.route("$connect")
    with chat.connect():
        pass
    assert chat.invoker.calls[0].function == f"{FUNCTION}f"
