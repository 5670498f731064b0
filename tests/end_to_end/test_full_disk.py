"""A temporary folder without space: clear errors, nothing accepted is lost, and it heals."""

import errno
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.project_folder import RUNTIME, ProjectFolder
from tests.end_to_end.test_function_life import ROLE, archive
from tests.running_emulator import RunningEmulator, started_emulator

MIB = 1024 * 1024
MOUNT = 'mount -t tmpfs -o size=2m,nr_inodes=400 tmpfs "$TMPDIR" && exec "$@"'
IN_PRIVATE = ("unshare", "-m", "sh", "-c")
TOP = """
[emulator]
retry_delay_scale = 0.1
[resources]
buckets = ["photos"]
"""
SOURCE = """
def handler(event, context):
    with open("/tmp/file", "w") as file:
        file.write("hello")
    return "done"
"""


def can_mount() -> bool:
    if sys.platform != "linux" or os.getuid() != 0 or shutil.which("unshare") is None:
        return False
    command = [*IN_PRIVATE, "mount -t tmpfs tmpfs /tmp"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_mount(), reason="only root may mount a small file system"),
]


Start = Callable[..., AbstractContextManager[RunningEmulator]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start an emulator whose temporary folder is a small file system of its own."""
    folder = ProjectFolder(tmp_path / "project", TOP)
    for name in ("warm", "cold", "by_event"):
        folder.add(name, SOURCE)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = (*IN_PRIVATE, MOUNT, "sh", sys.executable, "-m", "emulator")

    @contextmanager
    def start(*arguments: str) -> Iterator[RunningEmulator]:
        with started_emulator(
            folder.path, *arguments, command=command, TMPDIR=str(scratch)
        ) as emulator:
            assert invoke(emulator.client("lambda"), "warm").result == "done"
            yield emulator
            emulator.process.terminate()
            assert emulator.process.wait(20) == 0
            assert "Traceback" not in emulator.output

    return start


@pytest.fixture
def emulator(start: Start) -> Iterator[RunningEmulator]:
    with start() as emulator:
        emulator.client("s3").put_object(Bucket="photos", Key="first", Body=b"x")
        yield emulator


@pytest.fixture
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


@pytest.fixture
def disk(emulator: RunningEmulator) -> "Disk":
    return disk_of(emulator)


def disk_of(emulator: RunningEmulator) -> "Disk":
    return Disk(Path(f"/proc/{emulator.process.pid}/root{emulator.scratch}"))


def until_refused(take: Callable[[int], object]) -> None:
    """Take more and more, until there is no space left."""
    try:
        for number in itertools.count():
            take(number)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


class Disk:
    """The emulator's temporary folder, as the emulator itself sees it."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"
        self._filler.mkdir()

    def fill(self) -> None:
        """Leave no room for a byte, nor for a file."""
        with (self._filler / "big").open("wb", buffering=0) as big:
            until_refused(lambda _: big.write(b"x" * 4096))
        until_refused(lambda number: (self._filler / str(number)).touch())

    def free(self) -> None:
        """Give all of it back."""
        shutil.rmtree(self._filler)


def test_what_needs_no_disk_goes_on(emulator: RunningEmulator, functions: Any, disk: Disk) -> None:
    disk.fill()

    assert invoke(functions, "warm").result == "done"
    emulator.client("s3").put_object(Bucket="photos", Key="small", Body=b"x")
    assert emulator.request("GET", "/_emulator/health")["status"] == "running"


def test_what_needs_the_disk_says_what_is_missing(
    emulator: RunningEmulator, functions: Any, disk: Disk
) -> None:
    s3 = emulator.client("s3")
    big = {"Bucket": "photos", "Key": "big", "Body": b"x" * 20 * MIB}
    new: dict[str, Any] = {"Runtime": RUNTIME, "Handler": "app.handler", "Role": ROLE}
    new |= {"FunctionName": "new", "Code": {"ZipFile": archive({"app.py": SOURCE})}}
    disk.fill()

    for call, arguments, code in (
        (functions.invoke, {"FunctionName": "cold"}, "ServiceException"),
        (functions.create_function, new, "ServiceException"),
        (s3.put_object, big, "InternalError"),
    ):
        with pytest.raises(functions.exceptions.ClientError) as failed:
            call(**arguments)
        assert failed.value.response["Error"]["Code"] == code
        assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert "No space left on device" in failed.value.response["Error"]["Message"]

    disk.free()
    assert invoke(functions, "cold").result == "done"
    functions.create_function(**new)
    functions.get_waiter("function_active_v2").wait(FunctionName="new")
    assert invoke(functions, "new").result == "done"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="photos")["Contents"]] == ["first"]


def test_an_accepted_event_waits_until_there_is_space(
    emulator: RunningEmulator, functions: Any, disk: Disk
) -> None:
    disk.fill()
    functions.invoke(FunctionName="by_event", InvocationType="Event", Payload=b"1")
    emulator.wait_for_output("event.postponed function=by_event")

    disk.free()

    emulator.wait_for_output("invoke.finished function=by_event")
    [record] = emulator.invocations("by_event")
    assert (record["status"], record["attempt"]) == ("success", 1)


def test_what_cannot_be_kept_is_refused_and_what_was_kept_stays(
    start: Start, tmp_path: Path
) -> None:
    with start("--data-dir", str(tmp_path / "scratch" / "data")) as emulator:
        functions, disk = emulator.client("lambda"), disk_of(emulator)
        event = {"FunctionName": "by_event", "InvocationType": "Event", "Payload": b"1"}
        version = functions.publish_version(FunctionName="warm", Description="kept")
        before = functions.get_function(FunctionName="warm")["Configuration"]
        disk.fill()

        for call, arguments in (
            (functions.update_function_configuration, {"FunctionName": "warm", "Timeout": 9}),
            (functions.publish_version, {"FunctionName": "cold"}),
            (functions.delete_function, {"FunctionName": "by_event"}),
            (functions.invoke, event),
        ):
            with pytest.raises(functions.exceptions.ClientError) as failed:
                call(**arguments)
            error, status = failed.value.response["Error"], failed.value.response
            assert error["Code"] == "ServiceException"
            assert status["ResponseMetadata"]["HTTPStatusCode"] == 500
            assert "No space left on device" in error["Message"]
        assert functions.get_function(FunctionName="warm")["Configuration"] == before
        assert invoke(functions, "warm").result == "done"
        assert emulator.invocations("by_event") == []

        disk.free()
        functions.invoke(**event)
        emulator.settle()
        assert [record["status"] for record in emulator.invocations("by_event")] == ["success"]
        functions.update_function_configuration(FunctionName="warm", Timeout=9)
        listed = functions.list_versions_by_function(FunctionName="warm")["Versions"]
        assert [each["Version"] for each in listed] == ["$LATEST", version["Version"]]
