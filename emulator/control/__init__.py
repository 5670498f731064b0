"""What is configured: functions, their versions, code and policies."""

from emulator.control.changes import FunctionChange
from emulator.control.code import CodeStore
from emulator.control.function import FunctionConfiguration
from emulator.control.names import Target, target
from emulator.control.spec import FunctionSpec
from emulator.control.store import FunctionStore
from emulator.control.validation import RESERVED_VARIABLES

__all__ = [
    "RESERVED_VARIABLES",
    "CodeStore",
    "FunctionChange",
    "FunctionConfiguration",
    "FunctionSpec",
    "FunctionStore",
    "Target",
    "target",
]
