"""Which image a function runs in."""

import re
from collections.abc import Mapping
from typing import Final

from emulator.model import FunctionVersion

# AWS's own, whose tags tell the processor: public.ecr.aws/lambda/python:3.12-arm64
_REGISTRY: Final = "public.ecr.aws/lambda"
_RUNTIME: Final = re.compile(r"(python|nodejs|java|dotnet|ruby|provided)\.?(.+?)(\.x)?")
PLATFORMS: Final = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}


def image_name(version: FunctionVersion, replaced: Mapping[str, str]) -> str:
    """Return the name of the image that `version` runs in.

    replaced: images to take for runtimes, instead of AWS's.
    """
    if version.code.image is not None:
        return version.code.image
    runtime = version.runtime or ""
    if runtime in replaced:
        return replaced[runtime]
    match = _RUNTIME.fullmatch(runtime)
    assert match is not None, runtime  # every runtime that a function may have has this form
    return f"{_REGISTRY}/{match[1]}:{match[2]}-{version.architecture}"
