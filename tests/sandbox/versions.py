"""Function versions for tests of what only looks at their settings."""

from pathlib import Path
from typing import Any

from emulator.model import CodePackage, FunctionVersion


def version(image: str | None = None, **settings: Any) -> FunctionVersion:
    """Return one with a Python runtime, or of an image."""
    code = CodePackage(folder=Path("/code"), sha256="", size_bytes=0, image=image)
    fields = {
        "account": "000000000000",
        "region": "us-east-1",
        "name": "f",
        "deployment": 1,
        "runtime": None if image else "python3.12",
        "handler": "" if image else "app.handler",
        "role": "arn:aws:iam::000000000000:role/r",
        "code": code,
    }
    return FunctionVersion(**{**fields, **settings})
