"""The snapshots of all published versions with SnapStart: taken once, kept while they are used."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from emulator.model import FunctionVersion, LambdaError, Status
from emulator.model.snapshot import SnapshotOutcome
from emulator.observe import Activity
from emulator.sandbox.environment import Environment
from emulator.sandbox.failure import Failure
from emulator.sandbox.process import Backend
from emulator.sandbox.restored_process import RestoredProcess
from emulator.sandbox.snapshot_environments import (
    RestoredEnvironment,
    SnapshotEnvironment,
    SnapshotGone,
)

log = logging.getLogger("emulator.sandbox")

ACTIVITY: Final = "snapshots that are taken"
_ATTEMPTS: Final = 2  # a snapshot whose process was killed is taken again

Make = Callable[[FunctionVersion], SnapshotEnvironment]
Told = Callable[[FunctionVersion, SnapshotOutcome], None]

_CODES: Final = {  # StateReasonCode, by what the platform calls the failure
    "Runtime.OutOfMemory": "FunctionError.InitResourceExhausted",
    "Runtime.InvalidEntrypoint": "FunctionError.InvalidEntryPoint",
}


@dataclass(kw_only=True, slots=True)
class _Snapshot:
    """The snapshot of one version, or what will be; None in the end where none can be taken."""

    version: FunctionVersion
    source: "Future[SnapshotEnvironment | None]" = field(default_factory=Future)
    users: int = 0  # environments that were restored from it, and are there
    lost: list[SnapshotEnvironment] = field(default_factory=list)  # processes that were killed
    is_retired: bool = False


class Snapshots:
    """Takes snapshots and restores environments from them. Any thread may call.

    `_lock` guards the table; processes start and end outside of it, on threads that
    `in_background` has.
    """

    def __init__(
        self,
        make: Make,
        stop: Callable[[Environment], object],
        in_background: Callable[..., object],
        *,
        backend: Backend,
        activity: Activity,
    ) -> None:
        """stop: ends an environment some time soon."""
        self._make = make
        self._stop = stop
        self._in_background = in_background
        self._backend = backend
        self._activity = activity
        self._listeners: list[Told] = []
        self._lock = threading.Lock()
        self._snapshots: dict[int, _Snapshot] = {}  # by deployment

    def subscribe(self, listener: Told) -> None:
        """Call `listener` with what came of each snapshot, on the thread that took it."""
        self._listeners.append(listener)

    def take(self, version: FunctionVersion) -> None:
        """Begin to take the snapshot of a version, unless that was done before."""
        self._find(version)

    def kind(self, version: FunctionVersion) -> Callable[..., Environment]:
        """Wait for the snapshot; return what makes one environment, of it where it could be taken.

        Raises LambdaError where it failed.
        """
        snapshot = self._find(version)
        if snapshot.source.result() is None:
            return Environment
        with self._lock:
            snapshot.users += 1
        return partial(self._restored, snapshot)

    def _restored(self, snapshot: _Snapshot, version: FunctionVersion, **parts: Any) -> Environment:
        restore, leave = partial(self._restore, snapshot), partial(self._leave, snapshot)
        try:
            return RestoredEnvironment(version, restore=restore, leave=leave, **parts)
        except BaseException:
            self._leave(snapshot)
            raise

    def _leave(self, snapshot: _Snapshot) -> None:
        with self._lock:
            snapshot.users -= 1
        self._stop_unused(snapshot)

    def forget(self, deployment: int) -> None:
        """End the snapshot of a version that is gone, when its environments have ended."""
        with self._lock:
            snapshot = self._snapshots.get(deployment)
            if snapshot is not None:
                snapshot.is_retired = True
        if snapshot is not None:
            self._stop_unused(snapshot)

    def forget_all(self) -> None:
        """End all snapshots, when their environments have ended."""
        for deployment in list(self._snapshots):
            self.forget(deployment)

    def _find(self, version: FunctionVersion) -> _Snapshot:
        with self._lock:
            snapshot = self._snapshots.get(version.deployment)
            if snapshot is None:
                snapshot = self._snapshots[version.deployment] = _Snapshot(version=version)
            elif snapshot.source.done() and snapshot.source.exception() is not None:
                snapshot.source = Future()  # it could not be taken again: who comes later tries
            else:
                return snapshot
        self._begin(snapshot)
        return snapshot

    def _begin(self, snapshot: _Snapshot) -> None:
        self._activity.begin(ACTIVITY)
        self._in_background(self._take, snapshot, snapshot.source)

    def _take(self, snapshot: _Snapshot, source: "Future[SnapshotEnvironment | None]") -> None:
        environment, outcome = None, SnapshotOutcome(is_taken=False, reason_code="InternalError")
        try:
            environment, outcome = self._try(snapshot.version)
        except LambdaError as error:
            code = "InvalidRuntime" if error.code == "InvalidRuntimeException" else "InternalError"
            outcome = SnapshotOutcome(is_taken=False, reason=error.message, reason_code=code)
        except Exception as error:  # top of a thread: the version must not stay Pending
            log.exception("snapshot.failed")
            outcome = SnapshotOutcome(
                is_taken=False, reason=f"the emulator failed: {error}", reason_code="InternalError"
            )
        finally:
            if outcome.has_failed:
                text = f"The snapshot could not be taken again: {outcome.reason}"
                source.set_exception(LambdaError("SnapStartRegenerationFailureException", text))
            else:
                source.set_result(environment)
            try:
                self._tell(snapshot, outcome)
            finally:
                self._activity.end(ACTIVITY)
                self._stop_unused(snapshot)

    def _tell(self, snapshot: _Snapshot, outcome: SnapshotOutcome) -> None:
        if not snapshot.is_retired:  # else it failed because the emulator stops, perhaps
            for listener in self._listeners:
                listener(snapshot.version, outcome)

    def _try(self, version: FunctionVersion) -> tuple[SnapshotEnvironment | None, SnapshotOutcome]:
        obstacle = self._backend.obstacle_to_snapshots(version)
        if obstacle is not None:
            return None, SnapshotOutcome(is_taken=False, reason=obstacle)
        environment = self._make(version)
        try:
            failure = environment.initialise().failure
        except BaseException:
            self._stop(environment)
            raise
        obstacle = environment.facts.obstacle
        if environment.has_extensions:
            obstacle = "an extension has registered in its runtime, which cannot be copied with it"
        if failure is None and obstacle is None:
            return environment, SnapshotOutcome(is_taken=True, threads=environment.facts.threads)
        self._stop(environment)
        if failure is not None:
            return None, _failed(failure)
        return None, SnapshotOutcome(is_taken=False, reason=obstacle or "")

    def _restore(
        self, snapshot: _Snapshot, *, runtime_api: str, tmp_folder: str
    ) -> RestoredProcess:
        for _ in range(_ATTEMPTS):
            source = snapshot.source.result()
            assert source is not None
            try:
                return source.restore(runtime_api=runtime_api, tmp_folder=tmp_folder)
            except SnapshotGone:
                self._take_again(snapshot, source)
        raise LambdaError(
            "SnapStartRegenerationFailureException", "The snapshot's process ends again and again."
        )

    def _take_again(self, snapshot: _Snapshot, lost: SnapshotEnvironment) -> None:
        """Replace a process that was killed; its environments may live on without it."""
        with self._lock:
            if not snapshot.source.done() or snapshot.source.result() is not lost:
                return  # another thread was faster
            snapshot.source = Future()
            snapshot.lost.append(lost)
        self._begin(snapshot)

    def _stop_unused(self, snapshot: _Snapshot) -> None:
        with self._lock:
            if not snapshot.is_retired or snapshot.users or not snapshot.source.done():
                return
            if self._snapshots.pop(snapshot.version.deployment, None) is None:
                return  # somebody else stops it
        for lost in snapshot.lost:
            self._stop(lost)
        if snapshot.source.exception() is None and (source := snapshot.source.result()) is not None:
            self._stop(source)


def _failed(failure: Failure) -> SnapshotOutcome:
    """Say why a version has failed, as its State does."""
    code = "FunctionError.RuntimeInitError"
    if failure.status is Status.TIMEOUT:
        code = "FunctionError.InitTimeout"
    elif failure.error_type.startswith("Extension."):
        code = "FunctionError.ExtensionInitError"
    code = _CODES.get(failure.error_type, code)
    return SnapshotOutcome(is_taken=False, reason=failure.text, reason_code=code)
