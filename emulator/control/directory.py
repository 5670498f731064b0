"""Which functions there are, and what an invocation of one of them runs."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeVar

from emulator.control.function import Function, FunctionConfiguration
from emulator.control.function_table import FunctionTable
from emulator.control.kept_functions import FunctionKey
from emulator.control.lifecycle import CALLABLE, Phase
from emulator.control.names import Target, target
from emulator.control.policy import ResourcePolicy, access_denied
from emulator.control.policy_evaluation import allows_account, allows_service
from emulator.control.spec import FunctionSpec
from emulator.control.url_access import may_call
from emulator.control.url_directory import UrlDirectory, UrlRoute
from emulator.control.violations import invalid
from emulator.model import (
    LATEST,
    LATEST_PUBLISHED,
    Clock,
    CodePackage,
    FunctionVersion,
    LambdaError,
    ResolvedFunction,
    parse_function_name,
)
from emulator.model.invoke_config import NO_INVOKE_CONFIG

T = TypeVar("T")

HOLD_S: Final = 5.0  # a reload that takes longer no longer keeps callers waiting

_Question = tuple[str, str, str, str | None]  # as `resolve` was asked


class FunctionDirectory:
    """The functions, isolated by account and region, as those see them who change nothing.

    Any thread may call. `_lock` guards everything below it. `resolve` reads `_answers` without it:
    each change puts a new dict there, so an answer is either right or gone.
    """

    def __init__(self, clock: Clock, chance: Callable[[], float]) -> None:
        """Start empty; chance: one in [0, 1) for each call of an alias that shares its calls."""
        self._clock = clock
        self._chance = chance
        self._lock = threading.Condition()
        self._functions = FunctionTable()
        self._reserved: Counter[tuple[str, str]] = Counter()  # concurrency, by account and region
        self._held: dict[FunctionKey, list[float]] = {}  # since when
        self._answers: dict[_Question, ResolvedFunction] = {}
        self.urls = UrlDirectory()

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

    def resolve_at_once(
        self, account: str, region: str, function: str, qualifier: str | None
    ) -> ResolvedFunction | None:
        """Find the same where that needs no waiting: it was found before and nothing changed."""
        return self._answers.get((account, region, function, qualifier))

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
        key = key_of(where)
        came_s = time.monotonic()
        with self._lock:
            self._lock.wait_for(lambda: not self._is_held(key, came_s), patience_s)
            self.check_access(account, where, "lambda:InvokeFunction")
            found = self._settled(key)
            asked = found.invoked(where.qualifier) if found else where.qualifier
            configuration = found.routed(asked, self._chance) if found else None
            if found is None or configuration is None:
                is_function = found is not None
                raise not_invocable(replace(where, qualifier=asked), is_function=is_function)
            check_invocable(configuration)
            answer = self._resolved(where, found, configuration)
            is_lasting = answer.is_active and not found.is_weighted(where.qualifier)
            if is_lasting and not self._held.get(key):
                self._answers[account, region, function, qualifier] = answer
        return answer

    def _resolved(
        self, where: Target, function: Function, configuration: FunctionConfiguration
    ) -> ResolvedFunction:
        config = function.invoke_configs.get(where.qualifier or LATEST)
        return ResolvedFunction(
            version=configuration.version,
            invoked_arn=where.arn,
            is_active=configuration.phase in CALLABLE,
            has_failed=configuration.phase is Phase.FAILED,
            waits_for_snapshot=configuration.phase is Phase.OPTIMIZING,
            invoke_config=config or NO_INVOKE_CONFIG,
            reserved_concurrency=function.reserved_concurrency,
            account_reserved=self._reserved.get((where.account, where.region), 0),
            provisioned=function.provisioned_versions().get(configuration.version.version, 0),
            function_provisioned=function.provisioned_executions,
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

    def _is_held(self, key: FunctionKey, came_s: float) -> bool:
        return any(since_s <= came_s for since_s in self._held.get(key, ()))

    # What is there.

    def get(self, where: Target) -> FunctionConfiguration:
        """`$LATEST`, or what the qualifier stands for; raises LambdaError when it is unknown."""
        with self._lock:
            configuration = self._function(where).find(where.qualifier)
        if configuration is None:
            raise not_found(where)
        return configuration

    def find(self, arn: str) -> FunctionVersion | None:
        """What an ARN with or without a qualifier names; None: it names no function."""
        name = parse_function_name(arn)
        if name is None or name.account is None or name.region is None:
            return None
        try:
            return self.get(Target(name.account, name.region, name.name, name.qualifier)).version
        except LambdaError:
            return None

    def exists(self, arn: str) -> bool:
        """Whether an ARN with or without a qualifier names a function."""
        return self.find(arn) is not None

    def read(self, where: Target, read: Callable[[Function], T]) -> T:
        """What `read` finds in a function, under the lock; raises LambdaError when unknown."""
        with self._lock:
            return read(self._function(where))

    def select(
        self,
        account: str,
        region: str,
        read: Callable[[Function], T],
        *,
        start: str = "",
        most: int | None = None,
    ) -> list[T]:
        """What `read` finds in each function of an account and region, by name, under the lock.

        start, most: only the functions from this name on, and no more of them.
        """
        with self._lock:
            chosen = self._functions.in_order(account, region, start=start, most=most)
            return [read(self._settle(function)) for function in chosen]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Keep every function as it is, while what none of them refers to is taken away."""
        with self._lock:
            yield

    def versions(self, where: Target) -> list[FunctionConfiguration]:
        """`$LATEST`, then the published versions in ascending order."""
        with self._lock:
            return self._function(where).configurations()

    def list_functions(
        self, account: str, region: str, *, start: str = "", most: int | None = None
    ) -> list[list[FunctionConfiguration]]:
        """Each function of an account and region with its versions, by name; see `select`."""
        return self.select(account, region, Function.configurations, start=start, most=most)

    def functions(self) -> list[FunctionVersion]:
        """`$LATEST` of every function of every account and region."""
        with self._lock:
            return [function.latest.version for function in self._functions.values()]

    def set_aside(self, account: str, region: str) -> int:
        """What the functions there reserve or provision of their account's concurrency."""
        with self._lock:
            return self._reserved[account, region]

    def provisioned(self) -> list[tuple[FunctionVersion, int]]:
        """The versions that have provisioned concurrency, and how much."""
        with self._lock:
            return [
                (function.published[number].version, executions)
                for function in self._functions.values()
                for number, executions in function.provisioned_versions().items()
            ]

    def snapshots(self) -> list[FunctionVersion]:
        """The published versions that have SnapStart and did not fail."""
        with self._lock:
            return [
                shown.version
                for function in self._functions.values()
                for shown in function.published.values()
                if shown.version.snap_start and shown.phase is not Phase.FAILED
            ]

    def provisioned_version(self, where: Target, number: str) -> tuple[FunctionVersion, int] | None:
        """A published version and its provisioned concurrency; None: it is gone."""
        with self._lock:
            function = self._functions.get(key_of(where))
            shown = function.published.get(number) if function else None
            if function is None or shown is None:
                return None
            return shown.version, function.provisioned_versions().get(number, 0)

    def declared(self) -> list[FunctionVersion]:
        """`$LATEST` of the functions that a project's file declares, or declared when it ran."""
        with self._lock:
            return [each.latest.version for each in self._functions.values() if each.is_declared]

    def code_in_use(self) -> list[CodePackage]:
        """The packages that a function version refers to."""
        with self._lock:
            return [
                package
                for function in self._functions.values()
                for configuration in function.configurations()
                for package in (configuration.version.code, *configuration.version.layers)
            ]

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

    def may_call_url(self, route: UrlRoute, caller: str | None) -> bool:
        """Whether account `caller`, which proved who it is (None: nobody did), may call a URL."""
        return may_call(route.url, self._policy(route.target), route.target.account, caller)

    def check_access(self, caller: str, where: Target, action: str) -> None:
        """Raise AccessDeniedException unless account `caller` may do `action` on the function."""
        if caller == where.account:
            return
        policy = self._policy(where)
        if policy is None or not allows_account(policy, caller, action):
            raise access_denied(caller, action, where.arn)

    def _policy(self, where: Target) -> ResourcePolicy | None:
        with self._lock:
            function = self._functions.get(key_of(where))
            return function.policies.get(where.qualifier) if function else None

    # Under the lock.

    def _function(self, where: Target) -> Function:
        function = self._settled(key_of(where))
        if function is None:
            raise not_found(where)
        return function

    def _settled(self, key: FunctionKey) -> Function | None:
        function = self._functions.get(key)
        return None if function is None else self._settle(function)

    def _settle(self, function: Function) -> Function:
        if self._clock.monotonic() >= function.settles_at:
            function.settle()
        return function


def key_of(what: Target | FunctionSpec) -> FunctionKey:
    """Under which key a function stands."""
    return (what.account, what.region, what.name)


def check_invocable(shown: FunctionConfiguration) -> None:
    """Raise LambdaError for what managed instances do not run."""
    spec = shown.spec
    if spec.capacity is None:
        return
    if shown.version.version == LATEST:
        raise invalid(
            "$LATEST of a function with a capacity provider cannot be invoked. Publish a version,"
            " or $LATEST.PUBLISHED with PublishTo=LATEST_PUBLISHED."
        )
    if spec.scaling is not None and spec.scaling.is_deactivated:
        raise LambdaError(
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the"
            " following state: Deactivated",
        )


def not_invocable(where: Target, *, is_function: bool) -> LambdaError:
    """The answer to a call of what is not there; is_function: only the version is missing."""
    if is_function and where.qualifier == LATEST_PUBLISHED:
        text = "The function has no published versions available."
        return LambdaError("NoPublishedVersionException", text)
    return not_found(replace(where, qualifier=where.qualifier or LATEST))


def not_found(where: Target) -> LambdaError:
    """The answer for a function or a version that is not there."""
    return LambdaError("ResourceNotFoundException", f"Function not found: {where.arn}")
