"""The environment that a snapshot is taken of, and those that are restored from it."""

import json
import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from typing_extensions import override

from emulator.model import (
    SNAP_START,
    FunctionVersion,
    LambdaError,
    Status,
)
from emulator.model.limits import RESTORE_TIMEOUT_S
from emulator.runtime_api import DEBUGGER_VERSION, SnapshotFacts, SnapshotRoute
from emulator.sandbox.environment import Environment, InitReport
from emulator.sandbox.failure import Failure
from emulator.sandbox.platform_lines import RestoreTimes
from emulator.sandbox.process import RuntimeProcess
from emulator.sandbox.restored_process import RestoredProcess, restored_process
from emulator.sandbox.shutdown import Reason

SEND_TIMEOUT_S: Final = 1.0


class SnapshotGone(RuntimeError):
    """The process that was the snapshot has ended."""


class SnapshotEnvironment(Environment):
    """An environment that nobody is lent: once it is initialised, others are made of it.

    `initialise` and `stop` as of any other; `restore` by any thread. `_lock` guards the order on
    the socket over which the process is asked.
    """

    init_phase = SNAP_START

    def __init__(self, version: FunctionVersion, **parts: Any) -> None:
        super().__init__(replace(version, initialization_type=SNAP_START), **parts)
        self.facts = SnapshotFacts()
        self._control, self._theirs = socket.socketpair()
        self._control.settimeout(SEND_TIMEOUT_S)
        self._lock = threading.Lock()
        self._processes.endpoint.routes[DEBUGGER_VERSION] = SnapshotRoute(self._take_note)

    def _take_note(self, facts: SnapshotFacts) -> None:
        self.facts = facts

    @override
    def _launch_process(
        self, extension: str | None, snapshot_fd: int | None = None
    ) -> RuntimeProcess:
        try:
            return super()._launch_process(extension, self._theirs.fileno())
        finally:
            self._theirs.close()

    def restore(self, *, runtime_api: str, tmp_folder: str) -> RestoredProcess:
        """Make another environment of this one; raises SnapshotGone."""
        message = {
            "op": "restore",
            "runtime_api": runtime_api,
            "tmp_folder": tmp_folder,
            "tmp_mib": self.version.ephemeral_storage_mib,
        }
        process = restored_process(lambda fds: self._send(message, fds))
        if not process.has_begun():  # what was sent to a process that dies is lost
            process.close()
            raise SnapshotGone("It was killed.")
        return process

    def _send(self, message: dict[str, Any], fds: Sequence[int]) -> None:
        data = json.dumps({**message, "fds": len(fds)}).encode() + b"\n"
        try:
            with self._lock:
                sent = socket.send_fds(self._control, [data], fds)
                self._control.sendall(data[sent:])
        except OSError as error:
            raise SnapshotGone(str(error)) from error

    @override
    def stop(self) -> None:
        """End the process, and with it all that is left of what was restored."""
        self._control.close()
        self._theirs.close()
        super().stop()


class RestoredEnvironment(Environment):
    """An environment that begins as a copy of an initialised one.

    What becomes of a failed one is as of others, but that its /tmp is the snapshot's again.
    `steps` raises LambdaError where a restore fails.
    """

    is_restored = True

    def __init__(
        self,
        version: FunctionVersion,
        *,
        restore: Callable[..., RestoredProcess],
        leave: Callable[[], None],
        **parts: Any,
    ) -> None:
        """restore: as `SnapshotEnvironment.restore`. leave: called when it needs that no longer."""
        super().__init__(replace(version, initialization_type=SNAP_START), **parts)
        self._restore = restore
        self._leave = leave

    @override
    def _launch_process(
        self, extension: str | None, snapshot_fd: int | None = None
    ) -> RuntimeProcess:
        return self._restore(runtime_api=self._endpoint.address, tmp_folder=str(self._tmp))

    @override
    def initialise(self) -> InitReport:
        """Restore it; raises LambdaError where that fails."""
        started = time.monotonic()
        self._platform.restore_started()
        self._launch()
        self._await_restored("", started)
        self._telemetry.hold()
        self.init_report = InitReport(init_ms=0.0, failure=None)
        return self.init_report

    @override
    def _suppressed_init(self, request_id: str, deadline: float) -> Failure | None:
        self._output.release()
        self._platform.restore_started()
        self._await_restored(request_id, time.monotonic())
        return None

    def _await_restored(self, request_id: str, started: float) -> None:
        deadline = started + RESTORE_TIMEOUT_S
        endpoint = self._processes.endpoint
        self._processes.pump(lambda: endpoint.has_client, deadline)
        is_there = time.monotonic()  # from here on it is the runtime, and what it runs
        failure = self._await_ready(request_id, deadline)
        ended = time.monotonic()
        self._platform.restore_ended((ended - started) * 1000, failure)
        if failure is not None:
            self._reset(Reason.FAILURE)
            raise _refusal(failure)
        billed_ms = math.ceil(round((ended - is_there) * 1000, 2))
        self._reports.restore = RestoreTimes(ms=(ended - started) * 1000, billed_ms=billed_ms)

    @override
    def stop(self) -> None:
        """End all processes; see `Environment.stop`."""
        try:
            super().stop()
        finally:
            self._leave()


def _refusal(failure: Failure) -> LambdaError:
    """What the caller is told when his invocation found no environment."""
    if failure.status is Status.TIMEOUT:
        return LambdaError(
            "SnapStartTimeoutException",
            f"Lambda couldn't restore the snapshot within {RESTORE_TIMEOUT_S:.0f} seconds.",
        )
    return LambdaError("SnapStartException", f"The after-restore hooks failed: {failure.text}")
