"""Three clients of the Lambda API that are driven alike: boto3, the AWS CLI and Node's SDK."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from botocore import xform_name
from botocore.exceptions import ClientError

from tests.running_emulator import RunningEmulator

FOLDER = Path(__file__).parent
NODE_SDK = FOLDER / "node_sdk"


class Refused(Exception):
    """An answer that is no success; `code` is the error's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Driver(Protocol):
    """Calls an operation by its name in the service model."""

    def __call__(self, operation: str, /, **members: Any) -> dict[str, Any]:
        """The members of the answer; bytes are text, and dates too. Raises Refused."""


class Boto3:
    """boto3 in the test's own process."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self._client = emulator.client("lambda")

    def __call__(self, operation: str, /, **members: Any) -> dict[str, Any]:
        try:
            answer = getattr(self._client, xform_name(operation))(**members)
        except ClientError as error:
            told: Any = error.response["Error"]
            raise Refused(told["Code"], told["Message"]) from None
        del answer["ResponseMetadata"]
        if "Payload" in answer:
            answer["Payload"] = answer["Payload"].read().decode()
        return json.loads(json.dumps(answer, default=datetime.isoformat))  # type: ignore[no-any-return]


class Child:
    """A client in a process of its own, which gets a JSON line for each call."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self, operation: str, /, **members: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"operation": operation, "members": members}
        self._process.stdin.write(json.dumps(asked, default=_bytes) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the client ended at {operation}"
        answer: Mapping[str, Any] = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"]["code"], answer["error"]["message"])
        return dict(answer["response"])


def _bytes(value: bytes) -> Mapping[str, str]:
    return {"$bytes": base64.b64encode(value).decode()}


@contextmanager
def aws_cli(emulator: RunningEmulator) -> Iterator[Driver]:
    """The AWS CLI, as its command runs it."""
    with _child([sys.executable, str(FOLDER / "aws_cli.py"), emulator.endpoint]) as child:
        yield child


@contextmanager
def node_sdk(emulator: RunningEmulator) -> Iterator[Driver]:
    """The AWS SDK for JavaScript v3, made by `make node-client`."""
    with _child(["node", str(NODE_SDK / "driver.mjs"), emulator.endpoint]) as child:
        yield child


@contextmanager
def _child(command: Sequence[str]) -> Iterator[Child]:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_PAGER": ""}

    with subprocess.Popen(command, env=os.environ | keys, **pipes) as process:
        try:
            yield Child(process)
        finally:
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.close()  # so the child ends, and `Popen` waits for that
