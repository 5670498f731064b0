"""What stands in /var/runtime: the SDK for Python, the runtime itself for Node."""

import importlib.util
import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from emulator.model import FunctionVersion

SDK_PACKAGES: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
_RUNTIMES: Final = Path(__file__).parent.parent / "runtimes"
PYTHON_RUNTIME: Final = tuple(
    _RUNTIMES / "python" / name
    for name in ("bootstrap.py", "runtime_client.py", "runtime_log.py", "snapshot_restore_py.py")
)
NODE_RUNTIME: Final = _RUNTIMES / "node"
RUBY_RUNTIME: Final = _RUNTIMES / "ruby"
_making = threading.Lock()


def make_runtime_folder(
    parent: Path, language: str, brought: Path | None = None, *, has_debugger: bool = False
) -> Path:
    """Make, or find, the folder of links for a language.

    brought: a folder from elsewhere that stands there under its own name: the `node_modules` of
    the SDK, the compiled runtime of Java. has_debugger: with what debugs Python functions.
    """
    name = f"runtime-{language}{'' if brought is None else '-' + brought.name}"
    folder = parent / (f"{name}-debugger" if has_debugger else name)
    with _making:  # zygotes of several Pythons start at the same time
        if not folder.exists():
            folder.mkdir()
            more = [*([] if brought is None else [brought]), *(_debugger() if has_debugger else ())]
            for source in [*_contents(language), *more]:
                (folder / source.name).symlink_to(source)
    return folder


def _contents(language: str) -> list[Path]:
    if language == "nodejs":
        return [NODE_RUNTIME]
    if language == "ruby":
        return [RUBY_RUNTIME]
    return [*_sdk(), *PYTHON_RUNTIME] if language == "python" else []


def _debugger() -> list[Path]:
    return [_RUNTIMES / "python" / "lambda_emulator_debugger.py", *_packages(("debugpy",))]


def _sdk() -> list[Path]:
    # Only the SDK is shown to functions: the emulator's other packages would make code work
    # here that fails in AWS.
    return _packages(SDK_PACKAGES)


def _packages(names: Iterable[str]) -> list[Path]:
    found = []
    for name in names:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            found.append(origin.parent if origin.name == "__init__.py" else origin)
    return found


def shadows_preloaded(version: FunctionVersion) -> bool:
    """Tell whether the package brings a module that a zygote with the SDK has imported.

    That is the SDK itself, or a module named like one of the standard library's.
    """
    if _holds_preloaded(version.code.folder):
        return True
    return any(
        _holds_preloaded(folder)
        for layer in version.layers
        for folder in (
            layer.folder / "python",
            *layer.folder.glob("python/lib/python3.*/site-packages"),
        )
    )


def _holds_preloaded(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(map(_is_preloaded_module, entries))
    except (FileNotFoundError, NotADirectoryError):  # a layer without anything for Python
        return False


def _is_preloaded_module(entry: os.DirEntry[str]) -> bool:
    name, _, suffix = entry.name.partition(".")
    if name not in SDK_PACKAGES and name not in sys.stdlib_module_names:
        return False
    return suffix.endswith(("py", "so")) or os.path.exists(f"{entry.path}/__init__.py")


def needs_fresh_start(version: FunctionVersion) -> bool:
    """Tell whether a Python that has started already cannot become this function.

    Some variables and LD_LIBRARY_PATH are read only by a process that starts.
    """
    folder = version.code.folder
    libraries = (folder, folder / "lib", *(layer.folder / "lib" for layer in version.layers))
    return any(map(_is_read_at_start, version.environment)) or any(
        next(place.glob("lib*.so*"), None) for place in libraries
    )


def _is_read_at_start(variable: str) -> bool:
    is_special = variable.startswith(("LD_", "PYTHON")) and variable != "PYTHONPATH"
    return is_special or variable == "AWS_LAMBDA_EXEC_WRAPPER"
