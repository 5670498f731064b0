"""All execution environments: run an invocation, prepare, retire, stop."""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from emulator.model import (
    PROVISIONED,
    Clock,
    CodePackage,
    FunctionVersion,
    Invocation,
    InvocationResult,
    LambdaError,
)
from emulator.model.steps import Afterwards, Pause, Steps, finish
from emulator.observe import Activity, LogBook
from emulator.runtime_api import ResponseSink
from emulator.sandbox.background import Background
from emulator.sandbox.debug_session import DebugSession
from emulator.sandbox.debugger import Debugger
from emulator.sandbox.environment import Environment, InitReport
from emulator.sandbox.freezing import Freezer
from emulator.sandbox.output import OutputListener
from emulator.sandbox.pool import EnvironmentPool
from emulator.sandbox.process import Backend
from emulator.sandbox.provisioning import Provisioning
from emulator.sandbox.returns import FINISHING, Returns
from emulator.sandbox.shutdown import EXTERNAL
from emulator.sandbox.snapshot_environments import SnapshotEnvironment
from emulator.sandbox.snapshots import Snapshots
from emulator.sandbox.suspension import ControlGroups
from emulator.sandbox.telemetry_sender import TelemetrySender
from emulator.sandbox.tenants import TenantPools

IDLE_TIMEOUT_S: Final = 600.0
# Of those that a crowd of callers has left behind: one with an SDK in it holds 25 MiB.
CROWD_TIMEOUT_S: Final = 60.0
SHUTDOWN_S: Final = EXTERNAL.total_s + 1.0  # a phase's own budget, and the time to end processes
_STARTERS: Final = 256  # environments that may be in their init phase at a time

E = TypeVar("E", bound=Environment)


class Environments:
    """Pools of environments, one for each deployed state of a function version.

    Any thread may call. `_lock` guards the table of pools. Environments that are no longer
    wanted are stopped on threads of their own ("environment_…").
    """

    def __init__(
        self,
        *,
        backend: Backend,
        run_folder: Path,
        log_book: LogBook,
        listener: OutputListener,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
        freeze: bool = True,
        activity: Activity | None = None,
        debugger: Debugger | None = None,
    ) -> None:
        self._backend = backend
        self._folder = run_folder / "environments"
        self._debugger = debugger
        self._log_book = log_book
        self._listener = listener
        self._sender = TelemetrySender()
        self._idle_timeout_s = idle_timeout_s
        self._groups = ControlGroups()
        self._freezes = freeze
        self._freezers: dict[float, Freezer] = {}  # by how long what they freeze was idle
        self._activity = activity or Activity(Clock())
        self._background = Background("environment", _STARTERS)
        self.provisioning = Provisioning(
            self._start_provisioned, self._dismiss, self._in_background, self._activity
        )
        self.snapshots = Snapshots(
            lambda version: self._make(version, SnapshotEnvironment),
            self._stop_later,
            self._in_background,
            backend=backend,
            activity=self._activity,
        )
        self._stopping = threading.Event()
        self._returns = Returns(
            self._stop_later,
            self.provisioning.lost,
            self._in_background,
            activity=self._activity,
            stopping=self._stopping,
        )
        self._lock = threading.Lock()
        self._pools: dict[int, EnvironmentPool] = {}
        self._tenants = TenantPools(self._make_pool, self._lock)
        self._retired: set[int] = set()  # deployments
        self._pending: set[Future[None]] = set()  # environments being stopped
        self._alive: set[Environment] = set()
        self._wound_down: list[Environment] = []  # idle ones whose processes `stop` ends
        self._janitor = threading.Thread(
            target=self._retire_unused, name="environment-janitor", daemon=True
        )
        self._janitor.start()

    def steps(
        self,
        version: FunctionVersion,
        invocation: Invocation,
        sink: ResponseSink | None = None,
    ) -> Steps[InvocationResult]:
        """Run one invocation in an environment of its own and return what came of it.

        sink: reads along what the function streams; None: the answer is collected.
        Raises LambdaError when the runtime cannot be started at all.
        """
        if version.isolates_tenants:
            pool = self._tenants.pool(version, invocation.tenant_id)
        else:
            pool = self._pools.get(version.deployment) or self._pool(version)
        environment = yield from pool.lend()
        try:
            if not environment.is_quick:
                yield Pause.BLOCKS
                environment.check()
            result = yield from environment.steps(invocation, sink)
            if not environment.is_ready:
                yield Pause.BLOCKS
        except BaseException:
            self._returns.lose(pool, environment)
            raise
        yield Afterwards(lambda: self._returns.finish(pool, environment, result.duration_ms / 1000))
        return result

    def prepare(self, version: FunctionVersion) -> InitReport:
        """Start one environment ahead of the first invocation; tell how its init phase went.

        Raises LambdaError as `steps`.
        """
        pool = self._pool(version)
        if self._is_debugged(version):
            return self._first_report(pool)
        environment = self._create(version)
        try:
            report = environment.initialise()
        except BaseException:
            self._stop(environment)
            raise
        if version.isolates_tenants or not pool.add(environment):
            self._stop(environment)
        return report

    def _first_report(self, pool: EnvironmentPool) -> InitReport:
        environment = finish(pool.lend())
        report = environment.init_report
        self._returns.give_back(pool, environment, 0.0)
        assert report is not None
        return report

    def _start_provisioned(self, version: FunctionVersion) -> Environment | None:
        environment = self._create(replace(version, initialization_type=PROVISIONED))
        try:
            is_ready = environment.initialise().failure is None
        except BaseException:
            self._stop(environment)
            raise
        if is_ready and self._pool(version).add(environment):
            return environment
        self._stop(environment)
        return None

    def _dismiss(self, version: FunctionVersion, environments: Sequence[Environment]) -> None:
        with self._lock:
            pool = self._pools.get(version.deployment)
        if pool is not None:  # else they went with it
            self._stop_all(pool.dismiss(environments))

    def start_debugged(self, version: FunctionVersion) -> None:
        """Start the environment of a function that is debugged: debuggers come before callers."""
        if not self._stopping.is_set() and self._is_debugged(version):
            self._pool(version).start_first()

    def take_snapshot(self, version: FunctionVersion) -> None:
        """Take, in the background, the snapshot of a version that has SnapStart."""
        if not self._stopping.is_set():
            self.snapshots.take(version)
            if version.deployment in self._retired:  # the two may be told in any order
                self.snapshots.forget(version.deployment)

    def warm(self, version: FunctionVersion) -> None:
        """Start, in the background, what the first environment of `version` needs."""
        if not self._stopping.is_set():
            self._in_background(self._warm, version)

    def _warm(self, version: FunctionVersion) -> None:
        with suppress(LambdaError):  # who calls the function meets the same, and is told
            self._backend.warm(version)

    def retire(self, version: FunctionVersion) -> None:
        """Use the environments of `version` for nothing new; they finish what they run."""
        self.provisioning.forget(version.deployment)
        with self._lock:
            self._retired.add(version.deployment)
            pool = self._pools.pop(version.deployment, None)
        self.snapshots.forget(version.deployment)
        if pool is not None:
            self._stop_all(pool.retire())
        if version.isolates_tenants:
            self._stop_all(self._tenants.retire(version.deployment))

    def code_in_use(self) -> list[CodePackage]:
        """Return the code that some environment still shows its function."""
        with self._lock:
            versions = [environment.version for environment in self._alive]
        return [package for version in versions for package in (version.code, *version.layers)]

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until what was retired is gone; False: it is not after `timeout_s`."""
        with self._lock:
            pending = list(self._pending)
        return not futures.wait(pending, timeout_s).not_done

    def reset(self) -> None:
        """Retire everything."""
        self._stop_all(self._retire_all())

    def wind_down(self, grace_s: float = SHUTDOWN_S) -> None:
        """End idle environments with extensions, which may take up to `grace_s`; `stop` follows.

        They may call S3 and the others then, to ship their last telemetry.
        """
        deadline = time.monotonic() + grace_s
        self._activity.wait_none(FINISHING, grace_s)
        idle = self._retire_all()
        self._stop_all([environment for environment in idle if environment.has_extensions])
        # A backend ends all its processes at once, so these are not ended one by one.
        self._wound_down += [each for each in idle if not each.has_extensions]
        self.settle(max(0.0, deadline - time.monotonic()))

    def stop(self, grace_s: float = SHUTDOWN_S) -> None:
        """End all environments, the busy ones too; extensions may take up to `grace_s` for it."""
        self._stopping.set()
        self._janitor.join()
        for freezer in self._freezers.values():
            freezer.stop()
        self.wind_down(grace_s)
        self._backend.close()
        for environment in self._wound_down:
            self._stop(environment)
        self._background.close()
        self._groups.close()
        self._sender.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _retire_all(self) -> list[Environment]:
        with self._lock:
            self._retired |= self._pools.keys()
            pools, self._pools = list(self._pools.values()), {}
        self.snapshots.forget_all()
        idle = [environment for pool in pools for environment in pool.retire()]
        return idle + self._tenants.retire_all()

    def _pool(self, version: FunctionVersion) -> EnvironmentPool:
        with self._lock:
            pool = self._pools.get(version.deployment)
            if pool is None:
                pool = self._make_pool(version)
                if version.deployment in self._retired:
                    pool.retire()  # for one who resolved it before, and no longer than that
                else:
                    self._pools[version.deployment] = pool
            return pool

    def _make_pool(self, version: FunctionVersion) -> EnvironmentPool:
        is_debugged = self._is_debugged(version)
        return EnvironmentPool(
            self._creator(version),
            self._stop,
            self._in_background,
            freezer=self._freezer(version) if self._freezes and not is_debugged else None,
            limit=1 if is_debugged else None,
        )

    def _freezer(self, version: FunctionVersion) -> Freezer:
        after_s = self._backend.freezes_after_s(version)
        freezer = self._freezers.get(after_s)
        if freezer is None:
            freezer = self._freezers[after_s] = Freezer(after_s)
        return freezer

    def _is_debugged(self, version: FunctionVersion) -> bool:
        if self._debugger is None:
            return False
        return self._debugger.debugs(version, self._backend.lets_debuggers_in(version))

    def _creator(self, version: FunctionVersion) -> Callable[[], Environment]:
        return lambda: self._create(version)

    def _create(self, version: FunctionVersion) -> Environment:
        if self._debugger is not None and self._is_debugged(version):
            return self._make(version, Environment, self._debugger.session(version))
        if not version.snap_start:
            return self._make(version, Environment)
        kind = self.snapshots.kind(version)
        if version.deployment in self._retired:  # for one who resolved it before
            self.snapshots.forget(version.deployment)
        return self._make(version, kind)

    def _make(
        self, version: FunctionVersion, kind: Callable[..., E], debug: DebugSession | None = None
    ) -> E:
        if self._stopping.is_set():
            raise LambdaError("ServiceException", "The emulator is stopping.")
        try:
            environment = kind(
                version,
                backend=self._backend,
                folder=self._folder,
                log_book=self._log_book,
                listener=self._listener,
                suspension=self._groups.suspension(),
                sender=self._sender,
                debug=debug,
            )
        except OSError as error:
            message = f"No execution environment can be made: {error}"
            raise LambdaError("ServiceException", message) from error
        with self._lock:
            self._alive.add(environment)
        return environment

    def _stop_all(self, environments: list[Environment]) -> None:
        for environment in environments:
            self._stop_later(environment)

    def _stop_later(self, environment: Environment) -> None:
        stopping = self._in_background(self._stop, environment)
        with self._lock:
            self._pending.add(stopping)
        stopping.add_done_callback(self._forget)

    def _stop(self, environment: Environment) -> None:
        environment.stop()
        with self._lock:
            self._alive.discard(environment)

    def _forget(self, stopped: Future[None]) -> None:
        with self._lock:
            self._pending.discard(stopped)

    def _retire_unused(self) -> None:
        # An idle environment costs memory only: looking twice in its time is soon enough.
        crowd_timeout_s = min(self._idle_timeout_s, CROWD_TIMEOUT_S)
        while not self._stopping.wait(crowd_timeout_s / 2):
            now_s = time.monotonic()
            since_s, crowd_since_s = now_s - self._idle_timeout_s, now_s - crowd_timeout_s
            for pool in list(self._pools.values()):
                self._stop_all(pool.take_unused(since_s, crowd_since_s))
            self._stop_all(self._tenants.take_unused(since_s, crowd_since_s))

    def _in_background(self, work: Callable[..., None], *arguments: object) -> Future[None]:
        """Do it on another thread; on the caller's once the emulator stops: little is left then."""
        try:
            return self._background.submit(work, *arguments)
        except RuntimeError:
            work(*arguments)
            done: Future[None] = Future()
            done.set_result(None)
            return done
