"""What `sam build` made: code that can run where its source cannot."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from emulator.model.project_stack import TemplateRefused

BUILT_TEMPLATE: Final = Path(".aws-sam", "build", "template.yaml")

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
    is_wanted = any(line.strip() and not line.lstrip().startswith("#") for line in lines)
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
