"""Functions made, changed, published and deleted over the API."""

import io
import json
import stat
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.processes import function_processes, wait_until
from tests.end_to_end.project_folder import RUNTIME, save_by_rename
from tests.running_emulator import RunningEmulator, running_emulator

ROLE = "arn:aws:iam::000000000000:role/any"
WHO = """
import os, subprocess
def handler(event, context):
    return {{
        "code": "{}",
        "version": context.function_version,
        "arn": context.invoked_function_arn,
        "colour": os.environ.get("COLOUR"),
        "memory": context.memory_limit_in_mb,
    }}
"""


def archive(files: dict[str, str], executable: str = "") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            mode = 0o755 if name == executable else 0o644
            entry.external_attr = (stat.S_IFREG | mode) << 16
            zipped.writestr(entry, text)
    return content.getvalue()


def who(code: str) -> bytes:
    return archive({"app.py": WHO.format(code)})


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """Without a project."""
    with running_emulator(tmp_path_factory.mktemp("empty")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


@pytest.fixture
def create(functions: Any) -> Iterator[Callable[..., Any]]:
    """Create a function and wait until it is active; it is deleted at the end."""
    made: list[str] = []

    def create(name: str, code: bytes | dict[str, str], **more: Any) -> Any:
        answer = functions.create_function(
            FunctionName=name,
            Code={"ZipFile": code} if isinstance(code, bytes) else code,
            **{"Runtime": RUNTIME, "Handler": "app.handler", "Role": ROLE} | more,
        )
        made.append(name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return answer

    yield create
    for name in made:
        with suppress(functions.exceptions.ResourceNotFoundException):
            functions.delete_function(FunctionName=name)


def test_a_function_goes_from_pending_to_active_and_runs(functions: Any, create: Any) -> None:
    created = create("made", who("first"), Description="one", MemorySize=256)

    assert (created["State"], created["Version"]) == ("Pending", "$LATEST")
    shown = functions.get_function(FunctionName="made")["Configuration"]
    assert (shown["State"], shown["LastUpdateStatus"]) == ("Active", "Successful")
    assert shown["CodeSha256"] == created["CodeSha256"]
    assert shown["CodeSize"] == len(who("first"))
    ran = invoke(functions, "made").result
    assert (ran["code"], ran["version"], ran["memory"]) == ("first", "$LATEST", "256")
    listed = functions.list_functions()["Functions"]
    assert [each["FunctionName"] for each in listed] == ["made"]


def test_new_code_runs_at_once_in_new_environments(functions: Any, create: Any) -> None:
    create("made", who("0"))
    for number in range(1, 6):
        functions.update_function_code(FunctionName="made", ZipFile=who(str(number)))
        assert invoke(functions, "made").result["code"] == str(number)


def test_new_configuration_runs_at_once(functions: Any, create: Any) -> None:
    create("made", who("first"), Environment={"Variables": {"COLOUR": "red"}})
    assert invoke(functions, "made").result["colour"] == "red"

    changed = functions.update_function_configuration(
        FunctionName="made", Environment={"Variables": {"COLOUR": "blue"}}, MemorySize=512
    )

    assert changed["Environment"] == {"Variables": {"COLOUR": "blue"}}
    ran = invoke(functions, "made").result
    assert (ran["colour"], ran["memory"]) == ("blue", "512")


def test_published_versions_stay_as_they_are(functions: Any, create: Any) -> None:
    create("made", who("first"))
    assert functions.publish_version(FunctionName="made")["Version"] == "1"
    functions.update_function_code(FunctionName="made", ZipFile=who("second"), Publish=True)
    functions.update_function_code(FunctionName="made", ZipFile=who("third"))

    def ran(**options: str) -> tuple[str, str]:
        result = invoke(functions, options.pop("name", "made"), **options).result
        return result["code"], result["version"]

    assert ran(Qualifier="1") == ("first", "1")
    assert ran(Qualifier="2") == ("second", "2")
    assert ran(name="made:1") == ("first", "1")
    assert ran(Qualifier="$LATEST") == ran() == ("third", "$LATEST")
    arn = functions.get_function(FunctionName="made", Qualifier="2")["Configuration"]["FunctionArn"]
    assert arn.endswith(":function:made:2")
    assert invoke(functions, arn).result["arn"] == arn
    versions = functions.list_versions_by_function(FunctionName="made")["Versions"]
    assert [each["Version"] for each in versions] == ["$LATEST", "1", "2"]

    functions.delete_function(FunctionName="made", Qualifier="1")
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        invoke(functions, "made", Qualifier="1")
    assert ran(Qualifier="2") == ("second", "2")


def test_code_comes_out_of_s3(emulator: RunningEmulator, functions: Any, create: Any) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="made.zip", Body=who("from S3"))

    create("made", {"S3Bucket": "code", "S3Key": "made.zip"})
    assert invoke(functions, "made").result["code"] == "from S3"

    with pytest.raises(functions.exceptions.InvalidParameterValueException) as refused:
        functions.update_function_code(FunctionName="made", S3Bucket="code", S3Key="none.zip")
    assert "S3 Error Code: NoSuchKey" in str(refused.value)
    assert invoke(functions, "made").result["code"] == "from S3"


def test_a_folder_runs_live(functions: Any, create: Any, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(WHO.format("0"))
    create("live", {"S3Bucket": "hot-reload", "S3Key": str(tmp_path)})
    for number in range(1, 6):
        save_by_rename(tmp_path / "app.py", WHO.format(number))
        assert invoke(functions, "live").result["code"] == str(number)


def test_the_code_that_was_uploaded_can_be_downloaded(functions: Any, create: Any) -> None:
    uploaded = who("to be fetched")
    create("made", uploaded)

    location = functions.get_function(FunctionName="made")["Code"]["Location"]

    with urllib.request.urlopen(location, timeout=10) as response:
        assert response.read() == uploaded


def test_executables_keep_their_mode(functions: Any, create: Any) -> None:
    source = """
    import os, subprocess
    def handler(event, context):
        answer = subprocess.run(["bin/hello"], capture_output=True, text=True, check=True)
        modes = [oct(os.stat(name).st_mode & 0o777) for name in ("bin/hello", "app.py")]
        try:
            open("app.py", "w")
        except OSError as error:
            return [answer.stdout, modes, type(error).__name__]
    """.replace("\n    ", "\n")
    files = {"app.py": source, "bin/hello": "#!/bin/sh\necho hello from $0\n"}
    create("native", archive(files, executable="bin/hello"))

    text, modes, error = invoke(functions, "native").result
    assert text == "hello from bin/hello\n"
    assert modes == ["0o755", "0o644"]
    assert error in ("OSError", "PermissionError")


def test_a_deleted_function_is_gone_with_its_processes(
    emulator: RunningEmulator, functions: Any, create: Any
) -> None:
    def environments() -> int:
        return len(function_processes(emulator.process.pid))

    create("gone", who("gone"))
    assert wait_until(lambda: environments() == 0)  # those of other tests
    invoke(functions, "gone")
    assert environments() == 1

    functions.delete_function(FunctionName="gone")

    for call in (functions.get_function, functions.delete_function, functions.invoke):
        with pytest.raises(functions.exceptions.ResourceNotFoundException):
            call(FunctionName="gone")
    assert wait_until(lambda: environments() == 0)


REFUSED = {
    "no archive": ({"Code": {"ZipFile": b"text"}}, "Could not unzip uploaded file."),
    "a runtime that never was": ({"Runtime": "python1.0"}, "Value python1.0 at 'runtime'"),
    "too much memory": ({"MemorySize": 10241}, "'MemorySize' value failed to satisfy constraint"),
    "no role": ({"Role": "me"}, "Value 'me' at 'role' failed to satisfy constraint"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_what_aws_refuses_is_refused_here(
    functions: Any, change: dict[str, Any], message: str
) -> None:
    good = {"Code": {"ZipFile": who("x")}, "Runtime": RUNTIME, "Handler": "a.b", "Role": ROLE}
    with pytest.raises(functions.exceptions.ClientError) as refused:
        functions.create_function(**{"FunctionName": "refused"} | good | change)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert message in json.dumps(refused.value.response["Error"]["Message"])
    assert functions.list_functions()["Functions"] == []


def test_accounts_and_regions_do_not_see_each_other(
    emulator: RunningEmulator, functions: Any, create: Any
) -> None:
    create("made", who("mine"))
    elsewhere = emulator.client("lambda", region_name="eu-west-1")
    someone_else = emulator.client(
        "lambda", aws_access_key_id="111122223333", aws_secret_access_key="test"
    )
    assert elsewhere.list_functions()["Functions"] == []
    assert someone_else.list_functions()["Functions"] == []
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        invoke(someone_else, "made")
