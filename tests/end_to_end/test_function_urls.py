"""Function URLs of a real emulator, as clients reach them."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

ECHO = """
import base64, boto3, json, os

def handler(event, context):
    answer = event.get("queryStringParameters", {}).get("answer")
    if answer == "fail":
        raise ValueError("no luck")
    if answer == "bytes":
        body = base64.b64encode(bytes(range(256))).decode()
        return {"statusCode": 203, "body": body, "isBase64Encoded": True, "cookies": ["a=1"]}
    if answer == "length":
        return {"statusCode": 200, "body": str(len(event["body"]))}
    if answer == "credentials":
        credentials = boto3.Session().get_credentials().get_frozen_credentials()
        return {"statusCode": 200, "body": json.dumps(credentials)}
    return {"statusCode": 200, "body": json.dumps({**event, "arn": context.invoked_function_arn})}
"""
URL = """
[functions.{name}.url]
auth_type = "{auth_type}"
cors = {{ allow_origins = ["https://a.example"] }}
"""

Answer = tuple[int, http.client.HTTPMessage, bytes]
Fetch = Callable[..., Answer]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectFolder:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("open", ECHO, URL.format(name="open", auth_type="NONE"))
    folder.add("closed", ECHO, URL.format(name="closed", auth_type="AWS_IAM"))
    folder.add("plain", ECHO)
    return folder


@pytest.fixture(scope="module")
def emulator(project: ProjectFolder) -> Iterator[RunningEmulator]:
    with running_emulator(project.path) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


@pytest.fixture
def fetch(emulator: RunningEmulator) -> Iterator[Fetch]:
    """Ask a URL; names under .localhost are not looked up, as not every machine knows them."""
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=30)

    def ask(
        url: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        connection.request(method, path, body, {"Host": parts.netloc, **named})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    with closing(connection):
        yield ask


def url_of(functions: Any, name: str) -> str:
    return str(functions.get_function_url_config(FunctionName=name)["FunctionUrl"])


def sign(url: str, key: str, secret: str, token: str | None = None) -> dict[str, str]:
    request: Any = AWSRequest("GET", url)
    auth: Any = SigV4Auth(Credentials(key, secret, token), "lambda", "us-east-1")
    auth.add_auth(request)
    return {name.replace("-", "_"): text for name, text in request.headers.items()}


def caller_of(answer: Answer) -> dict[str, Any]:
    assert answer[0] == 200, answer
    iam: dict[str, Any] = json.loads(answer[2])["requestContext"]["authorizer"]["iam"]
    return iam


def test_a_declared_url_is_announced_and_open(
    emulator: RunningEmulator, functions: Any, fetch: Fetch
) -> None:
    url = url_of(functions, "open")
    assert f"open      {url}" in emulator.output
    assert urlsplit(url).port == urlsplit(emulator.endpoint).port
    status, headers, body = fetch(f"{url}a/b?x=1", "POST", b"hi", Content_Type="text/plain")
    event = json.loads(body)
    assert (status, event["rawPath"], event["body"]) == (200, "/a/b", "hi")
    assert event["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:open"
    assert headers["x-amzn-RequestId"] == event["requestContext"]["requestId"]
    assert headers["x-amzn-RequestId"] == emulator.invocations("open")[0]["request_id"]
    assert emulator.invocations("open")[0]["source"] == "url"


def test_bytes_failures_and_sizes(functions: Any, fetch: Fetch) -> None:
    url = url_of(functions, "open")
    status, headers, body = fetch(f"{url}?answer=bytes")
    assert (status, headers["Set-Cookie"], body) == (203, "a=1", bytes(range(256)))
    assert fetch(f"{url}?answer=fail")[::2] == (502, b"Internal Server Error")
    large = b"x" * 5_000_000
    assert fetch(f"{url}?answer=length", "PUT", large, Content_Type="text/plain")[2] == b"5000000"
    status, headers, _ = fetch(url, "PUT", b"x" * 6_291_457, Content_Type="text/plain")
    assert (status, headers["x-amzn-ErrorType"]) == (413, "RequestEntityTooLargeException")


def test_a_url_without_concurrency_is_switched_off(functions: Any, fetch: Fetch) -> None:
    url = url_of(functions, "open")
    functions.put_function_concurrency(FunctionName="open", ReservedConcurrentExecutions=0)
    status, headers, _ = fetch(url)
    functions.delete_function_concurrency(FunctionName="open")
    assert (status, headers["x-amzn-ErrorType"]) == (429, "TooManyRequestsException")


def test_a_url_made_by_api_needs_both_statements(
    emulator: RunningEmulator, functions: Any, fetch: Fetch
) -> None:
    version = functions.publish_version(FunctionName="plain")["Version"]
    functions.create_alias(FunctionName="plain", Name="live", FunctionVersion=version)
    alias = {"FunctionName": "plain", "Qualifier": "live"}
    url = functions.create_function_url_config(**alias, AuthType="NONE")["FunctionUrl"]
    everybody = {**alias, "Principal": "*"}
    functions.add_permission(
        **everybody,
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        FunctionUrlAuthType="NONE",
    )
    status, _, body = fetch(url)
    assert (status, b"Forbidden. For troubleshooting" in body) == (403, True)
    emulator.wait_for_output("url.forbidden function=arn:aws:lambda:us-east-1:000000000000")
    functions.add_permission(
        **everybody,
        StatementId="invoke",
        Action="lambda:InvokeFunction",
        InvokedViaFunctionUrl=True,
    )
    status, _, body = fetch(url)
    assert (status, json.loads(body)["arn"].rpartition(":")[2]) == (200, "live")
    functions.delete_alias(FunctionName="plain", Name="live")
    assert fetch(url)[0] == 403
    functions.delete_function_url_config(**alias)
    assert fetch(url)[::2] == (403, b'{"Message":null}')


def test_keys_of_users_sessions_and_functions_sign(
    emulator: RunningEmulator, functions: Any, fetch: Fetch
) -> None:
    url = url_of(functions, "closed")
    assert fetch(url)[0] == 403
    assert caller_of(fetch(url, **sign(url, "test", "test")))["accessKey"] == "test"

    iam = emulator.client("iam")
    user = iam.create_user(UserName="me")["User"]
    key = iam.create_access_key(UserName="me")["AccessKey"]
    signed = sign(url, key["AccessKeyId"], key["SecretAccessKey"])
    caller = caller_of(fetch(url, **signed))
    assert (caller["userArn"], caller["userId"]) == (user["Arn"], user["UserId"])
    status, headers, _ = fetch(url, **sign(url, key["AccessKeyId"], "test"))
    assert (status, headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    iam.update_access_key(UserName="me", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    status, headers, _ = fetch(url, **signed)
    assert (status, headers["x-amzn-ErrorType"]) == (403, "UnrecognizedClientException")

    role = "arn:aws:iam::000000000000:role/any"
    session = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="session")
    made = session["Credentials"]
    keys = made["AccessKeyId"], made["SecretAccessKey"]
    caller = caller_of(fetch(url, **sign(url, *keys, made["SessionToken"])))
    assert caller["userArn"] == session["AssumedRoleUser"]["Arn"]
    assert fetch(url, **sign(url, *keys))[0] == 403

    own = json.loads(fetch(f"{url_of(functions, 'open')}?answer=credentials")[2])
    caller = caller_of(fetch(url, **sign(url, *own[:3])))
    assert caller["userArn"] == "arn:aws:sts::000000000000:assumed-role/lambda-emulator/open"


def test_pages_come_in_where_cors_lets_them(functions: Any, fetch: Fetch) -> None:
    url = url_of(functions, "open")
    status, headers, _ = fetch(url, Origin="https://a.example", Sec_Fetch_Site="cross-site")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://a.example")
    status, _, body = fetch(url, Origin="https://b.example")
    assert (status, b"must not call this emulator" in body) == (403, True)


def test_a_saved_file_changes_a_url(
    project: ProjectFolder, emulator: RunningEmulator, functions: Any, fetch: Fetch
) -> None:
    before = url_of(functions, "open")
    project.add("open", ECHO, URL.format(name="open", auth_type="AWS_IAM"))
    emulator.wait_for_output("urls_changed=open")
    assert url_of(functions, "open") == before
    assert fetch(before)[0] == 403
    project.add("open", ECHO, URL.format(name="open", auth_type="NONE"))
    emulator.reset()
    assert fetch(before)[0] == 200


def test_a_url_lasts_with_a_data_folder(tmp_path: Path) -> None:
    project = ProjectFolder(tmp_path / "project")
    project.add("mine", ECHO)
    urls: list[Any] = []
    for _ in range(2):
        with running_emulator(project.path, "--data-dir", str(tmp_path / "data")) as emulator:
            functions: Any = emulator.client("lambda")
            if not urls:
                functions.create_function_url_config(FunctionName="mine", AuthType="NONE")
            config = functions.get_function_url_config(FunctionName="mine")
            urls.append((urlsplit(config["FunctionUrl"]).hostname, config["CreationTime"]))
    assert urls[0] == urls[1]
