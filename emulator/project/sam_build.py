"""What `sam build` made: code that can run where its source cannot."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from emulator.model.project_stack import TemplateRefused
from emulator.project.ignored import is_ignored

BUILT_TEMPLATE: Final = Path(".aws-sam", "build", "template.yaml")

_IN_PYTHON: Final = ("boto3", "botocore")  # what the runtime has itself

Parse = Callable[[str], Mapping[str, Any]]


class SamBuild:
    """The folder `.aws-sam/build` of a project, as it was when this was made; it may be missing."""

    def __init__(self, folder: Path, parse: Parse) -> None:
        """Read it; a template that `sam build` has not finished yet is none."""
        self.file = folder / BUILT_TEMPLATE
        try:
            document = parse(self.file.read_text())
        except (OSError, UnicodeDecodeError, TemplateRefused):
            document = {}
        found = document.get("Resources")
        self._resources: Mapping[str, Any] = found if isinstance(found, Mapping) else {}

    def code(self, logical_id: str, name: str) -> Path | None:
        """The folder or file that was built for a function or a layer.

        name: of the property that names it in the template.
        """
        value = self._property(logical_id, name)
        if not isinstance(value, str):
            return None
        path = self.file.parent / value
        return path if path.exists() else None

    def image(self, logical_id: str) -> str | None:
        """Name of the image that was built for a function."""
        value = self._property(logical_id, "ImageUri")
        return value if isinstance(value, str) else None

    def _property(self, logical_id: str, name: str) -> Any:
        resource = self._resources.get(logical_id)
        properties = resource.get("Properties") if isinstance(resource, Mapping) else None
        return properties.get(name) if isinstance(properties, Mapping) else None

    def is_older_than(self, source: Path) -> bool:
        """Whether a file below a folder was saved after `sam build` had ended."""
        try:
            built_s = self.file.stat().st_mtime
            return any(saved_s > built_s for saved_s in _saved_s(source))
        except OSError:  # gone meanwhile
            return False


def _saved_s(folder: Path) -> Iterator[float]:
    """When each file below a folder was saved last."""
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_ignored(name)]
        for name in files:
            if not is_ignored(name):
                yield os.stat(os.path.join(path, name)).st_mtime


def why_built(resource: Mapping[str, Any], source: Path, runtime: object) -> str | None:
    """Why a function's or layer's source cannot run before it is built; None: it can.

    source: its folder, or an archive. runtime: as the template has it.
    """
    metadata = resource.get("Metadata")
    wanted = metadata if isinstance(metadata, Mapping) else {}
    if wanted.get("SkipBuild") in (True, "true", "True") or not source.is_dir():
        return None
    if method := wanted.get("BuildMethod"):
        return f"BuildMethod {method}"
    language = next((name for name in _MANIFESTS if str(runtime).startswith(name)), None)
    return _MANIFESTS[language](source) if language else None


def _python(source: Path) -> str | None:
    lines = _text(source / "requirements.txt").splitlines()
    wanted = (re.match(r"[^#\s]\S*?(?=[\s\[<>=!~;#]|$)", line.strip()) for line in lines)
    is_wanted = any(found and found[0].lower() not in _IN_PYTHON for found in wanted)
    return "requirements.txt" if is_wanted else None


def _node(source: Path) -> str | None:
    if (source / "node_modules").is_dir():
        return None
    try:
        manifest = json.loads(_text(source / "package.json") or "{}")
    except ValueError:
        return None
    has_any = isinstance(manifest, dict) and bool(manifest.get("dependencies"))
    return "package.json has dependencies, and there is no node_modules" if has_any else None


def _ruby(source: Path) -> str | None:
    has_gems = (source / "Gemfile").is_file() and not (source / "vendor").is_dir()
    return "Gemfile" if has_gems else None


def _java(source: Path) -> str | None:
    files = ("pom.xml", "build.gradle", "build.gradle.kts")
    return next((name for name in files if (source / name).is_file()), None)


_MANIFESTS: Final[Mapping[str, Callable[[Path], str | None]]] = {
    "java": _java,
    "nodejs": _node,
    "python": _python,
    "ruby": _ruby,
}


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
