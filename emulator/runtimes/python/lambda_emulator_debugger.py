"""Lets debuggers into a Python function, with debugpy: the function's own, or the emulator's."""

import contextlib
import importlib
import os


def listen(mode):
    """Start to listen; return the port, and what to call once somebody knows of it.

    mode: "wait" for a debugger before the function is loaded, or "attach" at any time.
    """
    own = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # it would warn of frozen modules in the log
    os.environ.update(own)
    try:
        debugpy = importlib.import_module("debugpy")  # where it is, somebody debugs
        debugpy.configure(subProcess=False)
        port = debugpy.listen(("127.0.0.1", 0))[1]
    finally:
        for name in own:
            os.environ.pop(name, None)
    return port, debugpy.wait_for_client if mode == "wait" else contextlib.suppress


def with_stopped_clock(context_type):
    """Return the context of a function whose time does not run while it is debugged.

    Whether it does is known at the beginning of an invocation only.
    """

    class DebuggedContext(context_type):
        def __init__(self, headers, constants):
            super().__init__(headers, constants)
            is_stopped = "lambda-emulator-clock-stopped" in headers
            self._left_ms = super().get_remaining_time_in_millis() if is_stopped else None

        def get_remaining_time_in_millis(self):
            """Milliseconds until this invocation is stopped; they stay while the clock stands."""
            return self._left_ms or super().get_remaining_time_in_millis()

    return DebuggedContext
