"""The functions the benchmarks run: as a project folder, and as zip files for the API."""

import base64
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent / "functions"
PYTHON: Final = f"python3.{sys.version_info.minor}"
NODE: Final = "nodejs22.x"
EVENT_BUCKET: Final = "bench-events"  # each put runs s3_probe
PLAIN_BUCKET: Final = "bench-plain"
TRIGGER: Final = f"""
[resources]
buckets = ["{EVENT_BUCKET}", "{PLAIN_BUCKET}"]

[[functions.s3_probe.triggers]]
source = "s3"
bucket = "{EVENT_BUCKET}"
events = ["s3:ObjectCreated:*"]
"""


def write(folder: Path, functions: Collection[str], more: str = "") -> None:
    """Copy `functions` into `folder` and write an emulator.toml that serves them, and `more`."""
    lines = []
    for name in functions:
        shutil.copytree(SOURCES / name, folder / name)
        lines.append(
            f'[functions.{name}]\ncode = "{name}"\n'
            f'handler = "{_handler(name)}"\nruntime = "{_runtime(name)}"\n'
        )
    if "s3_probe" in functions:
        lines.append(TRIGGER)
    (folder / "emulator.toml").write_text("\n".join([*lines, more]))


def create_request(function: str, source: str) -> bytes:
    """Return the body of CreateFunction; no two packages are equal."""
    return json.dumps(
        {
            "FunctionName": function,
            "Runtime": _runtime(source),
            "Handler": _handler(source),
            "Role": "arn:aws:iam::000000000000:role/bench",
            "Code": {"ZipFile": base64.b64encode(_archive(source, mark=function)).decode()},
        }
    ).encode()


def _archive(source: str, mark: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as package:
        for file in sorted((SOURCES / source).iterdir()):
            if file.is_file():
                package.write(file, file.name)
        package.writestr("mark.txt", mark)
    return data.getvalue()


def _is_node(source: str) -> bool:
    return (SOURCES / source / "index.js").exists()


def _handler(source: str) -> str:
    return "index.handler" if _is_node(source) else "app.handler"


def _runtime(source: str) -> str:
    return NODE if _is_node(source) else PYTHON
