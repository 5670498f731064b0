"""Responses that are read while they are written, through a real emulator."""

import base64
import http.client
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.end_to_end.project_folder import RUNTIME
from tests.running_emulator import RunningEmulator, running_emulator
from tests.sandbox.streaming_runtimes import IN_PYTHON

PROJECT = f"""
[functions.streams]
code = "streams"
handler = "unused"
runtime = "provided.al2023"
timeout_s = 20

[functions.streams.url]
invoke_mode = "RESPONSE_STREAM"

[functions.hurries]
code = "streams"
handler = "unused"
runtime = "provided.al2023"
timeout_s = 1

[functions.hurries.url]
invoke_mode = "RESPONSE_STREAM"

[functions.plain]
code = "plain"
handler = "app.handler"
runtime = "{RUNTIME}"
"""
PLAIN = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError(event["fail"])
    return event
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "emulator.toml").write_text(PROJECT)
    for name, file, text in (("streams", "bootstrap", IN_PYTHON), ("plain", "app.py", PLAIN)):
        (folder / name).mkdir()
        (folder / name / file).write_text(text)
        (folder / name / file).chmod(0o755)
    with running_emulator(folder) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


def begin(functions: Any, name: str, event: Any = None, **options: Any) -> Iterator[Any]:
    """Invoke and return the events of the answer, of which none has been read."""
    answer = functions.invoke_with_response_stream(
        FunctionName=name, Payload=json.dumps(event or {}), **options
    )
    return iter(answer["EventStream"])


def rest_of(events: Iterator[Any]) -> tuple[bytes, dict[str, Any]]:
    *chunks, last = list(events)
    return b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks), last["InvokeComplete"]


def error_of(end: dict[str, Any]) -> tuple[str, str, str]:
    details = json.loads(end["ErrorDetails"])
    return end["ErrorCode"], details["errorType"], details["errorMessage"].partition("Error: ")[2]


def test_the_first_chunk_is_read_before_the_function_writes_the_last(functions: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gate:
        event = {"chunks": ["first", "last"], "wait_for": gate.getsockname()[1]}
        events = begin(functions, "streams", event)
        assert next(events)["PayloadChunk"]["Payload"] == b"first"
        opened, _ = gate.accept()
        opened.close()
    assert rest_of(events) == (b"last", {})


def test_a_handler_that_does_not_stream_is_read_whole(functions: Any) -> None:
    assert rest_of(begin(functions, "plain", {"n": 1})) == (b'{"n": 1}', {})


def test_an_exception_of_a_handler_is_the_end_of_the_stream(functions: Any) -> None:
    body, end = rest_of(begin(functions, "plain", {"fail": "no luck"}, LogType="Tail"))
    assert body == b""
    assert end["ErrorCode"] == "Unhandled"
    details = json.loads(end["ErrorDetails"])
    assert (details["errorType"], details["errorMessage"]) == ("ValueError", "no luck")
    assert "[ERROR] ValueError: no luck" in base64.b64decode(end["LogResult"]).decode()


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"fail": "half way"}, ("Runtime.Midway", "Runtime.Midway", "")),
        (
            {"do": "exit"},
            ("Runtime.ExitError", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ),
        ({"do": "cut"}, ("Runtime.TruncatedResponse", "Runtime.TruncatedResponse", "")),
    ],
    ids=str,
)
def test_an_error_in_the_middle_follows_what_was_written(
    functions: Any, event: dict[str, Any], error: tuple[str, str, str]
) -> None:
    body, end = rest_of(begin(functions, "streams", {"chunks": ["half"], **event}))
    assert (body, error_of(end)) == (b"half", error)
    assert rest_of(begin(functions, "streams")) == (b"one two", {})


def test_a_timeout_in_the_middle_follows_what_was_written(functions: Any) -> None:
    body, end = rest_of(begin(functions, "hurries", {"do": "hang"}))
    assert body == b"one "
    assert error_of(end) == (
        "Sandbox.Timedout",
        "Sandbox.Timedout",
        "Task timed out after 1.00 seconds",
    )


def test_it_is_recorded_as_any_invocation(emulator: RunningEmulator, functions: Any) -> None:
    assert rest_of(begin(functions, "streams", {"chunks": ["to be recorded"], "blocks": 2}))
    [record, *_] = emulator.invocations("streams")
    assert (record["status"], record["source"]) == ("success", "api")
    assert record["response"].startswith("to be recorded")
    assert record["response"].endswith("(cut: 65536 of 131086 bytes)")
    emulator.wait_for_output(f"request={record['request_id'][:8]}")


def test_too_many_at_once_are_refused_before_the_first_byte(functions: Any) -> None:
    functions.put_function_concurrency(FunctionName="plain", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="Rate Exceeded") as caught:
        begin(functions, "plain")
    functions.delete_function_concurrency(FunctionName="plain")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_client_that_goes_away_disturbs_nothing(
    emulator: RunningEmulator, functions: Any
) -> None:
    before = emulator.invocations("streams")[0]["request_id"]
    answer = functions.invoke_with_response_stream(
        FunctionName="streams", Payload=json.dumps({"blocks": 600})
    )
    stream = answer["EventStream"]
    assert next(iter(stream))["PayloadChunk"]["Payload"].startswith(b"one ")
    stream.close()
    emulator.settle()
    [record, *_] = emulator.invocations("streams")
    assert record["request_id"] != before
    assert record["status"] == "success"  # it wrote on, to nobody
    assert rest_of(begin(functions, "streams")) == (b"one two", {})
    assert emulator.invocations("streams")[0]["environment"] == record["environment"]


def test_a_client_that_does_not_read_holds_the_function_up_until_its_time_is_over(
    emulator: RunningEmulator, functions: Any
) -> None:
    server = psutil.Process(emulator.process.pid)
    rest_of(begin(functions, "hurries"))
    before = server.memory_info().rss
    events = begin(functions, "hurries", {"blocks": 3_000})  # 190 MiB
    emulator.settle()
    [record, *_] = emulator.invocations("hurries")
    assert record["status"] == "timeout"
    assert server.memory_info().rss - before < 40_000_000
    body, end = rest_of(events)
    assert error_of(end)[0] == "Sandbox.Timedout"
    assert body.startswith(b"one two")
    assert len(body) < 40_000_000


def test_a_function_url_streams_what_the_function_writes(emulator: RunningEmulator) -> None:
    host = emulator.endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    with closing(connection), socket.create_server(("127.0.0.1", 0)) as gate:
        first = json.dumps({"statusCode": 203, "headers": {"x-a": "1"}}) + "\0" * 8 + "first"
        event = {"chunks": [first, "last"], "wait_for": gate.getsockname()[1]}
        event["type"] = "application/vnd.awslambda.http-integration-response"
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/fn/streams", json.dumps(event), headers)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["x-a"]) == (203, "1")
        assert answer.read1() == b"first"
        opened, _ = gate.accept()
        opened.close()
        assert answer.read() == b"last"
    [record, *_] = emulator.invocations("streams")
    assert record["source"] == "url"


@pytest.mark.skipif(sys.platform != "linux", reason="no connection of a client can be broken off")
@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("streams", {"fail": "half way"}),
        ("streams", {"do": "exit"}),
        ("streams", {"do": "cut"}),
        ("hurries", {"do": "hang"}),
    ],
)
def test_a_function_url_breaks_the_connection_off_when_its_function_fails_in_the_middle(
    emulator: RunningEmulator, name: str, event: dict[str, Any]
) -> None:
    host = emulator.endpoint.removeprefix("http://")
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        headers = {"Content-Type": "application/json"}
        body = json.dumps({"chunks": ["half"], **event})
        connection.request("POST", f"/fn/{name}", body, headers)
        answer = connection.getresponse()
        assert answer.status == 200
        with pytest.raises(http.client.IncompleteRead) as caught:
            answer.read()
    assert caught.value.partial == b"half"


def test_fifty_megabytes_arrive_whole(functions: Any) -> None:
    body, end = rest_of(begin(functions, "streams", {"blocks": 800}))
    assert (len(body), end) == (7 + 800 * 65536, {})
