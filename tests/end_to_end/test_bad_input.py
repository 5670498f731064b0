"""Requests that are wrong, too large, from a foreign page, or put in an unusual way."""

import base64
import binascii
import http.client
import io
import json
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from boto3.s3.transfer import TransferConfig

from tests.end_to_end.calls import invoke
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

MIB = 1024 * 1024
INVOKE = "/2015-03-31/functions/echo/invocations"
SOURCE = """
import json
def handler(event, context):
    if event == "context":
        return context.client_context.custom
    return len(event) if isinstance(event, str) and len(event) > 100 else event
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(
        tmp_path_factory.mktemp("project"), '[resources]\nbuckets = ["photos"]\n'
    )
    folder.add("echo", SOURCE)
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def send(
    emulator: RunningEmulator,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """Send a request as it is; an underscore in a header's name stands for a dash."""
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named, encode_chunked=True)
        with connection.getresponse() as response:
            known = {name.lower(): value for name, value in response.getheaders()}
            return response.status, known, response.read()
    finally:
        connection.close()


def send_raw(
    emulator: RunningEmulator, method: str, path: str, body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Send a path that `http.client` would refuse, in Latin-1."""
    host = urlsplit(emulator.endpoint).netloc
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=20) as connection:
        connection.sendall(head.encode("latin-1") + b"Connection: close\r\n\r\n" + body)
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        known = {name.lower(): value for name, value in response.getheaders()}
        return response.status, known, response.read()


def error_of(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str, str]:
    status, headers, body = answer
    document = json.loads(body)
    return status, headers["x-amzn-errortype"], document.get("message") or document["Message"]


GARBAGE = [b"{", b"{'key': 1}", b"key=value", b"\xff\xfe", b"{} {}", b"NaN!", b"\x00"]


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
@pytest.mark.parametrize("body", GARBAGE)
def test_what_is_not_json_is_refused(emulator: RunningEmulator, body: bytes, kind: str) -> None:
    answer = send(emulator, "POST", INVOKE, body, X_Amz_Invocation_Type=kind)

    status, code, message = error_of(answer)
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: ")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/jpeg"])
def test_the_content_type_does_not_matter(emulator: RunningEmulator, kind: str) -> None:
    status, _, body = send(emulator, "POST", INVOKE, b'{"a": 1}', Content_Type=kind)
    assert (status, body) == (200, b'{"a": 1}')


ARN = "arn:aws:lambda:us-east-1:000000000000:function"
UNKNOWN = {
    "function": ("nobody", "", f"Function not found: {ARN}:nobody:$LATEST"),
    "version": ("echo", "?Qualifier=7", f"Function not found: {ARN}:echo:7"),
    "alias": ("echo:prod", "", f"Function not found: {ARN}:echo:prod"),
}


@pytest.mark.parametrize(("name", "query", "message"), UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
def test_what_is_unknown_is_named(
    emulator: RunningEmulator, kind: str, name: str, query: str, message: str
) -> None:
    path = f"/2015-03-31/functions/{name}/invocations{query}"
    answer = send(emulator, "POST", path, b"{}", X_Amz_Invocation_Type=kind)
    assert error_of(answer) == (404, "ResourceNotFoundException", message)


PATHS = (
    *("functions/%ff", "functions/%", "functions/%00/invocations", "functions/../x", "/functions"),
    *("functions/%ED%A0%80/invocations", "functions/a%2Fb", "functions?Marker=%ff", "functions?%"),
    *("functions?MaxItems=%00", "functions?MaxItems=1&MaxItems=2", "functions/%E0%A4%A/aliases"),
    *(f"functions/{'x' * 8_000}", "functions/echo/invocations?Qualifier=%ff", "functions/é"),
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_a_path_that_cannot_be_read_is_refused_as_lambda_does(
    emulator: RunningEmulator, path: str
) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        raw = f"/2015-03-31/{path}".encode().decode("latin-1")
        status, headers, body = send_raw(emulator, method, raw, b"null")
        assert status == 200 or (400 <= status < 500 and "x-amzn-errortype" in headers)
        assert b"Traceback" not in body


def test_a_synchronous_event_may_have_six_megabytes_and_no_byte_more(
    emulator: RunningEmulator,
) -> None:
    largest = json.dumps("x" * (6 * MIB - 2)).encode()
    assert send(emulator, "POST", INVOKE, largest)[::2] == (200, str(6 * MIB - 2).encode())

    for body in (largest + b" ", [largest, b" "], b"x" * 12 * MIB):  # the second one is chunked
        assert error_of(send(emulator, "POST", INVOKE, body)) == (
            413,
            "RequestEntityTooLargeException",
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        )


def test_an_asynchronous_event_may_have_one_megabyte_and_no_byte_more(
    emulator: RunningEmulator,
) -> None:
    largest = json.dumps("x" * (MIB - 2)).encode()
    kind = {"X_Amz_Invocation_Type": "Event"}
    assert send(emulator, "POST", INVOKE, largest, **kind)[::2] == (202, b"")

    assert error_of(send(emulator, "POST", INVOKE, largest + b" ", **kind)) == (
        413,
        "RequestEntityTooLargeException",
        "Request must be smaller than 1048576 bytes for the InvokeFunction operation",
    )
    emulator.settle()


def test_a_client_context_arrives_and_a_bad_one_is_refused(
    emulator: RunningEmulator, functions: Any
) -> None:
    context = base64.b64encode(b'{"custom": {"colour": "r\xc3\xb6t"}}').decode()
    assert invoke(functions, "echo", "context", ClientContext=context).result == {"colour": "röt"}

    for bad in ("%%%", base64.b64encode(b"no json").decode(), "e30"):
        status, _, _ = send(emulator, "POST", INVOKE, b"1", X_Amz_Client_Context=bad)
        assert status == 400


@pytest.mark.parametrize("path", [INVOKE, "/fn/echo", "/_emulator/health", "/photos/a.jpg"])
def test_a_foreign_host_is_refused_with_what_to_do(emulator: RunningEmulator, path: str) -> None:
    status, _, body = send(emulator, "POST", path, b"{}", Host="attacker.example:4566")
    assert status == 403
    assert "--allow-host attacker.example" in json.loads(body)["message"]


@pytest.mark.parametrize("path", [INVOKE, "/fn/echo", "/_emulator/reset", "/photos/a.jpg"])
@pytest.mark.parametrize("origin", ["https://attacker.example", "null"])
def test_a_page_of_another_site_is_refused(
    emulator: RunningEmulator, path: str, origin: str
) -> None:
    before = len(emulator.invocations("echo"))
    assert send(emulator, "POST", path, b"{}", Origin=origin)[0] == 403
    assert len(emulator.invocations("echo")) == before


def test_a_page_of_this_machine_may_call(emulator: RunningEmulator) -> None:
    status, _, body = send(emulator, "POST", INVOKE, b"1", Origin="http://localhost:3000")
    assert (status, body) == (200, b"1")


UNKNOWN_OPERATIONS = {
    "Lambda's path without one": ("POST", "/2015-03-31/nothing", {}),
    "Lambda's method": ("PATCH", "/2015-03-31/functions/echo", {}),
    "a target of DynamoDB": ("POST", "/", {"X_Amz_Target": "DynamoDB_20120810.Nothing"}),
    "an action of SQS": ("POST", "/?Action=Nothing&Version=2012-11-05", {}),
    "a service that is none": (
        "POST",
        "/",
        {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/nothing/aws4_request"},
    ),
}


@pytest.mark.parametrize(
    ("method", "path", "headers"), UNKNOWN_OPERATIONS.values(), ids=UNKNOWN_OPERATIONS
)
def test_an_unknown_operation_is_told_and_no_crash(
    emulator: RunningEmulator, method: str, path: str, headers: dict[str, str]
) -> None:
    status, _, body = send(emulator, method, path, b"{}", **headers)
    assert 400 <= status < 500 or (status == 501 and b"othing" in body), body


def test_a_request_that_says_no_type_of_invocation_that_exists(emulator: RunningEmulator) -> None:
    answer = send(emulator, "POST", INVOKE, b"1", X_Amz_Invocation_Type="Sometimes")
    status, code, message = error_of(answer)
    assert (status, code) == (400, "ValidationException")
    assert "Value 'Sometimes' at 'invocationType' failed to satisfy constraint" in message


def test_a_chunked_body_is_read_to_its_end(emulator: RunningEmulator) -> None:
    chunks = [b'{"a"', b": [1, ", b"2]}"]
    status, _, body = send(emulator, "POST", INVOKE, chunks, Transfer_Encoding="chunked")
    assert (status, body) == (200, b'{"a": [1, 2]}')


def test_http_2_with_prior_knowledge_works(emulator: RunningEmulator) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl")
    command = [curl, "-sS", "--http2-prior-knowledge", "-w", " %{http_version}", "-d", '{"a": 1}']
    done = subprocess.run(
        [*command, emulator.endpoint + INVOKE],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stdout == '{"a": 1} 2'


def test_an_aws_chunked_upload_with_a_trailing_checksum_is_stored_decoded(
    emulator: RunningEmulator,
) -> None:
    content = bytes(range(256)) * 300
    checksum = base64.b64encode(binascii.crc32(content).to_bytes(4)).decode()
    pieces = [content[at : at + 65536] for at in range(0, len(content), 65536)]
    body = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""]][:-1]
    body.append(f"0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n".encode())
    headers = {
        "Content_Encoding": "aws-chunked",
        "X_Amz_Content_Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "X_Amz_Decoded_Content_Length": str(len(content)),
        "X_Amz_Trailer": "x-amz-checksum-crc32",
        "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request",
    }
    for name, how in (("length", {"Content_Length": str(sum(map(len, body)))}), ("chunked", {})):
        if name == "chunked":
            how = {"Transfer_Encoding": "chunked"}
        sent: bytes | list[bytes] = b"".join(body) if name == "length" else body
        status, _, _ = send(emulator, "PUT", f"/photos/{name}", sent, **headers, **how)
        assert status == 200

    s3 = emulator.client("s3")
    for name in ("length", "chunked"):
        stored = s3.get_object(Bucket="photos", Key=name)
        assert stored["Body"].read() == content
        assert stored["ContentLength"] == len(content)
        assert "aws-chunked" not in stored.get("ContentEncoding", "")


@pytest.mark.slow
def test_boto3_uploads_in_parts_and_with_checksums(emulator: RunningEmulator) -> None:
    s3 = emulator.client("s3")
    content = b"0123456789abcdef" * (MIB // 16) * 12
    settings = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)

    s3.upload_fileobj(io.BytesIO(content), "photos", "parts", Config=settings)
    s3.put_object(Bucket="photos", Key="sum", Body=io.BytesIO(b"x"), ChecksumAlgorithm="SHA256")

    assert s3.get_object(Bucket="photos", Key="parts")["Body"].read() == content
    assert s3.head_object(Bucket="photos", Key="parts")["ETag"].endswith('-3"')
    assert s3.get_object(Bucket="photos", Key="sum")["Body"].read() == b"x"


def test_an_upload_that_breaks_off_stores_nothing(emulator: RunningEmulator) -> None:
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint).netloc, timeout=20)
    credential = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request"
    connection.putrequest("PUT", "/photos/half")
    connection.putheader("Authorization", credential)
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"x" * 500)
    connection.close()
    emulator.settle()

    s3 = emulator.client("s3")
    listed = s3.list_objects_v2(Bucket="photos", Prefix="half")
    assert listed["KeyCount"] == 0
