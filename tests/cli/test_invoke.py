import json
from pathlib import Path

import pytest

from tests.cli.conftest import LOG, FakeEmulator, Run

PATH = "/2015-03-31/functions/orders/invocations"


def test_the_answer_goes_to_stdout_and_the_log_to_stderr(run: Run, fake: FakeEmulator) -> None:
    done = run("invoke", "orders", "--payload", '{"a": 1}')
    assert (done.returncode, done.stdout) == (0, '{"ok": true}\n')
    assert done.stderr == LOG.decode()
    assert fake.asked == [("POST", PATH, b'{"a": 1}')]


def test_without_an_event_an_empty_one_is_sent(run: Run, fake: FakeEmulator) -> None:
    assert run("invoke", "orders", stdin="{not read}").returncode == 0
    assert fake.asked[0][2] == b""  # which the Lambda API turns into {}


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_the_event_comes_byte_for_byte_from_a_file_or_stdin(
    run: Run, fake: FakeEmulator, tmp_path: Path, source: str
) -> None:
    event = '{"ä":   [1, 2]}\n'
    (tmp_path / "event.json").write_text(event, encoding="utf-8")
    file = str(tmp_path / "event.json") if source == "file" else "-"
    assert run("invoke", "orders", "--event", file, stdin=event).returncode == 0
    assert fake.asked[0][2] == event.encode()


def test_an_event_that_is_no_json_is_refused_with_its_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"a": }')
    done = run("invoke", "orders", "--event", str(tmp_path / "event.json"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path}/event.json is not JSON: ")
    assert "line 1 column 7" in done.stderr


def test_two_events_exclude_each_other(run: Run) -> None:
    assert run("invoke", "orders", "--payload", "{}", "--event", "-").returncode == 2


def test_a_missing_event_file_is_named(run: Run) -> None:
    done = run("invoke", "orders", "--event", "events/nope.json")
    assert done.returncode == 2
    assert "events/nope.json" in done.stderr


def test_a_function_error_is_exit_status_1_with_the_answer_on_stdout(
    run: Run, fake: FakeEmulator
) -> None:
    fake.headers = {"X-Amz-Function-Error": "Unhandled"}
    fake.body = json.dumps({"errorType": "ValueError", "errorMessage": "no"}).encode()
    done = run("invoke", "orders")
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "ValueError"
    assert done.stderr.endswith("error: orders failed: ValueError: no\n")


def test_an_unknown_function_is_told_with_the_nearest_name(run: Run, fake: FakeEmulator) -> None:
    fake.status, fake.headers = 404, {"x-amzn-ErrorType": "ResourceNotFoundException"}
    fake.body = b'{"Message": "Function not found: \xe2\x80\xa6"}'
    done = run("invoke", "ordres")
    assert done.returncode == 2
    assert done.stderr == (
        f'error: {fake.url}: function "ordres" is not registered (have: orders, resize).'
        ' Did you mean "orders"?\n'
    )


def test_an_unknown_version_is_told_in_the_words_of_lambda(run: Run, fake: FakeEmulator) -> None:
    fake.status, fake.headers = 404, {"x-amzn-ErrorType": "ResourceNotFoundException"}
    fake.body = b'{"Message": "Function not found: arn:orders:7"}'
    done = run("invoke", "orders", "--qualifier", "7")
    assert done.stderr == f"error: {fake.url}: Function not found: arn:orders:7\n"
    assert fake.asked[0][1] == f"{PATH}?Qualifier=7"
    assert run("invoke", "orders:7").stderr == done.stderr


def test_a_durable_function_asks_for_a_qualifier(run: Run, fake: FakeEmulator) -> None:
    fake.status = 400
    text = "You cannot invoke a durable function using an unqualified ARN."
    fake.body = json.dumps({"Message": text}).encode()
    done = run("invoke", "orders")
    advice = "Name a version or an alias: --qualifier '$LATEST'"
    assert done.stderr == f"error: {fake.url}: {text} {advice}\n"


def test_a_tenant_is_named_in_a_header(run: Run, fake: FakeEmulator) -> None:
    assert run("invoke", "orders", "--tenant-id", "blue").returncode == 0
    assert fake.last_headers["X-Amz-Tenant-Id"] == "blue"


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        ("Event", 202, "accepted as request 6c1b\n"),
        ("DryRun", 204, "orders can be invoked; nothing ran\n"),
    ],
)
def test_other_invocation_types_print_no_answer(
    run: Run, fake: FakeEmulator, kind: str, status: int, told: str
) -> None:
    fake.status, fake.headers, fake.body = status, {"x-amzn-RequestId": "6c1b"}, b""
    done = run("invoke", "orders", "--type", kind)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", told)
    assert fake.last_headers["X-Amz-Invocation-Type"] == kind


def test_a_function_may_be_named_by_its_arn(run: Run, fake: FakeEmulator) -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:orders"
    assert run("invoke", arn).returncode == 0
    assert fake.asked[0][1] == f"/2015-03-31/functions/{arn.replace(':', '%3A')}/invocations"


def test_a_long_log_says_that_it_is_cut(run: Run, fake: FakeEmulator) -> None:
    fake.headers = {"x-amz-log-result": "QUFB" * (4096 // 3) + "QQ=="}
    done = run("invoke", "orders")
    assert done.stderr.startswith("(the last 4 KB; for all of it: lambda-emulator logs orders)\n")
