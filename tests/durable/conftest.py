"""Durable functions, written with AWS's SDK, in a real emulator."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aws_durable_execution_sdk_python as sdk
import pytest

from tests.durable.functions import SOURCE
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

PLAIN = ("plain", "raises")
DURABLE = (
    *("steps", "sleeper", "retries", "gives_up", "asks", "waits_for", "fans_out", "calls"),
    *("crashes", "raises_at_once", "large", "idle", "says_nonsense", "polls", "echo", "deep"),
    *("pauses_itself", "checkpoints_by_hand", "works_long"),
)


def sdk_layer(path: Path) -> Path:
    """The SDK that the tests have installed, as a layer."""
    root = Path(sdk.__file__).parent
    with zipfile.ZipFile(path, "w") as layer:
        for file in sorted(root.rglob("*.py")):
            name = Path("python") / file.relative_to(root.parent)
            layer.writestr(zipfile.ZipInfo(str(name)), file.read_text())
    return path


class Durable:
    """What a test asks a running emulator."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self.emulator = emulator
        self.client = emulator.client("lambda")

    def start(self, function: str, event: object = None, **members: Any) -> str:
        """Start an execution that nobody waits for; returns its ARN."""
        answer = self.client.invoke(
            FunctionName=function,
            Qualifier="$LATEST",
            InvocationType="Event",
            Payload=json.dumps(event or {}),
            **members,
        )
        assert answer["StatusCode"] == 202
        return str(answer["DurableExecutionArn"])

    def run(self, function: str, event: object = None, **members: Any) -> Any:
        """Run an execution to its end; returns the answer of Invoke with its payload read."""
        answer = self.client.invoke(
            FunctionName=function,
            Qualifier="$LATEST",
            Payload=json.dumps(event or {}),
            **members,
        )
        return {**answer, "Payload": json.load(answer["Payload"])}

    def get(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get_durable_execution(DurableExecutionArn=arn)
        return found

    def status(self, arn: str) -> str:
        """How an execution stands when nothing runs and nothing is due."""
        self.emulator.settle()
        return str(self.get(arn)["Status"])

    def result(self, arn: str) -> Any:
        self.emulator.settle()
        found = self.get(arn)
        assert found["Status"] == "SUCCEEDED", found
        return json.loads(found["Result"])

    def history(self, arn: str, **members: Any) -> list[dict[str, Any]]:
        members = {"IncludeExecutionData": True, **members}
        answer = self.client.get_durable_execution_history(DurableExecutionArn=arn, **members)
        events: list[dict[str, Any]] = answer["Events"]
        return events

    def kinds(self, arn: str) -> list[str]:
        """What happened, without the invocations."""
        kinds = [event["EventType"] for event in self.history(arn)]
        return [kind for kind in kinds if kind != "InvocationCompleted"]

    def callback(self, arn: str) -> str:
        """The id of the callback that was started last."""
        self.emulator.settle()
        started = [each for each in self.history(arn) if each["EventType"] == "CallbackStarted"]
        return str(started[-1]["CallbackStartedDetails"]["CallbackId"])


def project_of(path: Path, names: Sequence[str] = (*DURABLE, *PLAIN)) -> ProjectFolder:
    """A project with functions of `functions.py`."""
    folder = ProjectFolder(path)
    sdk_layer(path / "sdk.zip")
    common = 'layers = ["sdk.zip"]\ntimeout_s = 60\nmemory_mib = 256\n'
    for name in names:
        table = f"[functions.{name}.durable]\nexecution_timeout_s = 900\nretention_days = 2\n"
        source = SOURCE.replace("= NAME", f"= {name}")
        folder.add(name, source, common + ("" if name in PLAIN else table))
    return folder


@pytest.fixture(scope="package")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Durable]:
    folder = project_of(tmp_path_factory.mktemp("durable"))
    with running_emulator(folder.path, "--no-watch") as emulator:
        yield Durable(emulator)
