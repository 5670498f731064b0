"""Layers and extensions of a running emulator: from the project's file, and by API."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project_folder import RUNTIME, ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator
from tests.sandbox.test_extensions import SHELL

SOURCE = """
import shared

def handler(event, context):
    return shared.WHO
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> ProjectFolder:
    project = ProjectFolder(tmp_path_factory.mktemp("project"))
    for name, text in (("python/shared.py", "WHO = 'folder'"), ("extensions/watcher", SHELL)):
        path = project.path / "layer" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    project.add("layered", SOURCE, 'layers = ["layer"]')
    return project


@pytest.fixture(scope="module")
def emulator(project: ProjectFolder) -> Iterator[RunningEmulator]:
    with running_emulator(project.path) as emulator:
        yield emulator


def invoke(emulator: RunningEmulator, name: str) -> Any:
    answer = emulator.client("lambda").invoke(FunctionName=name, LogType="Tail")
    return json.load(answer["Payload"])


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name.replace("__", "/") + ".py")
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, text)
    return buffer.getvalue()


def test_a_layer_of_the_project_is_reloaded_when_it_is_saved(
    emulator: RunningEmulator, project: ProjectFolder
) -> None:
    assert invoke(emulator, "layered") == "folder"
    path: Path = project.path / "layer" / "python" / "shared.py"
    path.write_text("WHO = 'saved'")
    assert invoke(emulator, "layered") == "saved"
    emulator.settle()
    lines = emulator.client("logs").filter_log_events(logGroupName="/aws/lambda/layered")
    messages = [event["message"] for event in lines["events"]]
    told = [message for message in messages if message.startswith("watcher got")]
    assert sum("INVOKE" in message for message in told) == 2


def test_a_layer_published_by_api_is_under_opt(emulator: RunningEmulator) -> None:
    client = emulator.client("lambda")
    published = client.publish_layer_version(
        LayerName="shared", Content={"ZipFile": archive(python__shared="WHO = 'published'")}
    )
    client.create_function(
        FunctionName="by-api",
        Runtime=RUNTIME,
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": archive(app=SOURCE)},
        Layers=[published["LayerVersionArn"]],
    )
    assert invoke(emulator, "by-api") == "published"
