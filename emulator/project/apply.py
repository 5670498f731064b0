"""Making what runs equal to what the project says, by touching only what differs."""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from emulator.control import CodeStore, FunctionSpec, FunctionStore, Target, too_large
from emulator.model import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    LATEST,
    CodePackage,
    FunctionVersion,
    LambdaError,
    function_arn,
    layer_arn,
)
from emulator.model.hot_reload import ARCHIVES
from emulator.model.resources import Resource
from emulator.model.triggers import Trigger
from emulator.project.config import (
    FILE_NAME,
    Project,
    ProjectError,
    ProjectFunction,
    has_been_emptied,
    load,
)
from emulator.project.deployer import ProjectChanges
from emulator.project.table import Problem

# An editor that empties a file before it writes, or on a full disk, is no reason to drop it all.
_EMPTIED: Final = (
    "is empty or gone, so everything stays as it is."
    " To remove all functions write [functions] into it"
)

Bind = Callable[[Trigger, str], None]  # the trigger, the ARN of its function


class ProjectDeployer:
    """Deploys one project folder with its `emulator.toml`, again and again; implements Deployer.

    Any thread may call. `_lock` lets one `apply` follow the other; store and triggers change
    under it.
    """

    needs_port: Final = False  # who finds the port open finds the functions, too

    def __init__(
        self,
        folder: Path,
        store: FunctionStore,
        code: CodeStore,
        *,
        bind: Bind,
        unbind: Bind,
        ensure: Callable[[Sequence[Resource]], None],
    ) -> None:
        self._store = store
        self._code = code
        self._bind = bind
        self._unbind = unbind
        self._ensure = ensure
        self._lock = threading.Lock()
        self.apis: dict[str, str] = {}
        self.project = Project(folder=folder.absolute())  # as it is deployed now

    @property
    def files(self) -> Sequence[Path]:
        """The one file."""
        return [self.project.folder / FILE_NAME]

    def check(self) -> None:
        """Raise ProjectError for mistakes of the file."""
        load(self.project.folder)

    def apply(self) -> ProjectChanges:
        """Read the project and deploy what differs from what was deployed last.

        Raises ProjectError, also where the file was emptied, and then nothing has changed. A
        function that was changed over the API stays as it is until its part of the file changes.
        """
        with self._lock:
            new = load(self.project.folder)
            if self.project.functions and has_been_emptied(new.folder):
                raise ProjectError(new.folder / FILE_NAME, [Problem("", _EMPTIED)])
            return self._apply(new)

    def forget(self) -> None:
        """Take everything for gone, as it is after a reset: the next `apply` deploys it all."""
        with self._lock:
            self.project = Project(folder=self.project.folder)

    def forget_kept(self) -> None:
        """Nothing is: what the file declares takes the place of what there was."""

    def stop(self) -> None:
        """Nothing waits."""

    def roots(self, version: FunctionVersion) -> list[Path | None]:
        """Where the owner of a function edits its code and each layer; None: it was uploaded."""
        packages = (version.code, *version.layers)
        declared = self.project.functions.get(version.name)
        is_ours = (version.account, version.region) == (DEFAULT_ACCOUNT, DEFAULT_REGION)
        paths: Sequence[Path | None] = [None] * len(packages)
        if declared is not None and is_ours:
            paths = _archives(declared, len(packages))
        return [
            package.folder if package.is_live else path
            for package, path in zip(packages, paths, strict=True)
        ]

    def triggers_of(self, version: FunctionVersion) -> Sequence[str]:
        """Triggers that the file has of a function, each in a few words."""
        declared = self.project.functions.get(version.name)
        return [trigger.summary for trigger in declared.triggers] if declared else []

    def _apply(self, new: Project) -> ProjectChanges:
        old = self.project
        packages = self._packages(new, [name for name in new.functions if _differs(name, old, new)])
        self.project = new
        # Also what the project declared when an earlier process ran it, with the same --data-dir.
        known = dict.fromkeys([*old.functions, *(each.name for each in self._store.declared())])
        gone = [name for name in known if name not in new.functions]
        loose = [bound for bound in _triggers(old) if bound not in _triggers(new)]
        fresh = [bound for bound in _triggers(new) if bound not in _triggers(old)]
        resources = [resource for resource in new.resources if resource not in old.resources]
        if resources:  # one that is no longer named stays, with what is in it
            self._ensure(resources)
        for name, (code, *layers) in packages.items():
            self._store.deploy(_spec(new.functions[name]), code, layers)
        urls = [name for name in new.functions if _url_differs(name, old, new)]
        for name in urls:
            here = Target(DEFAULT_ACCOUNT, DEFAULT_REGION, name)
            self._store.declare_url(here, new.functions[name].url)
        # The old ones first: a trigger that moves to another function overlaps with itself.
        for _, trigger, arn in loose:
            self._unbind(trigger, arn)
        for _, trigger, arn in fresh:
            self._bind(trigger, arn)
        for name in gone:
            self._store.remove(DEFAULT_ACCOUNT, DEFAULT_REGION, name)
        return ProjectChanges(
            added=tuple(name for name in packages if name not in old.functions),
            changed=tuple(name for name in packages if name in old.functions),
            removed=tuple(gone),
            urls_changed=tuple(name for name in urls if name in old.functions),
            triggers_added=tuple(f"{trigger.summary} -> {name}" for name, trigger, _ in fresh),
            triggers_removed=tuple(f"{trigger.summary} -> {name}" for name, trigger, _ in loose),
            resources_added=tuple(resource.summary for resource in resources),
        )

    def _packages(self, project: Project, names: Sequence[str]) -> dict[str, list[CodePackage]]:
        """By function: its code, then its layers in their order."""
        packages: dict[str, list[CodePackage]] = {name: [] for name in names}
        problems = []
        for name in names:
            function = project.functions[name]
            keys = ["code", *(f"layers[{n}]" for n in range(len(function.layers)))]
            sources = (function.image or function.code, *function.layers)
            for key, source in zip(keys, sources, strict=True):
                try:
                    packages[name].append(_package(self._code, source))
                except LambdaError as error:
                    problems.append(Problem(f"functions.{name}.{key}", error.message))
            if function.layers and (problem := too_large(packages[name])):
                problems.append(Problem(f"functions.{name}.layers", problem))
        if problems:
            raise ProjectError(project.folder / FILE_NAME, problems)
        return packages


def _package(code: CodeStore, source: Path | str | None) -> CodePackage:
    assert source is not None  # a function has code or an image
    return code.from_image(source) if isinstance(source, str) else read_code(code, source)


def read_code(code: CodeStore, path: Path) -> CodePackage:
    """Code as `code = …` names it: a folder is taken live, an archive as it is now.

    Raises LambdaError when it is missing or no archive.
    """
    if path.is_file():
        return code.from_zip(path.read_bytes())
    return code.from_folder(path, live=True)


def _archives(function: ProjectFunction, count: int) -> list[Path | None]:
    """The paths of a function's code and layers, where they are archives; `count` in all."""
    paths = [function.code, *function.layers]
    if len(paths) != count:  # its layers were changed over the API
        paths = paths[:1]
    archives = [path if path and path.suffix in ARCHIVES else None for path in paths]
    return [*archives, *[None] * (count - len(archives))]


def _differs(name: str, old: Project, new: Project) -> bool:
    before = old.functions.get(name)
    return before is None or _deployed(before) != _deployed(new.functions[name])


def _url_differs(name: str, old: Project, new: Project) -> bool:
    before = old.functions.get(name)
    return before is None or before.url != new.functions[name].url


def _deployed(function: ProjectFunction) -> ProjectFunction:
    """The function without what takes effect without a new deployment."""
    return replace(function, triggers=(), url=None)


def _triggers(project: Project) -> list[tuple[str, Trigger, str]]:
    """Each trigger with the name of its function and the ARN that it invokes."""
    return [
        (function.name, trigger, _invoked_arn(function))
        for function in project.functions.values()
        for trigger in function.triggers
    ]


def _invoked_arn(function: ProjectFunction) -> str:
    """A durable function is invoked with a qualifier or not at all."""
    qualifier = None if function.durable is None else LATEST
    return function_arn(DEFAULT_ACCOUNT, DEFAULT_REGION, function.name, qualifier)


def _spec(function: ProjectFunction) -> FunctionSpec:
    return FunctionSpec(
        name=function.name,
        runtime=function.runtime,
        handler=function.handler,
        role=function.role,
        is_image=bool(function.image),
        image_config=function.image_config,
        sandbox=function.sandbox,
        description=function.description,
        timeout_s=function.timeout_s,
        memory_mib=function.memory_mib,
        ephemeral_storage_mib=function.ephemeral_storage_mib,
        environment=function.environment or None,
        log_group=function.log_group,
        log_format=function.log_format,
        application_log_level=function.application_log_level,
        system_log_level=function.system_log_level,
        durable=function.durable,
        layers=tuple(_layer_arn(path) for path in function.layers),
    )


def _layer_arn(path: Path) -> str:
    """ARN for a layer that is a file or folder of the project, and nobody has published."""
    name = re.sub(r"[^a-zA-Z0-9-_]", "-", path.stem if path.suffix in ARCHIVES else path.name)
    return layer_arn(DEFAULT_ACCOUNT, DEFAULT_REGION, name[:140]) + ":1"
