"""The project as its `emulator.toml` describes it."""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from emulator.control import CREATABLE, RESERVED_VARIABLES
from emulator.model import (
    APPLICATION_LOG_LEVELS,
    DEFAULT_ACCOUNT,
    JSON_LOG,
    SYSTEM_LOG_LEVELS,
    TEXT_LOG,
    DurableConfig,
    ImageConfig,
    limits,
    nearest,
)
from emulator.model.durable import SYNC_EXECUTION_S
from emulator.model.function_url import FunctionUrl
from emulator.model.hot_reload import ARCHIVES
from emulator.model.resources import Resource
from emulator.model.triggers import Trigger
from emulator.model.triggers.http import HttpTrigger
from emulator.model.triggers.s3 import S3Trigger
from emulator.model.triggers.sqs import SqsTrigger
from emulator.project import resources
from emulator.project.containers import (
    DockerTable,
    read_docker,
    read_image,
    read_image_config,
    read_sandbox,
)
from emulator.project.durable import read_durable
from emulator.project.table import Problem, Table
from emulator.project.triggers import SOURCES, http, reader, s3
from emulator.project.urls import read_url

FILE_NAME: Final = "emulator.toml"
TEMPLATES: Final = ("template.yaml", "template.yml", "template.json")
DEFAULT_ROLE: Final = f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/lambda-emulator"

RUNTIMES: Final = tuple(
    name for name in CREATABLE if name.startswith(("nodejs", "python", "java", "ruby", "provided"))
)

_ROLE: Final = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
_LOG_GROUP: Final = r"[.\-_/#A-Za-z0-9]{1,512}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectFunction:
    """One `[functions.NAME]` with its triggers."""

    name: str
    code: Path | None  # absolute; an existing folder, .zip or .jar; None: it has an image
    handler: str  # "" with an image
    runtime: str  # "" with an image
    image: str = ""
    image_config: ImageConfig | None = None
    sandbox: str = ""  # "process" or "docker"; "" means that of the emulator
    timeout_s: int = 3
    memory_mib: int = 128
    ephemeral_storage_mib: int = 512
    layers: tuple[Path, ...] = ()  # each as `code`; a later one overwrites an earlier
    environment: Mapping[str, str] = field(default_factory=dict)
    role: str = DEFAULT_ROLE
    description: str = ""
    log_group: str = ""
    url: FunctionUrl | None = None
    durable: DurableConfig | None = None
    log_format: str = TEXT_LOG
    application_log_level: str = ""
    system_log_level: str = ""
    triggers: tuple[Trigger, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EmulatorTable:
    """The `[emulator]` table: settings of the emulator itself; None means the default."""

    retry_delay_scale: float | None = None  # 0.01: asynchronous retries after 0.6 s and 1.2 s
    idle_timeout_s: float | None = None  # an execution environment idle for so long is retired
    freeze: bool | None = None  # nothing of a function runs between invocations
    immediate_states: bool | None = None  # functions are Active at once, never Pending
    sandbox: str = ""  # of functions that do not name one: "process" or "docker"
    docker: DockerTable = field(default_factory=DockerTable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What one folder asks the emulator to run."""

    folder: Path
    functions: Mapping[str, ProjectFunction] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()
    emulator: EmulatorTable = field(default_factory=EmulatorTable)
    nats_url: str | None = None  # `[nats] url`
    template: Path | None = None  # the file that says what there is, alone or by `template`


class ProjectError(ValueError):
    """A project that cannot be loaded: every problem of its file, one a line."""

    def __init__(self, file: Path, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{file}: {problem.line}" for problem in problems))
        self.file = file
        self.problems = tuple(problems)


def load(folder: Path) -> Project:
    """Read the project in `folder`; one without any project file has no functions.

    What a template asks for is read when it is deployed.

    Raises ProjectError with every mistake of the file.
    """
    folder = folder.absolute()
    file = folder / FILE_NAME
    try:
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return _without_file(folder)
    except OSError as error:
        raise ProjectError(file, [Problem("", f"cannot be read: {error.strerror}")]) from None
    problems: list[Problem] = []
    try:
        values = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(file, [Problem("", f"not valid TOML: {error}")]) from None
    project = _Reader(folder, Table(values, "", problems)).project()
    if problems:
        raise ProjectError(file, problems)
    return project


def has_been_emptied(folder: Path) -> bool:
    """Tell whether the project's file has nothing in it, not even a comment, or is not there."""
    try:
        return not (folder / FILE_NAME).read_bytes().strip()
    except OSError:
        return True


def _without_file(folder: Path) -> Project:
    if not folder.is_dir():
        raise ProjectError(folder, [Problem("", "is not a folder. Pass the project's folder.")])
    found = (folder / name for name in TEMPLATES if (folder / name).is_file())
    return Project(folder=folder, template=next(found, None))


def _by_queue(functions: Iterable[ProjectFunction]) -> dict[str, int]:
    """Return the longest timeout of the functions that each queue feeds, in seconds."""
    timeouts_s: dict[str, int] = {}
    for function in functions:
        for trigger in function.triggers:
            if isinstance(trigger, SqsTrigger):
                longest = max(_longest_s(function), timeouts_s.get(trigger.queue, 0))
                timeouts_s[trigger.queue] = longest
    return timeouts_s


def _longest_s(function: ProjectFunction) -> int:
    """How long a batch may take; a durable function has it until the whole execution ends."""
    if function.durable is None:
        return function.timeout_s
    return max(function.timeout_s, min(function.durable.execution_timeout_s, SYNC_EXECUTION_S))


class _Reader:
    """Reads one file; knows its folder and where each trigger stands."""

    def __init__(self, folder: Path, root: Table) -> None:
        self._folder = folder
        self._root = root
        self._triggers: list[tuple[Table, Trigger]] = []
        self._default_sandbox = ""

    def project(self) -> Project:
        declared_resources = self._root.table("resources")
        found = resources.read(declared_resources)
        emulator = self._emulator(self._root.table("emulator"))
        self._default_sandbox = emulator.sandbox
        declared = self._root.table("functions")
        functions = [self._function(declared, name) for name in declared.tables_by_name()]
        nats_url = self._nats_url()
        template = self._template()
        self._root.finish()
        self._note_overlaps()
        return Project(
            folder=self._folder,
            functions={function.name: function for function in functions},
            resources=tuple(resources.fit_queues(found, _by_queue(functions), declared_resources)),
            emulator=emulator,
            nats_url=nats_url,
            template=template,
        )

    def _template(self) -> Path | None:
        """The template that says what there is, beside the settings in this file."""
        if "template" not in self._root:
            return None
        text = self._root.text("template")
        path = Path(os.path.normpath(self._folder / text))
        if text and not path.is_file():
            self._root.problem("template", f'no file "{text}" in {self._folder}')
        for key in ("functions", "resources"):
            if key in self._root:
                self._root.problem(key, "belongs into the template that this file names")
        return path

    def _nats_url(self) -> str | None:
        if "nats" not in self._root:
            return None
        from emulator.project.triggers import nats

        return nats.read_server(self._root.table("nats"))

    def _emulator(self, table: Table) -> EmulatorTable:
        settings = EmulatorTable(
            retry_delay_scale=table.number("retry_delay_scale", low=0),
            idle_timeout_s=table.number("idle_timeout_s", low=1),
            freeze=table.boolean("freeze"),
            immediate_states=table.boolean("immediate_states"),
            sandbox=read_sandbox(table),
            docker=read_docker(table),
        )
        table.finish()
        return settings

    def _function(self, declared: Table, name: str) -> ProjectFunction:
        if not re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", name):
            declared.problem(name, "a function's name has 1 to 64 letters, digits, - or _")
        table = declared.table(name)
        function = ProjectFunction(
            name=name,
            **self._source(table),
            timeout_s=table.integer("timeout_s", 3, low=1, high=limits.TIMEOUT_S),
            memory_mib=table.integer("memory_mib", 128, low=128, high=limits.MEMORY_MIB),
            ephemeral_storage_mib=table.integer(
                "ephemeral_storage_mib", 512, low=512, high=limits.EPHEMERAL_STORAGE_MIB
            ),
            layers=self._layers(table),
            environment=_environment(table.table("environment")),
            role=table.text("role", DEFAULT_ROLE, form=_ROLE, what="the ARN of a role"),
            description=table.text(
                "description", form=r"(?s).{0,256}", what="at most 256 characters"
            ),
            log_group=table.text("log_group", form=_LOG_GROUP, what="a log group's name"),
            log_format=table.option(
                "log_format", (TEXT_LOG, JSON_LOG), "a log format: Text or JSON", TEXT_LOG
            ),
            application_log_level=_log_level(table, "application", APPLICATION_LOG_LEVELS),
            system_log_level=_log_level(table, "system", SYSTEM_LOG_LEVELS),
            url=read_url(table),
            durable=read_durable(table),
            triggers=tuple(self._triggers_of(table)),
        )
        if function.log_format == TEXT_LOG:
            for key in ("application_log_level", "system_log_level"):
                if getattr(function, key):
                    table.problem(key, 'needs log_format = "JSON"')
        table.finish()
        return function

    def _source(self, table: Table) -> dict[str, Any]:
        """What a function is made of: an image, or code with a handler and a runtime."""
        image = read_image(table)
        sandbox = read_sandbox(table)
        image_config = read_image_config(table)
        if not image:
            if image_config is not None:
                table.problem("image_config", "needs image = …")
            runtime = self._runtime(table, sandbox or self._default_sandbox)
            return {
                "code": self._code(table),
                "handler": self._handler(table, runtime),
                "runtime": runtime,
                "sandbox": sandbox,
            }
        if sandbox == "process":
            table.problem("sandbox", "an image runs in Docker only")
        for key in ("code", "handler", "runtime"):
            if key in table:
                table.problem(key, "a function has either an image or code, handler and runtime")
                table.text(key)
        return {
            "code": None,
            "handler": "",
            "runtime": "",
            "image": image,
            "image_config": image_config,
            "sandbox": sandbox,
        }

    def _code(self, table: Table) -> Path:
        return self._package(table, "code", table.text("code", required=True))

    def _layers(self, table: Table) -> tuple[Path, ...]:
        named = table.texts("layers")
        if len(named) > limits.LAYERS:
            table.problem(
                "layers", f"has {len(named)} layers; a function has {limits.LAYERS} at most"
            )
        return tuple(self._package(table, key, text) for key, text in named)

    def _package(self, table: Table, key: str, text: str) -> Path:
        """A folder or an archive that `key` names."""
        path = Path(os.path.normpath(self._folder / text))
        if not text or path.is_dir() or (path.is_file() and path.suffix in ARCHIVES):
            return path
        if path.exists():
            table.problem(key, f'"{text}" is neither a folder nor a .zip or .jar file')
        else:
            siblings = sorted(os.listdir(path.parent)) if path.parent.is_dir() else []
            found = f'no file or folder "{text}" in {self._folder}'
            table.problem(key, found + nearest(path.name, siblings))
        return path

    def _runtime(self, table: Table, sandbox: str) -> str:
        if sandbox == "docker":
            return table.choice("runtime", CREATABLE, "a runtime of Lambda")
        if (runtime := table.text("runtime")) in CREATABLE and runtime not in RUNTIMES:
            table.problem("runtime", f'"{runtime}" needs sandbox = "docker"')
            return ""
        return table.choice("runtime", RUNTIMES, "a runtime of Lambda")

    def _handler(self, table: Table, runtime: str) -> str:
        form, what = r"\S{1,128}", "a handler: 1 to 128 characters, no spaces"
        if runtime.startswith(("python", "nodejs")):
            form, what = r"(?=.{1,128}$)[^\s.][^\s]*\.[^\s.]+", 'a handler like "app.handler"'
        return table.text("handler", required=True, form=form, what=what)

    def _triggers_of(self, table: Table) -> Iterator[Trigger]:
        for entry in table.tables("triggers"):
            trigger = self._trigger(entry)
            if trigger is not None:
                self._triggers.append((entry, trigger))
                yield trigger

    def _trigger(self, table: Table) -> Trigger | None:
        source = table.text("source", required=True)
        read = reader(source)
        if read is not None:
            trigger = read(table)
            table.finish()
            return trigger
        if source:
            table.problem(
                "source", f'"{source}" is no event source{nearest(source, SOURCES, is_whole=True)}'
            )
        return None

    def _note_overlaps(self) -> None:
        s3.note_overlaps(
            [(table, found) for table, found in self._triggers if isinstance(found, S3Trigger)]
        )
        http.note_overlaps(
            [(table, found) for table, found in self._triggers if isinstance(found, HttpTrigger)]
        )


def _log_level(table: Table, kind: str, levels: tuple[str, ...]) -> str:
    return table.option(f"{kind}_log_level", levels, f"a level: {', '.join(levels)}")


def _environment(table: Table) -> dict[str, str]:
    for name in table:
        if name in RESERVED_VARIABLES:
            table.problem(name, "is reserved: Lambda sets it itself")
        elif not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]+", name):
            table.problem(name, "a variable's name has 2 or more letters, digits or _")
    variables = {name: table.text(name) for name in table}
    if len(json.dumps(variables, separators=(",", ":")).encode()) > limits.ENVIRONMENT_BYTES:
        table.problem("", f"is larger than {limits.ENVIRONMENT_BYTES} bytes")
    return variables
