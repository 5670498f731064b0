"""A template with what it names of its folder made into what a stack takes.

The same properties that `aws cloudformation package` and `sam package` take local paths in. They
upload what they find; here code runs from where it is.
"""

import copy
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeGuard

from emulator.model import nearest
from emulator.model.hot_reload import ARCHIVES, HOT_RELOAD_BUCKET
from emulator.model.project_stack import TEMPLATE_BUCKET, TemplateRefused
from emulator.project.sam_build import Parse, SamBuild, why_built
from emulator.project.table import Problem

_SAM_FUNCTION: Final = "AWS::Serverless::Function"
_FUNCTIONS: Final = (_SAM_FUNCTION, "AWS::Lambda::Function")
_SAM: Final = ("Bucket", "Key")
_PLAIN: Final = ("S3Bucket", "S3Key")
_CODE: Final[Mapping[str, tuple[str, tuple[str, str]]]] = {  # property, how it names an object
    "AWS::Lambda::Function": ("Code", _PLAIN),
    "AWS::Lambda::LayerVersion": ("Content", _PLAIN),
    "AWS::Serverless::Function": ("CodeUri", _SAM),
    "AWS::Serverless::LayerVersion": ("ContentUri", _SAM),
}
_INCLUDED: Final[Mapping[str, tuple[str, str]]] = {  # property, the one its content goes into
    "AWS::ApiGateway::RestApi": ("BodyS3Location", "Body"),
    "AWS::ApiGatewayV2::Api": ("BodyS3Location", "Body"),
    "AWS::Serverless::Api": ("DefinitionUri", "DefinitionBody"),
    "AWS::Serverless::HttpApi": ("DefinitionUri", "DefinitionBody"),
    "AWS::Serverless::StateMachine": ("DefinitionUri", "Definition"),
    "AWS::StepFunctions::StateMachine": ("DefinitionS3Location", "Definition"),
}
_NESTED: Final = {
    "AWS::CloudFormation::Stack": "TemplateURL",
    "AWS::Serverless::Application": "Location",
}
_REMOTE: Final = ("s3://", "http://", "https://", "arn:")
_NAME_LENGTH: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildNeed:
    """A function or layer whose source cannot run as it is."""

    logical_id: str
    why: str
    source: Path
    built: Path | None  # what `sam build` made of it; None: nothing, so its source is used
    is_old: bool = False  # the source was saved after that


@dataclass(slots=True)
class LocalTemplate:
    """What can be deployed of a template, and what was noted on the way."""

    document: dict[str, Any]
    archives: dict[str, Path] = field(default_factory=dict)  # code by the function's logical id
    files: list[Path] = field(default_factory=list)  # whose content is part of it now
    templates: dict[str, str] = field(default_factory=dict)  # by key in TEMPLATE_BUCKET
    builds: list[BuildNeed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def localized(document: Mapping[str, Any], folder: Path, parse: Parse) -> LocalTemplate:
    """Read what a template names of `folder`, where it stands itself.

    Functions without a name are called by their logical id.
    """
    made = LocalTemplate(document=copy.deepcopy(dict(document)))
    _Reader(made, folder, parse).read()
    return made


class _Reader:
    """Changes one template in place."""

    def __init__(
        self, made: LocalTemplate, folder: Path, parse: Parse, outer: tuple[Path, ...] = ()
    ) -> None:
        """outer: the files of templates that this one is in, and its own; () is the project's."""
        self._outer = outer
        self._made = made
        self._folder = folder
        self._parse = parse
        self._build = SamBuild(folder, parse)
        self._defaults = _globals(made.document)

    def read(self) -> None:
        resources = self._made.document.get("Resources")
        if not isinstance(resources, dict):
            return  # the stack says so
        taken = {_name(each) for each in resources.values()}
        for name, resource in resources.items():
            if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
                continue  # the stack says so
            properties = resource.setdefault("Properties", {})
            if not isinstance(properties, dict):
                continue
            self._resource(name, resource, properties)
            # In a template that stands in others twice each function would be there twice.
            is_named = resource["Type"] in _FUNCTIONS and not self._outer
            if is_named and name not in taken and len(name) <= _NAME_LENGTH:
                properties.setdefault("FunctionName", name)
        if isinstance(self._defaults.get("CodeUri"), str):
            del self._defaults["CodeUri"]  # each function has it now
        self._made.document = self._including(self._made.document, "")

    def _resource(self, name: str, resource: dict[str, Any], properties: dict[str, Any]) -> None:
        kind = resource["Type"]
        if kind in _FUNCTIONS and self._is_image(properties):
            self._image(name, properties)
        elif kind in _CODE:
            self._code(name, resource, properties)
        elif kind in _INCLUDED:
            self._included(name, kind, properties)
        elif kind in _NESTED:
            self._nested(name, _NESTED[kind], properties)

    # Code.

    def _code(self, name: str, resource: dict[str, Any], properties: dict[str, Any]) -> None:
        kind = resource["Type"]
        key, members = _CODE[kind]
        if kind == _SAM_FUNCTION:
            if "InlineCode" in properties:
                return
            properties.setdefault(key, self._defaults.get(key, "."))
        if not _is_local(properties.get(key)):
            return
        source = self._found(name, key, properties[key])
        if source is None:
            return
        path = self._runnable(name, key, resource, source)
        if path.is_file():
            self._archive(name, key, path)
        properties[key] = dict(zip(members, (HOT_RELOAD_BUCKET, str(path)), strict=True))

    def _runnable(self, name: str, key: str, resource: Mapping[str, Any], source: Path) -> Path:
        """What was built, where the source cannot run as it is; else the source."""
        runtime = resource["Properties"].get("Runtime", self._defaults.get("Runtime"))
        why = why_built(resource, source, runtime)
        if why is None:
            return source
        built = self._build.code(name, key)
        is_old = built is not None and self._build.is_older_than(source)
        need = BuildNeed(logical_id=name, why=why, source=source, built=built, is_old=is_old)
        self._made.builds.append(need)
        return built or source

    def _archive(self, name: str, key: str, path: Path) -> None:
        if path.suffix not in ARCHIVES:
            text = f'"{path.name}" is neither a folder nor a .zip or .jar file'
            self._problem(name, key, text)
        self._made.archives[name] = path

    def _is_image(self, properties: Mapping[str, Any]) -> bool:
        return bool(properties.get("PackageType", self._defaults.get("PackageType")) == "Image")

    def _image(self, name: str, properties: dict[str, Any]) -> None:
        code = properties.get("Code")
        if "ImageUri" in properties or isinstance(code, Mapping):
            return
        image = self._build.image(name)
        if image is None:
            self._problem(name, "ImageUri", "is missing: give it, or have `sam build` make it")
        else:
            properties["ImageUri"] = image

    # Other files.

    def _included(self, name: str, kind: str, properties: dict[str, Any]) -> None:
        key, target = _INCLUDED[kind]
        if _is_local(properties.get(key)):
            content = self._content(name, key, properties.pop(key))
            properties.setdefault(target, content)

    def _nested(self, name: str, key: str, properties: dict[str, Any]) -> None:
        """Another template, whose paths are relative to where it stands."""
        if not _is_local(location := properties.get(key)):
            return
        file = Path(os.path.normpath(self._folder / location))
        if file in self._outer:
            self._problem(name, key, f'"{location}" is a template that this one is part of')
            return
        inner = LocalTemplate(document=self._content(name, key, location))
        _Reader(inner, file.parent, self._parse, (*self._outer, file)).read()
        properties[key] = self._take(name, inner)
        for problem in inner.problems:
            self._problem(name, key, f"{location}: {problem.line}")

    def _take(self, name: str, inner: LocalTemplate) -> str:
        """Take over what was noted of a template in this one; returns its address."""
        made = self._made
        made.files += inner.files
        made.archives |= {f"{name}/{each}": path for each, path in inner.archives.items()}
        for need in inner.builds:
            made.builds.append(replace(need, logical_id=f"{name}/{need.logical_id}"))
        text = json.dumps(inner.document, default=str)
        object_key = f"{hashlib.sha256(text.encode()).hexdigest()}.json"
        made.templates |= {**inner.templates, object_key: text}
        return f"https://s3.amazonaws.com/{TEMPLATE_BUCKET}/{object_key}"

    def _including(self, value: Any, place: str) -> Any:
        """With local files of the transform AWS::Include in its place."""
        if isinstance(value, list):
            return [self._including(item, place) for item in value]
        if not isinstance(value, dict):
            return value
        match value.get("Fn::Transform"):
            case {"Name": "AWS::Include", "Parameters": {"Location": location}} if _is_local(
                location
            ):
                others = {key: each for key, each in value.items() if key != "Fn::Transform"}
                return {**others, **self._content(place, "Location", location)}
        return {
            key: self._including(each, key if place == "Resources" else place or key)
            for key, each in value.items()
        }

    def _content(self, name: str, key: str, location: str) -> dict[str, Any]:
        file = self._found(name, key, location)
        if file is None:
            return {}
        self._made.files.append(file)
        try:
            return dict(self._parse(file.read_text()))
        except (OSError, UnicodeDecodeError) as error:
            self._problem(name, key, f'"{location}" cannot be read: {error}')
        except TemplateRefused as refused:
            self._problem(name, key, f'"{location}": {refused}')
        return {}

    def _found(self, name: str, key: str, location: str) -> Path | None:
        path = Path(os.path.normpath(self._folder / location))
        if path.exists():
            return path
        siblings = (
            sorted(each.name for each in path.parent.iterdir()) if path.parent.is_dir() else []
        )
        text = f'no file or folder "{location}" in {self._folder}{nearest(path.name, siblings)}'
        self._problem(name, key, text)
        return None

    def _problem(self, name: str, key: str, text: str) -> None:
        self._made.problems.append(Problem(f"Resources.{name}.Properties.{key}", text))


def _is_local(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and not value.startswith(_REMOTE)


def _globals(document: Mapping[str, Any]) -> dict[str, Any]:
    """What `Globals` says of functions."""
    section = document.get("Globals")
    found = section.get("Function") if isinstance(section, Mapping) else None
    return found if isinstance(found, dict) else {}


def _name(resource: object) -> object:
    properties = resource.get("Properties") if isinstance(resource, Mapping) else None
    found = properties.get("FunctionName") if isinstance(properties, Mapping) else None
    return found if isinstance(found, str) else None
