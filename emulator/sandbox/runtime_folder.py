"""What stands in /var/runtime: the SDK for Python, the runtime itself for Node."""

import importlib.util
from pathlib import Path
from typing import Final

from emulator.model import FunctionVersion

SDK_PACKAGES: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
NODE_RUNTIME: Final = Path(__file__).parent.parent / "runtimes" / "node"


def make_runtime_folder(parent: Path, language: str) -> Path:
    """Make, or find, the folder of links for "python", "nodejs" or "provided"."""
    folder = parent / f"runtime-{language}"
    if not folder.exists():
        folder.mkdir()
        for source in _contents(language):
            (folder / source.name).symlink_to(source)
    return folder


def _contents(language: str) -> list[Path]:
    if language == "nodejs":
        return [NODE_RUNTIME]
    return _sdk() if language == "python" else []


def _sdk() -> list[Path]:
    # Only the SDK is shown to functions: the emulator's other packages would make code work
    # here that fails in AWS.
    found = []
    for name in SDK_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            found.append(origin.parent if origin.name == "__init__.py" else origin)
    return found


def ships_own_sdk(version: FunctionVersion) -> bool:
    """Tell whether the package brings any of the modules a zygote would preload."""
    folder = version.code.folder
    return any(
        (folder / name).is_dir() or (folder / f"{name}.py").is_file() for name in SDK_PACKAGES
    )
