"""What goes wrong in an environment, in the platform's words. Source: spec/invoke.md section 5."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from signal import SIGKILL
from typing import Final

from emulator.model import Status
from emulator.runtime_api import Answer, Extension, ExtensionState, Outcome, valid_error_type
from emulator.sandbox.process import Exit

# The platform is written in Go, which names the signals that end a process of Linux so.
_SIGNALS: Final[Mapping[int, str]] = {
    1: "hangup",
    2: "interrupt",
    3: "quit",
    4: "illegal instruction",
    5: "trace/breakpoint trap",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    10: "user defined signal 1",
    11: "segmentation fault",
    12: "user defined signal 2",
    13: "broken pipe",
    14: "alarm clock",
    15: "terminated",
    24: "CPU time limit exceeded",
    25: "file size limit exceeded",
    26: "virtual timer expired",
    27: "profiling timer expired",
    29: "I/O possible",
    30: "power failure",
    31: "bad system call",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What went wrong: the body for the caller and the platform's name for it."""

    body: bytes
    error_type: str
    status: Status = Status.ERROR

    @property
    def text(self) -> str:
        """The same for people: the error's own name and message, where the body has them."""
        try:
            told = json.loads(self.body)
            return f"{told['errorType']}: {told['errorMessage']}"
        except (ValueError, TypeError, KeyError, RecursionError):
            return self.error_type


def answered(answer: Answer) -> Failure | None:
    """Return what the runtime's answer says went wrong; None when nothing did."""
    if answer.outcome is Outcome.RESPONSE:
        return None
    if answer.outcome is Outcome.TOO_LARGE:
        text = (
            f"Response payload size exceeded maximum allowed payload size ({answer.limit} bytes)."
        )
        return _named("Function.ResponseSizeTooLarge", text)
    if answer.outcome is Outcome.TRUNCATED:
        return _named(
            "Runtime.TruncatedResponse", "The response of the runtime ended before it was complete."
        )
    if answer.outcome is Outcome.INVALID_MODE:
        return _named("Runtime.InvalidResponseModeHeader", "Invalid function response mode")
    return Failure(body=answer.body, error_type=valid_error_type(answer.error_type))


def timed_out(timeout_s: float, request_id: str) -> Failure:
    """Return the failure of an invocation whose time was over."""
    text = f"Task timed out after {timeout_s:.2f} seconds"
    return _failure("Sandbox.Timedout", request_id, text, Status.TIMEOUT)


def out_of_memory(request_id: str) -> Failure:
    """Return the failure of an environment that used more than its MemorySize."""
    failure = exited(Exit(signal=SIGKILL), request_id)
    # Only the REPORT line says what really happened.
    return Failure(body=failure.body, error_type="Runtime.OutOfMemory")


def exited(ended: Exit, request_id: str) -> Failure:
    """Return the failure of a runtime process that ended, or could not be started."""
    if ended.is_out_of_memory:
        return out_of_memory(request_id)
    if ended.refusal is not None:
        return _failure("Runtime.InvalidEntrypoint", request_id, ended.refusal)
    return _failure("Runtime.ExitError", request_id, _exit_text(ended))


def _named(error_type: str, text: str) -> Failure:
    body = json.dumps({"errorMessage": text, "errorType": error_type}, separators=(",", ":"))
    return Failure(body=body.encode(), error_type=error_type)


def extension_crashed(ended: Exit, request_id: str) -> Failure:
    """Return the failure of an extension's process that ended, or could not be started."""
    if ended.refusal is not None:
        return _failure("Extension.LaunchError", request_id, ended.refusal)
    if ended.signal is not None:
        return _failure("Extension.Crash", request_id, f"signal: {_signal_name(ended.signal)}")
    return _failure("Extension.Crash", request_id, f"exit code {ended.status}")


def extension_reported(extension: Extension, request_id: str) -> Failure:
    """Return the failure that an extension told of with init/error or exit/error."""
    is_init = extension.state is ExtensionState.INIT_ERROR
    error_type = "Extension.InitError" if is_init else "Extension.ExitError"
    return _failure(error_type, request_id, f"{extension.name}: {extension.error_type}")


def _failure(error_type: str, request_id: str, text: str, status: Status = Status.ERROR) -> Failure:
    message = f"RequestId: {request_id} Error: {text}"
    body = json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":"))
    return Failure(body=body.encode(), error_type=error_type, status=status)


def _exit_text(ended: Exit) -> str:
    if ended.signal is not None:
        return f"Runtime exited with error: signal: {_signal_name(ended.signal)}"
    if ended.status == 0:
        return "Runtime exited without providing a reason"
    return f"Runtime exited with error: exit status {ended.status}"


def _signal_name(number: int) -> str:
    return _SIGNALS.get(number, f"signal {number}")
