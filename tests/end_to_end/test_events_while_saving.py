"""200 uploads from 8 threads while the function's source is saved over and over."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from tests.end_to_end.processes import wait_until
from tests.end_to_end.project_folder import ProjectFolder, save_by_rename
from tests.running_emulator import RunningEmulator, running_emulator

UPLOADS = 200
THREADS = 8
SAVE_EVERY_S = 0.05
TOP = """
[emulator]
retry_delay_scale = 0.02
[resources]
buckets = ["photos"]
"""
TRIGGER = """
timeout_s = 30
[[functions.thumbnail.triggers]]
source = "s3"
bucket = "photos"
events = ["s3:ObjectCreated:*"]
"""
SOURCE = """
# {comment}
def handler(event, context):
    [record] = event["Records"]
    return record["s3"]["object"]["key"]
"""
KEYS = [f"photo-{number:03}.jpg" for number in range(UPLOADS)]

pytestmark = pytest.mark.slow


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = ProjectFolder(tmp_path / "project", TOP)
    return folder.add("thumbnail", SOURCE.format(comment="first"), TRIGGER)


@pytest.fixture
def emulator(source: Path) -> Iterator[RunningEmulator]:
    with running_emulator(source.parent.parent) as emulator:
        emulator.settle()
        yield emulator


def save(source: Path, number: int) -> None:
    text = SOURCE.format(comment=f"save {number} {'x' * (number % 50)}")
    if number % 2:
        save_by_rename(source, text)
    else:
        source.write_text(text)


@contextmanager
def saving(source: Path) -> Iterator[None]:
    """Save good code over and over until the block ends."""
    is_over = threading.Event()

    def go_on() -> None:
        for number in itertools.count():
            save(source, number)
            if is_over.wait(SAVE_EVERY_S):
                return

    thread = threading.Thread(target=go_on, name="editor")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def upload_all(emulator: RunningEmulator) -> None:
    s3 = emulator.client("s3", config=Config(max_pool_connections=THREADS))
    with ThreadPoolExecutor(THREADS) as uploaders:
        put = partial(s3.put_object, Bucket="photos", Body=b"abcdef")
        for upload in [uploaders.submit(put, Key=key) for key in KEYS]:
            upload.result()


def records(emulator: RunningEmulator) -> list[dict[str, Any]]:
    found = emulator.request("GET", "/_emulator/invocations?function=thumbnail&limit=1000")
    assert isinstance(found, list)
    return found


def succeeded(emulator: RunningEmulator) -> list[dict[str, Any]]:
    return [record for record in records(emulator) if record["status"] == "success"]


def key_of(record: dict[str, Any]) -> str:
    key = record["event"]["Records"][0]["s3"]["object"]["key"]
    assert isinstance(key, str)
    return key


def test_each_event_is_delivered_once_and_none_fails(
    emulator: RunningEmulator, source: Path
) -> None:
    with saving(source):
        upload_all(emulator)
        assert wait_until(lambda: len(records(emulator)) >= UPLOADS, timeout_s=60)
    emulator.settle()

    delivered = records(emulator)
    failed = [record for record in delivered if record["status"] != "success"]
    assert [(record["error_type"], record["error"]) for record in failed] == []
    assert sorted(map(key_of, delivered)) == KEYS
    assert len({record["environment"] for record in delivered}) > 5  # there were new ones


def test_events_that_meet_a_syntax_error_run_once_it_is_healed(
    emulator: RunningEmulator, source: Path
) -> None:
    source.write_text("def handler(event, context)\n    return 1\n")
    upload_all(emulator)
    emulator.wait_for_output("event.postponed")
    save_by_rename(source, SOURCE.format(comment="healed"))
    emulator.wait_for_output("reload.finished")
    assert wait_until(lambda: len(succeeded(emulator)) >= UPLOADS, timeout_s=90)
    emulator.settle()

    assert sorted(map(key_of, succeeded(emulator))) == KEYS
    failed = [record for record in records(emulator) if record["status"] != "success"]
    assert {record["error_type"] for record in failed} == {"Runtime.UserCodeSyntaxError"}
    assert "reload.failed function=thumbnail changed=app.py" in emulator.output
    assert f"place={source}:1" in emulator.output
