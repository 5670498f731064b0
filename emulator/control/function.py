"""One function: what runs now, its published versions and aliases, and its policies."""

import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeGuard

from emulator.control.alias import Alias, check_provisionable, check_routing, missing_version
from emulator.control.lifecycle import TIMED, Phase, Signal, step
from emulator.control.policy import ResourcePolicy
from emulator.control.publication import Publication
from emulator.control.snap_start import check_without_snap_start
from emulator.control.spec import FunctionSpec
from emulator.control.validation import check_spec
from emulator.control.violations import invalid
from emulator.model import (
    LATEST,
    LATEST_PUBLISHED,
    CodePackage,
    EventInvokeConfig,
    FunctionVersion,
    LambdaError,
)
from emulator.model.function_url import FunctionUrl
from emulator.model.provisioned import ProvisionedConcurrency
from emulator.model.snapshot import SnapshotOutcome

_DEPLOYMENTS: Final = itertools.count(1)  # unique in the process: see FunctionVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionConfiguration:
    """`$LATEST` or one published version, as the API shows it."""

    spec: FunctionSpec
    version: FunctionVersion  # the same settings, with the code, as a sandbox wants them
    phase: Phase
    revision_id: str
    modified_at: float  # seconds since the epoch
    snapshot: SnapshotOutcome | None = None  # of a version with SnapStart, once that is known


@dataclass(kw_only=True, slots=True)
class Function:
    """A function and what belongs to it. Owned by the store, touched only under its lock."""

    latest: FunctionConfiguration
    published: dict[str, FunctionConfiguration] = field(default_factory=dict)  # ascending
    last_number: int = 0  # never counts back, also when versions are deleted
    published_spec: FunctionSpec | None = None  # of `$LATEST` when the last version was made
    aliases: dict[str, Alias] = field(default_factory=dict)  # by name
    tags: Mapping[str, str] = field(default_factory=dict)
    policies: dict[str | None, ResourcePolicy] = field(default_factory=dict)  # by qualifier
    invoke_configs: dict[str, EventInvokeConfig] = field(default_factory=dict)  # by qualifier
    urls: dict[str, FunctionUrl] = field(default_factory=dict)  # by qualifier
    reserved_concurrency: int | None = None
    code_signing_arn: str | None = None  # of the CodeSigningConfig that its code is checked by
    provisioned: dict[str, ProvisionedConcurrency] = field(default_factory=dict)  # by qualifier
    is_declared: bool = False  # by the project's file: it goes when it is no longer in there
    recursive_loop: str = "Terminate"
    settles_at: float = 0.0  # on Clock.monotonic: when CREATING and UPDATING end

    def copy(self) -> "Function":
        """Another one that does not change with this one."""
        return replace(
            self,
            published=dict(self.published),
            aliases=dict(self.aliases),
            policies=dict(self.policies),
            invoke_configs=dict(self.invoke_configs),
            urls=dict(self.urls),
            provisioned=dict(self.provisioned),
        )

    @property
    def provisioned_executions(self) -> int:
        """The provisioned concurrency of all its versions."""
        return sum(config.executions for config in self.provisioned.values())

    @property
    def set_aside(self) -> int:
        """What it takes of its account's concurrency for itself, whether it runs or not."""
        if self.reserved_concurrency is None:
            return self.provisioned_executions
        return self.reserved_concurrency

    def provisioned_versions(self, *, but_by: str | None = None) -> dict[str, int]:
        """The provisioned concurrency of each version that has some; an alias's is its version's.

        but_by: a qualifier that is left out.
        """
        return {
            self.aliases[qualifier].version if qualifier in self.aliases else qualifier: (
                config.executions
            )
            for qualifier, config in self.provisioned.items()
            if qualifier != but_by
        }

    def provision(self, qualifier: str, config: ProvisionedConcurrency) -> None:
        """Set the provisioned concurrency of a version, or of the one an alias points at."""
        number = self._provisionable(qualifier)
        self.provisioned[qualifier] = config
        self.published[number] = replace(self.published[number], revision_id=str(uuid.uuid4()))

    def _provisionable(self, qualifier: str) -> str:
        others = self.provisioned_versions(but_by=qualifier)
        alias = self.aliases.get(qualifier)
        if alias is None:
            if qualifier in others:
                text = "Version is pointed by a Provisioned Concurrency alias"
                raise LambdaError("ResourceConflictException", text)
            return qualifier
        check_provisionable(alias, others)
        if alias.weights:  # shared afterwards, what its first version has stays with it
            raise invalid("Alias with weights can not be used with Provisioned Concurrency")
        return alias.version

    def change_spec(
        self, qualifier: str | None, change: Callable[[FunctionSpec], FunctionSpec]
    ) -> FunctionConfiguration:
        """Change what is shown of a version, and no environment; raises LambdaError: no version."""
        shown = self.find(qualifier)
        if shown is None:
            raise self._not_found(qualifier)
        changed = replace(shown, spec=change(shown.spec))
        if shown is self.latest:
            self.latest = changed
        else:
            self.published[shown.version.version] = changed
        return changed

    def configurations(self) -> list[FunctionConfiguration]:
        """`$LATEST`, `$LATEST.PUBLISHED`, then the published versions in ascending order."""
        numbers = sorted(self.published, key=LATEST_PUBLISHED.__ne__)  # stable: it comes first
        return [self.latest, *(self.published[number] for number in numbers)]

    def find(self, qualifier: str | None) -> FunctionConfiguration | None:
        """What a qualifier stands for, of an alias its first version; None means `$LATEST`."""
        if qualifier in self.aliases:
            qualifier = self.aliases[qualifier].version
        return self._version(qualifier)

    def routed(
        self, qualifier: str | None, chance: Callable[[], float]
    ) -> FunctionConfiguration | None:
        """What one call of a qualifier runs; `chance` decides where an alias shares its calls."""
        if not self.is_weighted(qualifier):
            return self.find(qualifier)
        return self._version(self.aliases[qualifier].routed(chance()))

    def invoked(self, qualifier: str | None) -> str | None:
        """What a call without a qualifier means: on managed instances only what is published."""
        if qualifier is None and self.latest.spec.capacity is not None:
            return LATEST_PUBLISHED
        return qualifier

    def is_weighted(self, qualifier: str | None) -> TypeGuard[str]:
        """Whether two calls of a qualifier may run different versions."""
        return qualifier in self.aliases and bool(self.aliases[qualifier].weights)

    def _version(self, number: str | None) -> FunctionConfiguration | None:
        if number is None or number == LATEST:
            return self.latest
        return self.published.get(number)

    def check_updatable(self, revision_id: str | None) -> None:
        """Raise LambdaError unless `$LATEST` may be changed, and by who saw that revision of it."""
        if self.latest.phase is not Phase.ACTIVE:
            reason = (
                "The function is currently in the following state: Pending"
                if self.latest.phase is Phase.CREATING
                else f"An update is in progress for resource: {self.latest.spec.arn}"
            )
            raise LambdaError(
                "ResourceConflictException",
                f"The operation cannot be performed at this time. {reason}",
            )
        if revision_id not in (None, self.latest.revision_id):
            raise outdated_revision()

    def changed(self, changes: Mapping[str, Any], revision_id: str | None) -> FunctionSpec:
        """The settings of `$LATEST` with `changes`; raises LambdaError unless they may be made."""
        self.check_updatable(revision_id)
        spec = replace(self.latest.spec, **changes)
        check_spec(spec)
        return spec

    def update(
        self, spec: FunctionSpec, code: CodePackage, layers: Sequence[CodePackage], now: float
    ) -> None:
        """Replace settings, code and layers of `$LATEST`."""
        phase = step(self.latest.phase, Signal.UPDATE)
        self.latest = deployed(spec, code, phase, now, layers=layers)

    def publish(
        self,
        code: CodePackage,
        layers: Sequence[CodePackage],
        publication: Publication,
        description: str,
        now: float,
    ) -> FunctionConfiguration:
        """Make the next version of `$LATEST`, or return the last one when nothing changed.

        code, layers: those of `$LATEST` in a form that does not change any more.
        """
        if publication is Publication.LATEST:
            return self._publish_to_latest(code, layers, description, now)
        newest = self.published.get(str(self.last_number))
        is_unchanged = self.published_spec == self.latest.spec
        if newest and is_unchanged and _hashes(newest.version) == _hashes_of(code, layers):
            return newest
        self.last_number += 1
        number = str(self.last_number)
        self.published_spec = self.latest.spec
        spec = replace(self.latest.spec, description=description or self.latest.spec.description)
        return self._add_version(number, spec, code, layers, now)

    def _publish_to_latest(
        self, code: CodePackage, layers: Sequence[CodePackage], description: str, now: float
    ) -> FunctionConfiguration:
        if self.latest.spec.capacity is None:
            raise invalid("PublishTo is supported for functions with a capacity provider only.")
        before = self.published.get(LATEST_PUBLISHED)
        scaling = None if before is None else before.spec.scaling
        described = description or self.latest.spec.description
        spec = replace(self.latest.spec, description=described, scaling=scaling)
        is_same = before is not None and before.spec == spec
        if before and is_same and _hashes(before.version) == _hashes_of(code, layers):
            return before
        return self._add_version(LATEST_PUBLISHED, spec, code, layers, now)

    def _add_version(
        self,
        number: str,
        spec: FunctionSpec,
        code: CodePackage,
        layers: Sequence[CodePackage],
        now: float,
    ) -> FunctionConfiguration:
        phase = Phase.CREATING if self.latest.phase is not Phase.ACTIVE else Phase.ACTIVE
        if spec.snap_start:
            phase = Phase.OPTIMIZING
        made = deployed(spec, code, phase, now, layers=layers, version=number)
        self.published[number] = made
        self.latest = replace(self.latest, revision_id=str(uuid.uuid4()))
        return made

    def remove_version(self, qualifier: str) -> list[FunctionConfiguration]:
        """Delete a published version and return it; none is no error, as in Lambda."""
        if qualifier == LATEST:
            raise invalid("$LATEST version cannot be deleted without deleting the function.")
        if names := [alias.name for alias in self.aliases.values() if alias.invokes(qualifier)]:
            raise LambdaError(
                "ResourceConflictException",
                "Unable to delete version because the following aliases reference it:"
                f" [{', '.join(sorted(names))}]",
            )
        self._forget(qualifier)
        gone = self.published.pop(qualifier, None)
        return [gone] if gone else []

    def add_alias(self, alias: Alias) -> Alias:
        """Add an alias; raises LambdaError when its name is taken, or its versions do not fit."""
        if alias.name in self.aliases:
            text = f"Alias already exists: {self._arn(alias.name)}"
            raise LambdaError("ResourceConflictException", text)
        return self._save_alias(alias)

    def change_alias(self, name: str, changes: Mapping[str, Any], revision_id: str | None) -> Alias:
        """Change an alias that still has that revision; raises LambdaError as `add_alias`."""
        alias = self.aliases.get(name)
        if alias is None:
            text = f"Alias not found: {self._arn(name)}"
            raise LambdaError("ResourceNotFoundException", text)
        if revision_id not in (None, alias.revision_id):
            raise outdated_revision()
        return self._save_alias(replace(alias, **changes, revision_id=str(uuid.uuid4())))

    def remove_alias(self, name: str) -> None:
        """Delete an alias and what belongs to it; none is no error, as in Lambda."""
        if self.aliases.pop(name, None):
            self._forget(name)

    def _save_alias(self, alias: Alias) -> Alias:
        check_routing(alias)
        missing = missing_version(alias, self.published)
        if missing is not None:
            raise self._not_found(missing)
        if alias.name in self.provisioned:
            check_provisionable(alias, self.provisioned_versions(but_by=alias.name))
            check_without_snap_start(self.published[alias.version].version)
        self.aliases[alias.name] = alias
        return alias

    def _not_found(self, qualifier: str | None) -> LambdaError:
        text = f"Function not found: {self._arn(qualifier)}"
        return LambdaError("ResourceNotFoundException", text)

    def _arn(self, qualifier: str | None) -> str:
        return f"{self.latest.spec.arn}:{qualifier}"

    def _forget(self, qualifier: str) -> None:
        """Delete what belongs to a version or an alias that goes."""
        self.policies.pop(qualifier, None)
        self.invoke_configs.pop(qualifier, None)
        self.provisioned.pop(qualifier, None)

    def check_code_sha256(self, sha256: str | None) -> None:
        """Raise InvalidParameterValueException unless that is the code of `$LATEST`."""
        current = self.latest.version.code.sha256
        if sha256 is not None and sha256 != current:
            raise invalid(
                f"CodeSHA256 ({sha256}) is different from current CodeSHA256 in $LATEST"
                f" ({current}). Please try again with the CodeSHA256 in $LATEST."
            )

    def settle(self) -> None:
        """End every CREATING and UPDATING."""
        if self.latest.phase is not Phase.ACTIVE:
            self.latest = _settled(self.latest)
        for number, configuration in self.published.items():
            if configuration.phase in TIMED:
                self.published[number] = _settled(configuration)

    def optimized(self, version: FunctionVersion, outcome: SnapshotOutcome) -> None:
        """Take note of what came of the snapshot of a version, if it is still that version."""
        shown = self.published.get(version.version)
        if shown is None or shown.version.deployment != version.deployment:
            return
        shown = replace(shown, snapshot=outcome)
        if shown.phase is Phase.OPTIMIZING:
            shown = _settled(shown, Signal.FAIL if outcome.has_failed else Signal.READY)
        self.published[version.version] = shown


def deployed(
    spec: FunctionSpec,
    code: CodePackage,
    phase: Phase,
    now: float,
    *,
    layers: Sequence[CodePackage] = (),
    version: str = LATEST,
) -> FunctionConfiguration:
    """Settings, code and layers under a new deployment number and a new RevisionId."""
    return FunctionConfiguration(
        spec=spec,
        version=spec.with_code(code, layers, deployment=next(_DEPLOYMENTS), version=version),
        phase=phase,
        revision_id=str(uuid.uuid4()),
        modified_at=now,
    )


def outdated_revision() -> LambdaError:
    """The answer to who wants to change what somebody else has changed."""
    return LambdaError(
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the"
        " GetFunction/GetAlias API to retrieve the latest Revision Id",
    )


def _hashes(version: FunctionVersion) -> list[str]:
    return _hashes_of(version.code, version.layers)


def _hashes_of(code: CodePackage, layers: Sequence[CodePackage]) -> list[str]:
    return [package.sha256 for package in (code, *layers)]


def _settled(
    configuration: FunctionConfiguration, signal: Signal = Signal.READY
) -> FunctionConfiguration:
    phase = step(configuration.phase, signal)
    # Made of the one before: a process that finds the function in transition comes to the same.
    revision = uuid.uuid5(uuid.UUID(configuration.revision_id), phase.name)
    return replace(configuration, phase=phase, revision_id=str(revision))
