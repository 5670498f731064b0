"""Every function of every account and region, and what changes them."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar

from emulator.control.alias import Alias
from emulator.control.changes import Listeners, created, deleted, replaced
from emulator.control.code import CodeStore
from emulator.control.directory import FunctionDirectory, key_of, not_found
from emulator.control.function import Function, FunctionConfiguration, deployed
from emulator.control.kept_functions import FunctionKey, KeptFunctions
from emulator.control.lifecycle import Phase
from emulator.control.names import Target
from emulator.control.provisions import Provisions
from emulator.control.publication import Publication
from emulator.control.snap_start import check_without_snap_start
from emulator.control.spec import FunctionSpec
from emulator.control.url_declaration import declared_urls
from emulator.control.validation import (
    check_provision,
    check_provisioned_fits,
    check_reservation,
    check_spec,
    check_tags,
)
from emulator.model import LATEST, Clock, CodePackage, FunctionVersion, LambdaError
from emulator.model.function_url import FunctionUrl
from emulator.model.provisioned import ProvisionedConcurrency
from emulator.model.snapshot import SnapshotOutcome
from emulator.storage import Documents, StorageError

T = TypeVar("T")


class FunctionStore(FunctionDirectory):
    """The functions, and all that changes them.

    Any thread may call. `_lock` is never held while code is packed or a listener is called, but
    while a change is written (some 50 µs): so nobody sees what could not be kept.
    """

    def __init__(
        self,
        clock: Clock,
        code: CodeStore,
        documents: Documents | None = None,
        *,
        immediate_states: bool = False,
        transition_s: float = 0.0,
        chance: Callable[[], float] | None = None,
    ) -> None:
        """Start empty; `restore` brings back what `documents` hold.

        transition_s: how long Pending and InProgress last; with 0 they are over when the answer
        that shows them is out, so a waiter finds Active at its first look. immediate_states: no
        answer shows them at all. chance: see FunctionDirectory; None: what nobody can foresee.
        """
        # Own generator: a program that seeds the module's does not fix our choices.
        super().__init__(clock, chance or random.Random().random)
        self._code = code
        self._kept = KeptFunctions(documents or Documents(), code)
        self._immediate_states = immediate_states
        self._transition_s = transition_s
        self.listeners = Listeners()
        self.subscribe, self._tell = self.listeners.subscribe, self.listeners.tell
        self.provisions = Provisions(self.provisioned_version)

    def restore(self) -> int:
        """Bring back what an earlier process kept, before anything is deployed.

        Returns how many functions; raises StorageError.
        """
        restored = self._kept.load()
        with self._lock:
            self._functions.update(restored)
            for key, function in restored.items():
                self._reserved[key[:2]] += function.set_aside
                self.urls.follow(key, None, function)
        for function in restored.values():
            self._tell(*(created(each.version) for each in function.configurations()))
        return len(restored)

    def create(
        self,
        spec: FunctionSpec,
        code: CodePackage,
        layers: Sequence[CodePackage] = (),
        *,
        publish: Publication | None = None,
        tags: Mapping[str, str] | None = None,
        code_signing: Callable[[], str | None] = lambda: None,
        check: Callable[[FunctionSpec], None] = lambda spec: None,
    ) -> FunctionConfiguration:
        """Add a function; returns its version 1 with `publish`, else `$LATEST`.

        layers: the content of those that `spec` names, in their order, here and below.
        code_signing: looks up the ARN of its configuration while nobody can delete that.
        check: raises LambdaError for what `spec` names in vain, likewise, here and below.

        Raises LambdaError for settings Lambda refuses and for a name that is taken.
        """
        check_spec(spec)
        check_tags(tags or {})
        frozen = self._frozen(code, layers) if publish else (code, ())
        now = self._clock.now()
        with self._changing(key_of(spec)):
            if key_of(spec) in self._functions:
                raise LambdaError(
                    "ResourceConflictException", f"Function already exist: {spec.name}"
                )
            check(spec)
            latest = deployed(spec, code, Phase.CREATING, now, layers=layers)
            function = Function(latest=latest, tags=tags or {}, code_signing_arn=code_signing())
            if publish:
                function.publish(*frozen, publish, "", now)
            self._functions[key_of(spec)] = function
            self._start_transition(function)
            made = function.configurations()
        self._tell(*(created(each.version) for each in made))
        return made[-1]

    def deploy(
        self, spec: FunctionSpec, code: CodePackage, layers: Sequence[CodePackage] = ()
    ) -> FunctionConfiguration:
        """Create a function a project declares, or replace its settings and code; active at once.

        It is deployed even when it cannot be kept: the next start reads the project anyway.
        """
        check_spec(spec)
        latest = deployed(spec, code, Phase.ACTIVE, self._clock.now(), layers=layers)
        with self._changing(key_of(spec), must_be_kept=False):
            function = self._functions.setdefault(key_of(spec), Function(latest=latest))
            old = None if function.latest is latest else function.latest.version
            function.latest = latest
            function.is_declared = True
        self._tell(replaced(old, latest.version))
        return latest

    def reload(
        self, where: Target, code: CodePackage, layers: Sequence[CodePackage] | None = None
    ) -> FunctionConfiguration:
        """Put `code`, and `layers` when given, in the place of those of `$LATEST`.

        Its settings stay, it is active at once.
        """
        with self._lock:  # nothing to keep: it is read from its folder at the next start, too
            function = self._function(where)
            old, spec = function.latest.version, function.latest.spec
            kept = old.layers if layers is None else layers
            now = self._clock.now()
            new = function.latest = deployed(spec, code, Phase.ACTIVE, now, layers=kept)
            self._answers = {}
        self._tell(replaced(old, new.version))
        return new

    def replace_code(
        self,
        where: Target,
        code: CodePackage,
        *,
        changes: Mapping[str, Any] | None = None,
        revision_id: str | None = None,
        publish: Publication | None = None,
    ) -> FunctionConfiguration:
        """Give `$LATEST` new code; returns it, or with `publish` the version made of it.

        changes: settings that come with the code, by their names in FunctionSpec.
        """
        if not publish:
            return self._update(where, revision_id, changes or {}, code)
        while True:
            source = self.get(where).version
            frozen = source, *self._frozen(code, source.layers), publish
            with suppress(_Overtaken):
                return self._update(where, revision_id, changes or {}, code, frozen)

    def _frozen(
        self, code: CodePackage, layers: Sequence[CodePackage]
    ) -> tuple[CodePackage, Sequence[CodePackage]]:
        return self._code.frozen(code), [self._code.frozen(layer) for layer in layers]

    def preview_code(
        self,
        where: Target,
        code: CodePackage,
        *,
        changes: Mapping[str, Any] | None = None,
        revision_id: str | None = None,
    ) -> FunctionConfiguration:
        """What `replace_code` would return; nothing changes."""
        with self._lock:
            function = self._function(where)
            spec = function.changed(changes or {}, revision_id)
            layers = function.latest.version.layers
        return deployed(spec, code, Phase.ACTIVE, self._clock.now(), layers=layers)

    def replace_configuration(
        self,
        where: Target,
        changes: Mapping[str, Any],
        layers: Sequence[CodePackage] | None = None,
        *,
        revision_id: str | None = None,
        check: Callable[[FunctionSpec], None] = lambda spec: None,
    ) -> FunctionConfiguration:
        """Change settings of `$LATEST`, by their names in FunctionSpec; returns it as it now is.

        layers: with `changes` that have others; None: they stay.
        """
        return self._update(where, revision_id, changes, layers=layers, check=check)

    def _update(
        self,
        where: Target,
        revision_id: str | None,
        changes: Mapping[str, Any],
        code: CodePackage | None = None,
        publish: tuple[FunctionVersion, CodePackage, Sequence[CodePackage], Publication]
        | None = None,
        layers: Sequence[CodePackage] | None = None,
        check: Callable[[FunctionSpec], None] = lambda spec: None,
    ) -> FunctionConfiguration:
        with self._changing(key_of(where)):
            function = self._function(where)
            spec = function.changed(changes, revision_id)
            check(spec)
            old, before = function.latest.version, dict(function.published)
            if publish and publish[0] is not old:
                raise _Overtaken
            now = self._clock.now()
            function.update(spec, code or old.code, old.layers if layers is None else layers, now)
            made = function.latest
            if publish:
                made = function.publish(*publish[1:], "", now)
            self._start_transition(function)
            new = function.latest.version
            answer = function.find(made.version.version) or made
        self._tell(replaced(old, new))
        self._tell_if_published(answer, before)
        return answer

    def publish(
        self,
        where: Target,
        *,
        description: str = "",
        code_sha256: str | None = None,
        revision_id: str | None = None,
        publication: Publication = Publication.NUMBERED,
    ) -> FunctionConfiguration:
        """Make an immutable version of `$LATEST`; returns the last one when nothing changed."""
        while True:
            source = self.get(where).version
            frozen = self._frozen(source.code, source.layers)
            with self._changing(key_of(where)):
                function = self._function(where)
                if function.latest.version is not source:
                    continue  # it changed while its code was packed
                function.check_updatable(revision_id)
                function.check_code_sha256(code_sha256)
                before = dict(function.published)
                now = self._clock.now()
                made = function.publish(*frozen, publication, description, now)
            self._tell_if_published(made, before)
            return made

    def optimized(self, version: FunctionVersion, outcome: SnapshotOutcome) -> None:
        """Take note of what came of the snapshot of a version, if there is still that version."""
        key = (version.account, version.region, version.name)
        with self._changing(key, must_be_kept=False):  # the next start takes it again anyway
            function = self._functions.get(key)
            if function is not None:
                function.optimized(version, outcome)

    def change(self, where: Target, change: Callable[[Function], T]) -> T:
        """Have `change` change what belongs to a function beside code and configuration."""
        with self._changing(key_of(where)):
            function = self._function(where)
            before = function.provisioned_versions()
            result = change(function)
            moved = before.items() ^ function.provisioned_versions().items()
        self.provisions.follow(where, {number for number, _ in moved})
        return result

    def declare_url(self, where: Target, url: FunctionUrl | None) -> None:
        """Give a function the URL that its project's file declares; None: it declares none."""
        with self._changing(key_of(where), must_be_kept=False):
            function = self._function(where)
            function.urls = declared_urls(where, function.urls, url, self._clock.now())

    def create_alias(self, where: Target, alias: Alias) -> None:
        """Add an alias; raises LambdaError where it cannot be."""
        self.change(where, lambda function: function.add_alias(alias))
        self.listeners.tell_alias(f"{where.arn}:{alias.name}")

    def reserve_concurrency(self, where: Target, executions: int | None) -> None:
        """Set aside a part of the account's concurrency for a function; None: give it back."""
        with self._changing(key_of(where)):
            function = self._function(where)
            if executions is not None:
                reserved = self._reserved[where.account, where.region]
                check_reservation(executions, reserved - function.set_aside)
                check_provisioned_fits(executions, function.provisioned_executions)
            function.reserved_concurrency = executions

    def provision(self, where: Target, config: ProvisionedConcurrency | None) -> None:
        """Set the provisioned concurrency of a version or an alias; None: it has none."""
        qualifier = where.qualifier or LATEST
        with self._changing(key_of(where)):
            function = self._function(where)
            shown = function.find(qualifier)
            if shown is None:
                raise not_found(where)
            if config is None:
                function.provisioned.pop(qualifier, None)
            else:
                check_without_snap_start(shown.version)
                others = self._reserved[where.account, where.region] - function.set_aside
                by_others = sum(function.provisioned_versions(but_by=qualifier).values())
                check_provision(config.executions, by_others, function.reserved_concurrency, others)
                function.provision(qualifier, config)
        self.provisions.follow(where, {shown.version.version})

    def delete(self, where: Target) -> None:
        """Delete a function with all its versions, or the one version the qualifier names."""
        with self._changing(key_of(where)):
            function = self._function(replace(where, qualifier=None))
            if where.qualifier is None:
                gone = function.configurations()
                del self._functions[key_of(where)]
            else:
                gone = function.remove_version(where.qualifier)
        self._tell(*(deleted(each.version) for each in gone))

    def remove(self, account: str, region: str, name: str) -> None:
        """Delete a function; one that does not exist is no error."""
        try:
            self.delete(Target(account, region, name))
        except LambdaError as error:
            if error.code != "ResourceNotFoundException":
                raise

    def reset(self) -> None:
        """Forget every function; whoever empties everything clears the documents, too."""
        with self._lock:
            functions = list(self._functions.values())
            self._functions.clear()
            self._reserved.clear()
            self.urls.clear()
            self._answers = {}
        for function in functions:
            gone = function.configurations()
            self._tell(*(deleted(each.version) for each in gone))

    # Under the lock.

    @contextmanager
    def _changing(self, key: FunctionKey, *, must_be_kept: bool = True) -> Iterator[None]:
        """Take the lock; in the end the function is kept as it is now, or it is as it was."""
        with self._lock:
            before = self._functions.get(key)
            untouched = None if before is None else before.copy()
            try:
                yield
                with suppress(*(() if must_be_kept else (StorageError,))):
                    self._kept.write(key, self._functions.get(key))
            except BaseException:
                self._functions.pop(key, None)
                if untouched is not None:
                    self._functions[key] = untouched
                raise
            finally:
                self._answers = {}
            after = self._functions.get(key)
            self._reserved[key[:2]] += _reserved(after) - _reserved(untouched)
            self.urls.follow(key, untouched, after)

    def _start_transition(self, function: Function) -> None:
        function.settles_at = self._clock.monotonic() + self._transition_s
        if self._immediate_states:
            function.settle()

    def _tell_if_published(
        self, answer: FunctionConfiguration, before: Mapping[str, FunctionConfiguration]
    ) -> None:
        old, new = before.get(answer.version.version), answer.version
        if new.version != LATEST and (old is None or old.version.deployment != new.deployment):
            self._tell(replaced(old.version if old else None, new))


class _Overtaken(Exception):
    """The function changed while code of it was packed that does not change any more."""


def _reserved(function: Function | None) -> int:
    return function.set_aside if function else 0
