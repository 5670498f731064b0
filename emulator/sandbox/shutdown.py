"""The shutdown phase: who is told, in which order, and how long it may take.

Source: spec/runtime-api.md section 4.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from emulator.runtime_api import SHUTDOWN, ExtensionDesk, shutdown_event
from emulator.sandbox.extension_host import ExtensionHost
from emulator.sandbox.process import RuntimeProcess


class Reason(StrEnum):
    """Why an environment ends, as extensions are told."""

    SPINDOWN = "spindown"
    TIMEOUT = "timeout"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How long the phase may take in all, and how long of that the runtime may."""

    total_s: float
    runtime_s: float


_DRAIN_S: Final = 0.3  # of the total; an extension that takes no telemetry has the rest
NO_EXTENSIONS: Final = Budget(total_s=0.0, runtime_s=0.0)
INTERNAL_ONLY: Final = Budget(total_s=0.5, runtime_s=0.5)
EXTERNAL: Final = Budget(total_s=2.0, runtime_s=0.3)


def budget(*, are_registered: bool, are_external: bool) -> Budget:
    """Return the time that an environment with these extensions gets."""
    if not are_registered:
        return NO_EXTENSIONS
    return EXTERNAL if are_external else INTERNAL_ONLY


def shut_down(
    reason: Reason,
    runtime: RuntimeProcess | None,
    host: ExtensionHost,
    desk: ExtensionDesk,
    serve: Callable[[Callable[[], bool], float], None],
    runtime_has_ended: Callable[[], bool],
    drain: Callable[[float], None],
) -> None:
    """Let runtime and extensions end by themselves; who has not by then is for the caller to kill.

    serve: handles what happens in the environment until its first argument is true, or until the
    second, on time.monotonic. drain: brings extensions the last of the telemetry, within some
    seconds.
    """
    allowed = budget(are_registered=bool(desk.rules.registered), are_external=host.are_external)
    started = time.monotonic()
    if runtime is not None and allowed.total_s:
        if reason is Reason.SPINDOWN:
            runtime.signal(signal.SIGTERM)
            serve(runtime_has_ended, started + allowed.runtime_s)
        runtime.signal(signal.SIGKILL)
    if not host.are_external or not allowed.total_s:
        return
    drain(_DRAIN_S)
    left_s = started + allowed.total_s - time.monotonic()
    desk.send(SHUTDOWN, shutdown_event(reason, int((time.time() + left_s) * 1000)))
    host.kill_unsubscribed()
    serve(lambda: host.are_gone, started + allowed.total_s)
