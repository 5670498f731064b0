"""The behaviour table: what happens to a function in each case, and what every runtime makes of it.

A row is a `Case`, a column is a `Language`; a cell is what `Language.cells` says of the case, or
else what the case expects of every runtime because the platform decides it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ANYTHING: Final = "…"  # in a text that is expected: whatever stands there


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What comes back; `source` says where that is written down (files of the specification)."""

    source: str
    result: Any = None  # of a success
    error: tuple[str, str] | None = None  # errorType and errorMessage
    keys: tuple[str, ...] | None = None  # of the error object, in order; None: the language's
    first_frame: str | None = None  # of the error object's trace; the function's own code
    log: tuple[str, ...] = ()  # lines that stand in the log, as `says` compares them
    resets: bool = False  # the next invocation finds a fresh process


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One thing that happens: which function is invoked with which event."""

    name: str
    event: Any
    function: str = "main"  # of `Language.functions`
    options: Mapping[str, Any] = field(default_factory=dict)  # of Invoke
    expected: Cell | None = None  # None: every language says so itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """What is deployed under one name."""

    source: str
    handler: str
    settings: str = ""  # lines of emulator.toml
    handler_by_api: str | None = None  # set afterwards, because emulator.toml would refuse it


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """A column: functions that do what the cases ask, and what is this runtime's own."""

    name: str
    runtime: str
    functions: Mapping[str, Function]
    write: Callable[[Path, str], None]  # puts a source into a function's folder
    error_keys: tuple[str, ...]
    cells: Mapping[str, Cell]
    no_such: Mapping[str, str] = field(default_factory=dict)  # case -> why it has none
    code: str = ""  # what stands in the folder and is deployed; "": the folder itself
    missing: str | None = None  # why it cannot run on this machine

    def cell(self, case: Case) -> Cell:
        """Return what is expected of `case`."""
        cell = self.cells.get(case.name, case.expected)
        assert cell is not None, f"{self.name} has no cell for {case.name!r}"
        return cell


def says(text: str, expected: str) -> bool:
    """Tell whether `text` is `expected`, whatever stands where that has `ANYTHING`."""
    return re.fullmatch(_pattern(expected), text, re.DOTALL) is not None


def has_line(log: str, expected: str) -> bool:
    """Tell whether a line of the log is `expected`, in the sense of `says`."""
    pattern = _pattern(expected, anything=r"[^\n]*?")
    return re.search(f"^{pattern}$", log, re.MULTILINE) is not None


def _pattern(expected: str, anything: str = ".*?") -> str:
    return anything.join(map(re.escape, expected.split(ANYTHING)))


PLATFORM_KEYS: Final = ("errorType", "errorMessage")
_INVOKE: Final = "invoke.md 5"


def _exit(message: str, *, log: tuple[str, ...] = (), resets: bool = True) -> Cell:
    report = f"REPORT …\tStatus: error\tError Type: Runtime.ExitError{ANYTHING}"
    error = ("Runtime.ExitError", f"Error: Runtime exited {message}")
    lines = (report, *log)
    return Cell(source=_INVOKE, error=error, keys=PLATFORM_KEYS, log=lines, resets=resets)


def _at_init(message: str) -> Cell:
    line = f"INIT_REPORT Init Duration: … ms\tPhase: invoke\tStatus: error\tError Type: …{ANYTHING}"
    return _exit(message, log=(line,))


EXITS: Final = {
    "exit 0": "without providing a reason",
    "exit 3": "with error: exit status 3",
    "killed": "with error: signal: killed",
    "segmentation fault": "with error: signal: segmentation fault",
}
_HELLO: Final = {"text": "Grüße, мир, 你好, 🐑 \u2028 \x00 \"'\\", "ключ": ["ä"]}
_VALUES: Final = [{"n": 1, "nested": {"list": [1, 2.5, None, True]}}, "text", 7, [], False]
_CLIENT_CONTEXT: Final = "eyJjdXN0b20iOiB7ImsiOiAiw7wifSwgImVudiI6IHsidCI6ICJlIn19"
RESPONSE_LIMIT: Final = 6_291_556

CASES: Final = (
    *(
        Case(
            name=f"success with {type(value).__name__}",
            event={"do": "echo", "value": value},
            expected=Cell(source="invoke.md 1.1", result=value),
        )
        for value in _VALUES
    ),
    Case(
        name="no result",
        event={"do": "nothing"},
        expected=Cell(source="invoke.md 1.2", result=None),
    ),
    Case(name="error of the handler", event={"do": "fail"}),
    Case(name="error that escapes the runtime", event={"do": "escape"}),
    Case(name="error at init", function="init_error", event={}),
    Case(name="handler in a missing module", function="missing_module", event={}),
    Case(name="missing dependency", function="missing_dependency", event={}),
    Case(name="missing handler", function="missing_handler", event={}),
    Case(name="bad handler name", function="bad_handler", event={}),
    Case(name="syntax error", function="syntax_error", event={}),
    Case(
        name="timeout",
        function="hasty",
        event={"do": "hang"},
        expected=Cell(
            source=_INVOKE,
            error=("Sandbox.Timedout", "Error: Task timed out after 1.00 seconds"),
            keys=PLATFORM_KEYS,
            log=("REPORT …\tDuration: 1000.00 ms\t…Status: timeout…",),
            resets=True,
        ),
    ),
    Case(
        name="out of memory",
        event={"do": "eat"},
        function="hungry",
        expected=Cell(
            source=f"{_INVOKE}, out of memory",
            error=("Runtime.ExitError", "Error: Runtime exited with error: signal: killed"),
            keys=PLATFORM_KEYS,
            log=(
                "REPORT …\tMax Memory Used: 128 MB\t…Status: error\t"
                "Error Type: Runtime.OutOfMemory…",
            ),
            resets=True,
        ),
    ),
    *(
        Case(name=f"{how} in the handler", event={"do": "end", "how": how}, expected=_exit(message))
        for how, message in EXITS.items()
    ),
    *(
        Case(
            name=f"{how} at init",
            function=f"init_{how.replace(' ', '_')}",
            event={},
            expected=_at_init(message),
        )
        for how, message in list(EXITS.items())[:3]
    ),
    Case(
        name="response of the largest size",
        event={"do": "long", "bytes": RESPONSE_LIMIT},
        expected=Cell(source="invoke.md 6", result="x" * (RESPONSE_LIMIT - 2)),
    ),
    Case(
        name="response a byte too large",
        event={"do": "long", "bytes": RESPONSE_LIMIT + 1},
        expected=Cell(
            source=_INVOKE,
            error=(
                "Function.ResponseSizeTooLarge",
                "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
            ),
            keys=("errorMessage", "errorType"),
        ),
    ),
    Case(name="result that is no JSON", event={"do": "unserialisable"}),
    Case(
        name="unicode",
        event={"do": "echo", "value": _HELLO},
        expected=Cell(source="invoke.md 1.1", result=_HELLO),
    ),
    Case(
        name="5 MB",
        event={"do": "echo", "value": "ü" * 800_000 + "x" * 200_000},
        expected=Cell(source="invoke.md 6", result="ü" * 800_000 + "x" * 200_000),
    ),
    Case(name="context", event={"do": "context"}),
    Case(
        name="client context",
        event={"do": "client_context"},
        options={"ClientContext": _CLIENT_CONTEXT},
        expected=Cell(
            source="execution-environment.md 4", result={"custom": {"k": "ü"}, "env": {"t": "e"}}
        ),
    ),
    Case(name="environment variables", event={"do": "variables"}),
    Case(
        name="working directory",
        event={"do": "folder"},
        expected=Cell(source="execution-environment.md 2", result="/var/task"),
    ),
    Case(name="log lines", event={"do": "log"}),
)

# What a function is shown of its environment, and what every language expects of it.
SHOWN_VARIABLES: Final = (
    *("GREETING", "_HANDLER", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_NAME"),
    *("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "LAMBDA_TASK_ROOT"),
    *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "LAMBDA_RUNTIME_DIR"),
    *("AWS_EXECUTION_ENV", "TZ", "LANG", "HOME"),
)


def variables(runtime: str, function: str, handler: str) -> Cell:
    """Return the cell of the case "environment variables"; execution-environment.md 3."""
    own = None if runtime.startswith("provided") else f"AWS_Lambda_{runtime}"
    values = {
        "GREETING": "grüß dich",
        "_HANDLER": handler,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function}",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_EXECUTION_ENV": own,
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "HOME": None,
    }
    return Cell(source="execution-environment.md 3", result=values)


def deployed_name(language: Language, function: str) -> str:
    """Return the name under which one of a language's functions is deployed."""
    return f"{language.name}-{function}"
