"""Making what runs equal to what the project's template says: its stack is created or updated."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emulator.control import FunctionStore, MappingStore, Target
from emulator.control.function import Function
from emulator.model import (
    DEFAULT_ACCOUNT,
    DEFAULT_REGION,
    FunctionVersion,
    LambdaError,
    function_arn,
)
from emulator.model.project_stack import (
    ProjectStacks,
    StackOutcome,
    StackRequest,
    TemplateMistake,
    TemplateRefused,
)
from emulator.observe import Reporter
from emulator.project.config import Project, ProjectError
from emulator.project.deployer import ProjectChanges
from emulator.project.local_template import BuildNeed, LocalTemplate, localized
from emulator.project.sam_build import BUILT_TEMPLATE
from emulator.project.sam_config import FILE_NAME as SAM_CONFIG
from emulator.project.sam_config import SamConfig, read_sam_config
from emulator.project.table import Problem
from emulator.project.template_events import events_of


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """What the files of a project ask for."""

    config: SamConfig
    local: LocalTemplate
    events: Mapping[str, Sequence[str]]  # by the function's logical id


class TemplateDeployer:
    """Deploys the template of one project folder, again and again; implements Deployer.

    Any thread may call. `_lock` lets one `apply` follow the other: it is held while a stack
    changes.
    """

    needs_port: Final = True  # functions of a stack may have to answer while it is made

    def __init__(
        self,
        project: Project,
        template: Path,
        store: FunctionStore,
        mappings: MappingStore,
        stacks: ProjectStacks,
        reporter: Reporter,
    ) -> None:
        self.project = project
        self.apis: Mapping[str, str] = {}
        self._file = template
        self._store = store
        self._mappings = mappings
        self._stacks = stacks
        self._reporter = reporter
        self._lock = threading.Lock()
        self._is_stopping = False
        self._deployed: _Reading | None = None
        self._names: Mapping[str, str] = {}  # logical ids of functions, by their names
        self._told: list[BuildNeed] = []
        self._left_out: Mapping[str, str] = {}  # types of what was left out, by logical id

    @property
    def files(self) -> Sequence[Path]:
        """The template, and what else has a say in what is deployed."""
        folder = self._file.parent
        local = self._deployed.local if self._deployed else None
        included = local.files if local else ()
        built = [need.source for need in local.builds if need.built] if local else ()
        return [self._file, folder / SAM_CONFIG, folder / BUILT_TEMPLATE, *included, *built]

    def check(self) -> None:
        """Raise ProjectError for mistakes that show without deploying anything."""
        request = _request(self._read())
        try:
            self._stacks.check(request)
        except TemplateRefused as refused:
            raise self._error(refused.mistakes) from None

    def apply(self) -> ProjectChanges:
        """Create or update the stack, if its template differs from the one deployed last.

        Raises ProjectError, and then nothing has changed.
        """
        with self._lock:
            began_s = time.monotonic()
            new = self._read()
            old = self._deployed
            if self._is_stopping:
                return ProjectChanges()
            if old and (old.config, old.local.document) == (new.config, new.local.document):
                self._tell_builds(new.local.builds)
                return ProjectChanges()
            if old is None:
                self._tell_begin(new)
            outcome = self._deploy(new)
            if self._is_stopping:
                return ProjectChanges()
            self._deployed = new
            self._note(outcome)
            if old is None:
                self._tell_first(new, outcome, began_s)
            self._tell_builds(new.local.builds)
            self._tell_left_out(outcome.left_out)
            return ProjectChanges(
                added=outcome.added, changed=outcome.changed, removed=outcome.removed
            )

    def forget(self) -> None:
        """Take everything for gone: the next `apply` creates the stack."""
        with self._lock:
            self._deployed = None

    def forget_kept(self) -> None:
        """Drop what the stack of an earlier process made, with the same --data-dir.

        The other services start empty, so this one's stack is made anew, with the same names.
        """
        names = [version.name for version in self._store.declared()]
        gone = {function_arn(DEFAULT_ACCOUNT, DEFAULT_REGION, name): name for name in names}
        for mapping in self._mappings.all():
            if ":".join(mapping.function_arn.split(":")[:7]) in gone:
                self._mappings.delete(mapping.account, mapping.region, mapping.uuid)
        for name in gone.values():
            self._store.remove(DEFAULT_ACCOUNT, DEFAULT_REGION, name)

    def stop(self) -> None:
        """Have an `apply` that waits for its stack return."""
        self._is_stopping = True
        self._stacks.give_up()

    def roots(self, version: FunctionVersion) -> list[Path | None]:
        """Where the owner of a function edits its code and each layer; None: it was uploaded."""
        found = [each.folder if each.is_live else None for each in (version.code, *version.layers)]
        logical_id = self._logical_id(version)
        if found[0] is None and self._deployed and logical_id:
            found[0] = self._deployed.local.archives.get(logical_id)
        return found

    def triggers_of(self, version: FunctionVersion) -> Sequence[str]:
        """Events that a SAM template has of a function."""
        logical_id = self._logical_id(version)
        return self._deployed.events.get(logical_id, ()) if self._deployed and logical_id else ()

    def _logical_id(self, version: FunctionVersion) -> str | None:
        is_ours = (version.account, version.region) == (DEFAULT_ACCOUNT, DEFAULT_REGION)
        return self._names.get(version.name) if is_ours else None

    def _read(self) -> _Reading:
        folder = self._file.parent
        config = read_sam_config(folder)
        try:
            document = self._stacks.parse(self._file.read_text())
            local = localized(document, folder, self._stacks.parse)
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectError(self._file, [Problem("", f"cannot be read: {error}")]) from None
        except TemplateRefused as refused:
            raise self._error(refused.mistakes) from None
        problems = [*local.problems, *_without_value(document, config.parameters)]
        if problems:
            raise ProjectError(self._file, problems)
        return _Reading(config=config, local=local, events=events_of(document))

    def _deploy(self, new: _Reading) -> StackOutcome:
        try:
            return self._stacks.deploy(_request(new))
        except TemplateRefused as refused:
            raise self._error(refused.mistakes) from None

    def _error(self, mistakes: Sequence[TemplateMistake]) -> ProjectError:
        return ProjectError(self._file, [Problem(each.place, each.text) for each in mistakes])

    def _note(self, outcome: StackOutcome) -> None:
        """Take the stack's functions for the project's."""
        self.apis = outcome.apis
        self._names = {name: logical_id for logical_id, name in outcome.physical_ids.items()}
        for name in self._names:
            with suppress(LambdaError):  # it is no function
                self._store.change(Target(DEFAULT_ACCOUNT, DEFAULT_REGION, name), _declare)

    def _tell_begin(self, new: _Reading) -> None:
        """Seconds pass until CloudFormation is loaded, and functions may have to answer it."""
        self._reporter.event(
            "stack.creating", stack=new.config.stack_name, template=self._file.name
        )

    def _tell_first(self, new: _Reading, outcome: StackOutcome, began_s: float) -> None:
        self._reporter.event(
            "stack.created",
            stack=new.config.stack_name,
            resources=len(outcome.physical_ids),
            ms=(time.monotonic() - began_s) * 1000,
        )

    def _tell_builds(self, builds: Sequence[BuildNeed]) -> None:
        """Say once which functions do not run from their source, or should not."""
        for need in builds:
            if need in self._told:
                continue
            state, hint = "not_built", "run sam build"
            if need.built is not None:
                state = "built_before" if need.is_old else "built"
                hint = "its source was saved since: run sam build" if need.is_old else ""
            self._reporter.event(
                f"template.{state}",
                resource=need.logical_id,
                because=need.why,
                runs_from=need.built or "its source",
                hint=hint or None,
            )
        self._told = list(builds)

    def _tell_left_out(self, left_out: Mapping[str, str]) -> None:
        for name, kind in left_out.items():
            if name not in self._left_out:
                self._reporter.event(
                    "template.left_out",
                    resource=name,
                    type=kind,
                    because="the emulator's stacks cannot make such resources",
                )
        self._left_out = left_out


def _request(reading: _Reading) -> StackRequest:
    return StackRequest(
        name=reading.config.stack_name,
        document=reading.local.document,
        parameters=reading.config.parameters,
        templates=reading.local.templates,
    )


def _without_value(document: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[Problem]:
    parameters = document.get("Parameters")
    for name, slot in parameters.items() if isinstance(parameters, Mapping) else ():
        if name not in given and isinstance(slot, Mapping) and "Default" not in slot:
            text = f"has no value: give it a Default, or parameter_overrides in {SAM_CONFIG}"
            yield Problem(f"Parameters.{name}", text)


def _declare(function: Function) -> None:
    function.is_declared = True
