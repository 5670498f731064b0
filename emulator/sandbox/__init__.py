"""Execution environments: start, lend, stop."""

from emulator.sandbox.backends import DOCKER, PROCESS, Backends
from emulator.sandbox.debugger import Debugger, DebugTarget, PortTaken
from emulator.sandbox.environments import IDLE_TIMEOUT_S, Environments
from emulator.sandbox.launcher import Launcher
from emulator.sandbox.process import Backend
from emulator.sandbox.run_folder import RunFolder
from emulator.sandbox.variables import Credentials

__all__ = [
    "DOCKER",
    "IDLE_TIMEOUT_S",
    "PROCESS",
    "Backend",
    "Backends",
    "Credentials",
    "DebugTarget",
    "Debugger",
    "Environments",
    "Launcher",
    "PortTaken",
    "RunFolder",
]
