"""Every function of every account and region."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

from emulator.control.changes import FunctionChange, Listener, created, deleted, replaced
from emulator.control.code import CodeStore
from emulator.control.function import Function, FunctionConfiguration, deployed
from emulator.control.kept_functions import KeptFunctions
from emulator.control.lifecycle import Phase
from emulator.control.names import Target, target
from emulator.control.policy import ResourcePolicy, access_denied, allows_account, allows_service
from emulator.control.spec import FunctionSpec
from emulator.control.validation import check_reservation, check_spec, check_tags
from emulator.model import (
    LATEST,
    Clock,
    CodePackage,
    EventInvokeConfig,
    FunctionVersion,
    LambdaError,
    ResolvedFunction,
)
from emulator.storage import Documents

T = TypeVar("T")

HOLD_S: Final = 5.0  # a reload that takes longer no longer keeps callers waiting

_Key = tuple[str, str, str]  # account, region, name
_Question = tuple[str, str, str, str | None]  # as `resolve` was asked


class FunctionStore:
    """The functions, isolated by account and region.

    Any thread may call. `_lock` guards everything below it; it is never held while code is
    packed or a listener is called, but while a change is written (some 50 µs): so nobody sees what
    could not be kept. `resolve` reads `_answers` without it: each change puts a new
    dict there, so an answer is either right or gone.
    """

    def __init__(
        self,
        clock: Clock,
        code: CodeStore,
        documents: Documents | None = None,
        *,
        immediate_states: bool = False,
        transition_s: float = 0.0,
    ) -> None:
        """Start empty; `restore` brings back what `documents` hold.

        transition_s: how long Pending and InProgress last; with 0 they are over when the answer
        that shows them is out, so a waiter finds Active at its first look. immediate_states: no
        answer shows them at all.
        """
        self._clock = clock
        self._code = code
        self._kept = KeptFunctions(documents or Documents(), code)
        self._immediate_states = immediate_states
        self._transition_s = transition_s
        self._listeners: list[Listener] = []
        self._lock = threading.Condition()
        self._functions: dict[_Key, Function] = {}
        self._reserved: Counter[tuple[str, str]] = Counter()  # concurrency, by account and region
        self._held: dict[_Key, list[float]] = {}  # since when
        self._answers: dict[_Question, ResolvedFunction] = {}

    # What an invocation needs.

    def resolve(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        """Find what a call of `function` runs; waits while the function is held.

        account, region: the caller's. function: any form of spec/invoke.md section 2. Raises
        LambdaError: malformed, unknown, in another region, or another account's and not shared.
        """
        answer = self._answers.get((account, region, function, qualifier))
        if answer is not None:
            return answer
        return self._resolve(account, region, function, qualifier, HOLD_S)

    def look_up(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction:
        """Find the same at once, for a call that will `resolve` before anything runs."""
        answer = self._answers.get((account, region, function, qualifier))
        if answer is not None:
            return answer
        return self._resolve(account, region, function, qualifier, 0.0)

    def _resolve(
        self, account: str, region: str, function: str, qualifier: str | None, patience_s: float
    ) -> ResolvedFunction:
        where = target(account, region, function, qualifier)
        key = _key(where)
        came_s = time.monotonic()
        with self._lock:
            self._lock.wait_for(lambda: not self._is_held(key, came_s), patience_s)
            self.check_access(account, where, "lambda:InvokeFunction")
            found = self._settled(key)
            configuration = found.find(where.qualifier) if found else None
            if found is None or configuration is None:
                raise _not_found(replace(where, qualifier=where.qualifier or LATEST))
            answer = self._resolved(where, found, configuration)
            if answer.is_active and not self._held.get(key):
                self._answers[account, region, function, qualifier] = answer
        return answer

    def _resolved(
        self, where: Target, function: Function, configuration: FunctionConfiguration
    ) -> ResolvedFunction:
        config = function.invoke_configs.get(where.qualifier or LATEST)
        return ResolvedFunction(
            version=configuration.version,
            invoked_arn=where.arn,
            is_active=configuration.phase is not Phase.CREATING,
            invoke_config=config or EventInvokeConfig(),
            reserved_concurrency=function.reserved_concurrency,
            account_reserved=self._reserved.get((where.account, where.region), 0),
            may_recurse=function.recursive_loop == "Allow",
        )

    def hold(self, account: str, region: str, name: str, since_s: float) -> None:
        """Make `resolve` of that function wait until `release`, for new code is on its way.

        since_s: when its code began to change, on `time.monotonic`. Who came before that does not
        wait, so saves without end keep nobody waiting without end.
        """
        with self._lock:
            self._held.setdefault((account, region, name), []).append(since_s)
            self._answers = {}

    def release(self, account: str, region: str, name: str, since_s: float) -> None:
        """End one `hold`."""
        with self._lock:
            self._held[account, region, name].remove(since_s)
            self._lock.notify_all()

    def _is_held(self, key: _Key, came_s: float) -> bool:
        return any(since_s <= came_s for since_s in self._held.get(key, ()))

    # What the API and the project do.

    def restore(self) -> int:
        """Bring back what an earlier process kept, before anything is deployed.

        Returns how many functions; raises StorageError.
        """
        restored = self._kept.load()
        with self._lock:
            self._functions.update(restored)
            for (account, region, _), function in restored.items():
                self._reserved[account, region] += function.reserved_concurrency or 0
        for function in restored.values():
            self._tell(*(created(each.version) for each in function.configurations()))
        return len(restored)

    def create(
        self,
        spec: FunctionSpec,
        code: CodePackage,
        *,
        publish: bool = False,
        tags: Mapping[str, str] | None = None,
    ) -> FunctionConfiguration:
        """Add a function; returns its version 1 with `publish`, else `$LATEST`.

        Raises LambdaError for settings Lambda refuses and for a name that is taken.
        """
        check_spec(spec)
        check_tags(tags or {})
        frozen = self._code.frozen(code) if publish else code
        now = self._clock.now()
        with self._changing(_key(spec)):
            if _key(spec) in self._functions:
                raise LambdaError(
                    "ResourceConflictException", f"Function already exist: {spec.name}"
                )
            function = Function(latest=deployed(spec, code, Phase.CREATING, now), tags=tags or {})
            if publish:
                function.publish(frozen, "", now)
            self._functions[_key(spec)] = function
            self._start_transition(function)
            made = function.configurations()
        self._tell(*(created(each.version) for each in made))
        return made[-1]

    def deploy(self, spec: FunctionSpec, code: CodePackage) -> FunctionConfiguration:
        """Create a function, or replace its settings and code; it is active at once."""
        check_spec(spec)
        latest = deployed(spec, code, Phase.ACTIVE, self._clock.now())
        with self._changing(_key(spec)):
            function = self._functions.setdefault(_key(spec), Function(latest=latest))
            old = None if function.latest is latest else function.latest.version
            function.latest = latest
        self._tell(replaced(old, latest.version))
        return latest

    def reload(self, where: Target, code: CodePackage) -> FunctionConfiguration:
        """Put `code` in the place of that of `$LATEST`; its settings stay, it is active at once."""
        with self._lock:  # nothing to keep: it is read from its folder at the next start, too
            function = self._function(where)
            old, spec = function.latest.version, function.latest.spec
            new = function.latest = deployed(spec, code, Phase.ACTIVE, self._clock.now())
            self._answers = {}
        self._tell(replaced(old, new.version))
        return new

    def replace_code(
        self,
        where: Target,
        code: CodePackage,
        *,
        architecture: str | None = None,
        revision_id: str | None = None,
        publish: bool = False,
    ) -> FunctionConfiguration:
        """Give `$LATEST` new code; returns it, or with `publish` the version made of it."""
        frozen = self._code.frozen(code) if publish else None
        changes = {} if architecture is None else {"architecture": architecture}
        return self._update(where, revision_id, changes, code, frozen)

    def preview_code(
        self,
        where: Target,
        code: CodePackage,
        *,
        architecture: str | None = None,
        revision_id: str | None = None,
    ) -> FunctionConfiguration:
        """What `replace_code` would return; nothing changes."""
        changes = {} if architecture is None else {"architecture": architecture}
        with self._lock:
            spec = self._function(where).changed(changes, revision_id)
        return deployed(spec, code, Phase.ACTIVE, self._clock.now())

    def replace_configuration(
        self, where: Target, changes: Mapping[str, Any], *, revision_id: str | None = None
    ) -> FunctionConfiguration:
        """Change settings of `$LATEST`, by their names in FunctionSpec; returns it as it now is."""
        return self._update(where, revision_id, changes)

    def _update(
        self,
        where: Target,
        revision_id: str | None,
        changes: Mapping[str, Any],
        code: CodePackage | None = None,
        publish_as: CodePackage | None = None,
    ) -> FunctionConfiguration:
        with self._changing(_key(where)):
            function = self._function(where)
            spec = function.changed(changes, revision_id)
            old, newest = function.latest.version, function.last_number
            now = self._clock.now()
            function.update(spec, code or old.code, now)
            if publish_as:
                function.publish(publish_as, "", now)
            self._start_transition(function)
            new = function.latest.version
            answer = function.newest_version() if publish_as else function.latest
        self._tell(replaced(old, new))
        self._tell_if_published(answer, newest)
        return answer

    def publish(
        self,
        where: Target,
        *,
        description: str = "",
        code_sha256: str | None = None,
        revision_id: str | None = None,
    ) -> FunctionConfiguration:
        """Make an immutable version of `$LATEST`; returns the last one when nothing changed."""
        while True:
            source = self.get(where).version
            frozen = self._code.frozen(source.code)
            with self._changing(_key(where)):
                function = self._function(where)
                if function.latest.version is not source:
                    continue  # it changed while its code was packed
                function.check_updatable(revision_id)
                function.check_code_sha256(code_sha256)
                newest = function.last_number
                made = function.publish(frozen, description, self._clock.now())
            self._tell_if_published(made, newest)
            return made

    def change(self, where: Target, change: Callable[[Function], T]) -> T:
        """Have `change` change what belongs to a function beside code and configuration."""
        with self._changing(_key(where)):
            return change(self._function(where))

    def reserve_concurrency(self, where: Target, executions: int | None) -> None:
        """Set aside a part of the account's concurrency for a function; None: give it back."""
        with self._changing(_key(where)):
            function = self._function(where)
            if executions is not None:
                reserved = self._reserved[where.account, where.region]
                check_reservation(executions, reserved - (function.reserved_concurrency or 0))
            function.reserved_concurrency = executions

    def delete(self, where: Target) -> None:
        """Delete a function with all its versions, or the one version the qualifier names."""
        with self._changing(_key(where)):
            function = self._function(replace(where, qualifier=None))
            if where.qualifier is None:
                gone = function.configurations()
                del self._functions[_key(where)]
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
            self._answers = {}
        for function in functions:
            gone = function.configurations()
            self._tell(*(deleted(each.version) for each in gone))

    # What is there.

    def get(self, where: Target) -> FunctionConfiguration:
        """`$LATEST`, or the version the qualifier names; raises LambdaError when it is unknown."""
        with self._lock:
            configuration = self._function(where).find(where.qualifier)
        if configuration is None:
            raise _not_found(where)
        return configuration

    def read(self, where: Target, read: Callable[[Function], T]) -> T:
        """What `read` finds in a function, under the lock; raises LambdaError when unknown."""
        with self._lock:
            return read(self._function(where))

    def versions(self, where: Target) -> list[FunctionConfiguration]:
        """`$LATEST`, then the published versions in ascending order."""
        with self._lock:
            return self._function(where).configurations()

    def list_functions(self, account: str, region: str) -> list[list[FunctionConfiguration]]:
        """Each function of an account and region with its versions, by name."""
        with self._lock:
            keys = sorted(key for key in self._functions if key[:2] == (account, region))
            return [self._settle(self._functions[key]).configurations() for key in keys]

    def functions(self) -> list[FunctionVersion]:
        """`$LATEST` of every function of every account and region."""
        with self._lock:
            return [function.latest.version for function in self._functions.values()]

    def code_in_use(self) -> list[CodePackage]:
        """The packages that a function version refers to."""
        with self._lock:
            return [
                configuration.version.code
                for function in self._functions.values()
                for configuration in function.configurations()
            ]

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after every change, on the thread that made it, outside the lock."""
        self._listeners.append(listener)

    # Who may do what.

    def policy_allows(
        self,
        function_arn: str,
        principal_service: str,
        source_arn: str | None,
        source_account: str | None,
    ) -> bool | None:
        """Whether a service may invoke the function; None when it has no policy at all."""
        policy = self._policy(target("", function_arn.split(":")[3], function_arn))
        if policy is None:
            return None
        return allows_service(policy, principal_service, source_arn, source_account)

    def check_access(self, caller: str, where: Target, action: str) -> None:
        """Raise AccessDeniedException unless account `caller` may do `action` on the function."""
        if caller == where.account:
            return
        policy = self._policy(where)
        if policy is None or not allows_account(policy, caller, action):
            raise access_denied(caller, action, where.arn)

    def _policy(self, where: Target) -> ResourcePolicy | None:
        with self._lock:
            function = self._functions.get(_key(where))
            return function.policies.get(where.qualifier) if function else None

    # Under the lock.

    @contextmanager
    def _changing(self, key: _Key) -> Iterator[None]:
        """Take the lock; in the end the function is kept as it is now, or it is as it was."""
        with self._lock:
            before = self._functions.get(key)
            untouched = None if before is None else before.copy()
            try:
                yield
                self._kept.write(key, self._functions.get(key))
            except BaseException:
                self._functions.pop(key, None)
                if untouched is not None:
                    self._functions[key] = untouched
                raise
            finally:
                self._answers = {}
            self._reserved[key[:2]] += _reserved(self._functions.get(key)) - _reserved(untouched)

    def _function(self, where: Target) -> Function:
        function = self._settled(_key(where))
        if function is None:
            raise _not_found(where)
        return function

    def _settled(self, key: _Key) -> Function | None:
        function = self._functions.get(key)
        return None if function is None else self._settle(function)

    def _settle(self, function: Function) -> Function:
        if self._clock.monotonic() >= function.settles_at:
            function.settle()
        return function

    def _start_transition(self, function: Function) -> None:
        function.settles_at = self._clock.monotonic() + self._transition_s
        if self._immediate_states:
            function.settle()

    def _tell_if_published(self, answer: FunctionConfiguration, newest: int) -> None:
        number = answer.version.version
        if number != LATEST and int(number) > newest:
            self._tell(created(answer.version))

    def _tell(self, *changes: FunctionChange) -> None:
        for change in changes:
            for listener in self._listeners:
                listener(change)


def _key(what: Target | FunctionSpec) -> _Key:
    return (what.account, what.region, what.name)


def _reserved(function: Function | None) -> int:
    return (function.reserved_concurrency or 0) if function else 0


def _not_found(where: Target) -> LambdaError:
    return LambdaError("ResourceNotFoundException", f"Function not found: {where.arn}")
