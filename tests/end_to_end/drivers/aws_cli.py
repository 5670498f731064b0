"""Calls operations of the Lambda API with the AWS CLI: one JSON line in, one out.

The CLI is the command's own code; it stays in one process, for it takes half a second to start.
"""

import base64
import json
import re
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from awscli.clidriver import create_clidriver  # type: ignore[import-untyped]
from botocore import xform_name

ERROR = re.compile(r"An error occurred \((\w+)\) when calling .*?: (.*)", re.DOTALL)
FLAGS = {"Payload": "--payload", "ZipFile": "--zip-file"}


def arguments(endpoint: str, folder: Path, operation: str, members: dict[str, Any]) -> list[str]:
    """A command line; bytes are read from files, as people have it."""
    command = xform_name(operation, "-")
    line = ["lambda", command, "--endpoint-url", endpoint, "--region", "us-east-1"]
    line += ["--output", "json"]
    for holder in (members, members.get("Code"), members.get("Content")):
        for name, flag in FLAGS.items():
            if isinstance(holder, dict) and name in holder:
                file = folder / name
                file.write_bytes(base64.b64decode(holder.pop(name)["$bytes"]))
                line += [flag, f"fileb://{file}"]
    if operation != "Invoke":
        return [*line, "--cli-input-json", json.dumps(members)]
    for name, value in members.items():  # it knows no --cli-input-json
        line += [f"--{xform_name(name, '-')}", value]
    return [*line, str(folder / "answer")]


def answer(
    cli: Any, endpoint: str, folder: Path, operation: str, members: dict[str, Any]
) -> dict[str, Any]:
    """What the command printed."""
    line = arguments(endpoint, folder, operation, members)
    printed, complaint = StringIO(), StringIO()
    with redirect_stdout(printed), redirect_stderr(complaint):
        status = cli.main(line)
    if status != 0:
        found = ERROR.search(complaint.getvalue())
        assert found is not None, (line, complaint.getvalue())
        return {"error": {"code": found[1], "message": found[2].strip()}}
    response = json.loads(printed.getvalue() or "{}")
    if operation == "Invoke":
        response["Payload"] = (folder / "answer").read_text()
    return {"response": response}


def main() -> None:
    """Answer until there is no further line."""
    cli = create_clidriver()
    with tempfile.TemporaryDirectory() as name:
        for line in sys.stdin:
            asked = json.loads(line)
            made = answer(cli, sys.argv[1], Path(name), asked["operation"], asked["members"])
            sys.stdout.write(json.dumps(made) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
