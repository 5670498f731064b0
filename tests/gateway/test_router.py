import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import boto3
import botocore.session
import pytest
from botocore.config import Config

from emulator.aws.routing import scope_of
from emulator.gateway import Hosts, Router, Server
from emulator.model.steps import Pause, Steps


def named(name: str) -> WSGIApplication:
    def wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        where = f"{environ.get('emulator.account')} {environ.get('emulator.region')}"
        return [f"{name} {where}".encode()]

    return wsgi


@dataclass
class Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass
class FakeLambda:
    """Answers every Invoke by the short cut, unless told not to."""

    is_fast: bool = True
    wsgi: WSGIApplication = field(default_factory=lambda: named("lambda"))

    def fast_invoke(self, environ: WSGIEnvironment) -> Steps[Answer] | None:
        return self._answer(environ) if self.is_fast else None

    def _answer(self, environ: WSGIEnvironment) -> Steps[Answer]:
        yield Pause.BLOCKS
        where = [environ["emulator.account"], environ["emulator.region"]]
        return Answer(200, [("X-Amz-Executed-Version", "$LATEST")], json.dumps(where).encode())


def make_router(
    *,
    is_fast: bool = True,
    allowed: Sequence[str] = (),
    allows_origin: Callable[[WSGIEnvironment, str], bool] | None = None,
    url_allows_origin: Callable[[WSGIEnvironment, str], bool] | None = None,
) -> Router:
    return Router(
        lambda_api=FakeLambda(is_fast=is_fast),
        admin=named("admin"),
        http_events=named("http"),
        front_ends=named("front-ends"),
        moto=named("moto"),
        scope_of=scope_of,
        account_of=lambda environ: scope_of(environ).access_key or "000000000000",
        hosts=Hosts(allowed=allowed),
        allows_origin=allows_origin or (lambda _environ, _origin: False),
        url_allows_origin=url_allows_origin or (lambda _environ, _origin: False),
    )


def ask(router: Router, path: str = "/", method: str = "GET", **environ: str) -> tuple[int, str]:
    """Status and text of the answer to one request; `HOST` names the host."""
    request: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": environ.pop("QUERY_STRING", ""),
        "HTTP_HOST": environ.pop("HOST", "127.0.0.1:4566"),
        **environ,
    }
    status: list[str] = []

    def start_response(line: str, _headers: list[tuple[str, str]], _exc: object = None) -> object:
        status.append(line)
        return None

    body = b"".join(router(request, start_response))  # type: ignore[arg-type] # write is not used
    return int(status[0][:3]), body.decode()


def signed(service: str, region: str = "us-east-1", key: str = "AKIA") -> dict[str, str]:
    scope = f"{key}/20261122/{region}/{service}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    return {"HTTP_AUTHORIZATION": authorization}


INVOKE = "/2015-03-31/functions/hello/invocations"
PRESIGNED = "X-Amz-Credential=AKIA%2F20261122%2Fus-east-1%2F{}%2Faws4_request&X-Amz-Date=0"


@pytest.mark.parametrize(
    ("path", "environ", "application"),
    [
        # signed: the scope decides, whatever the path looks like
        ("/2015-03-31/functions", signed("lambda"), "lambda"),
        ("/2018-10-31/layers", signed("lambda"), "lambda"),
        (INVOKE, signed("s3"), "moto"),
        ("/_emulator/health", signed("s3"), "moto"),
        ("/fn/hello", signed("s3"), "moto"),
        ("/moto-api/reset", signed("s3"), "moto"),
        ("/", signed("sqs"), "moto"),
        ("/fn/hello", signed("lambda"), "http"),
        (INVOKE, {"QUERY_STRING": PRESIGNED.format("s3")}, "moto"),
        ("/2015-03-31/functions", {"QUERY_STRING": PRESIGNED.format("lambda")}, "lambda"),
        (INVOKE, {"HTTP_AUTHORIZATION": "AWS AKIA:signature"}, "moto"),
        # unsigned: host, then path
        ("/2015-03-31/functions", {}, "lambda"),
        ("/2014-11-13/functions/hello/invoke-async/", {}, "lambda"),
        ("/2020-05-31/distribution", {}, "moto"),
        ("/anything", {"HOST": "lambda.us-east-1.amazonaws.com"}, "lambda"),
        (INVOKE, {"HOST": "photos.s3.localhost:4566"}, "moto"),
        ("/fn/hello", {"HOST": "photos.localhost:4566"}, "moto"),
        ("/", {"HOST": "abc.lambda-url.us-east-1.localhost:4566"}, "http"),
        (INVOKE, {"HOST": "abc.lambda-url.us-east-1.on.aws", **signed("lambda")}, "http"),
        ("/", {"HOST": "abc.lambda-url.us-east-1.localhost:4566", **signed("s3")}, "http"),
        ("/dev/x", {"HOST": "a1.execute-api.localhost:4566"}, "front-ends"),
        ("/dev/x", {"HOST": "a1.execute-api.us-east-1.amazonaws.com"}, "front-ends"),
        ("/fn/x", {"HOST": "web.elb.localhost:4566"}, "front-ends"),
        ("/_aws/execute-api/a1/dev/x", {}, "front-ends"),
        ("/restapis/a1/dev/_user_request_/x", {}, "front-ends"),
        ("/restapis/a1/stages", {}, "moto"),
        ("/dev/x", signed("execute-api"), "front-ends"),
        ("/fn/hello", {}, "http"),
        ("/fn/hello/a/b", {}, "http"),
        ("/_emulator/health", {}, "admin"),
        ("/_emulator", {}, "admin"),
        ("/favicon.ico", {}, "admin"),
        ("/favicon.ico", signed("s3"), "moto"),
        ("/_emulator/settle", {"method": "POST"}, "admin"),
        ("/_localstack/health", {}, "admin"),
        ("/moto-api/reset", {"method": "POST"}, "admin"),
        ("/moto-api/data.json", {}, "moto"),
        ("/photos/fn/x", {}, "moto"),
        ("/", {}, "moto"),
    ],
)
def test_a_request_goes_where_it_belongs(
    path: str, environ: dict[str, str], application: str
) -> None:
    status, text = ask(make_router(), path, **environ)
    assert (status, text.split()[0]) == (200, application)


@pytest.mark.parametrize("environ", [{}, signed("lambda")])
def test_an_invoke_takes_the_short_cut(environ: dict[str, str]) -> None:
    assert ask(make_router(), INVOKE, "POST", **environ)[1].startswith("[")
    assert ask(make_router(), INVOKE, "GET", **environ)[1].startswith("lambda")
    assert ask(make_router(is_fast=False), INVOKE, "POST", **environ)[1].startswith("lambda")


def test_account_and_region_come_from_the_credentials() -> None:
    environ = signed("lambda", "eu-west-1", "111122223333")
    assert json.loads(ask(make_router(), INVOKE, "POST", **environ)[1]) == [
        "111122223333",
        "eu-west-1",
    ]
    assert ask(make_router(), "/fn/hello")[1] == "http 000000000000 us-east-1"


def test_every_version_of_the_lambda_api_is_known_by_its_path() -> None:
    model = botocore.session.get_session().get_service_model("lambda")
    for name in model.operation_names:
        path = model.operation_model(name).http["requestUri"]
        assert ask(make_router(is_fast=False), path)[1].startswith("lambda"), path


# --- other people's pages and names ------------------------------------------------------------

API_HOST = "abc123.execute-api.localhost:4566"


def test_a_foreign_host_is_refused_with_the_flag_to_use() -> None:
    status, text = ask(make_router(), INVOKE, "POST", HOST="evil.example:4566")
    assert status == 403
    assert "--allow-host evil.example" in json.loads(text)["message"]
    assert ask(make_router(allowed=["evil.example"]), HOST="evil.example:4566")[0] == 200


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_ORIGIN": "http://evil.example"}, 403),
        ({"HTTP_ORIGIN": "null"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_REFERER": "http://evil.example/a"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_REFERER": "http://localhost:3000/a"}, 200),
        ({"HTTP_SEC_FETCH_SITE": "none"}, 200),
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, 200),
        ({"HTTP_ORIGIN": "http://localhost:3000", "HTTP_SEC_FETCH_SITE": "cross-site"}, 200),
        ({"HTTP_ORIGIN": "http://allowed.example"}, 200),
        ({"HTTP_ORIGIN": "http://with-cors-rules.example"}, 200),
    ],
)
def test_a_page_of_another_site_cannot_call(environ: dict[str, str], status: int) -> None:
    router = make_router(
        allowed=["allowed.example"],
        allows_origin=lambda _environ, origin: origin == "http://with-cors-rules.example",
    )
    assert ask(router, "/shop", HOST=API_HOST, **environ)[0] == status


def signed_for(service: str) -> str:
    return f"Credential=test/20261122/us-east-1/{service}/aws4_request"


@pytest.mark.parametrize(
    ("path", "environ", "status"),
    [
        ("/shop", {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {signed_for('execute-api')}"}, 200),
        (INVOKE, {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {signed_for('lambda')}"}, 403),
        (INVOKE, {"QUERY_STRING": f"X-Amz-{signed_for('lambda')}"}, 403),
        ("/", {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {signed_for('cloudformation')}"}, 403),
        ("/", {"QUERY_STRING": f"X-Amz-{signed_for('cloudformation')}"}, 403),
    ],
)
def test_a_page_that_an_api_lets_in_can_call_that_api_only(
    path: str, environ: dict[str, str], status: int
) -> None:
    router = make_router(allows_origin=lambda _environ, _origin: True)
    page = {"HTTP_ORIGIN": "http://with-cors-rules.example", "HOST": API_HOST}
    assert ask(router, path, "POST", **environ, **page)[0] == status


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("abc.lambda-url.us-east-1.localhost:4566", "/", 200),
        ("abc.lambda-url.us-east-1.localhost:4566", INVOKE, 200),  # the function's own path
        ("127.0.0.1:4566", "/fn/hello", 200),
        ("127.0.0.1:4566", INVOKE, 403),
        ("127.0.0.1:4566", "/_emulator/reset", 403),
        ("127.0.0.1:4566", "/photos", 403),
        (API_HOST, "/shop", 403),
    ],
)
def test_a_page_that_a_function_url_lets_in_can_call_that_url_only(
    host: str, path: str, status: int
) -> None:
    router = make_router(url_allows_origin=lambda _environ, _origin: True)
    page = {"HTTP_ORIGIN": "http://with-cors-rules.example", "HOST": host}
    answer, text = ask(router, path, "POST", **page)
    assert (answer, text.startswith("http ")) == (status, status == 200)


# --- through real sockets ----------------------------------------------------------------------


def test_boto3_reaches_lambda_and_s3_on_one_port(served: Callable[..., Server]) -> None:
    session = boto3.Session("111122223333", "secret", region_name="eu-west-1")
    endpoint = f"http://127.0.0.1:{served(make_router()).port}"
    functions = session.client("lambda", endpoint_url=endpoint)
    answer = functions.invoke(FunctionName="hello", Payload=b"{}")
    assert json.load(answer["Payload"]) == ["111122223333", "eu-west-1"]

    by_path = Config(s3={"addressing_style": "path"})
    s3 = session.client("s3", endpoint_url=endpoint, config=by_path)
    found = s3.get_object(Bucket="2015-03-31", Key="functions/hello/invocations")
    assert found["Body"].read() == b"moto 111122223333 eu-west-1"
