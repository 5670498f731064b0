"""Python's column of the behaviour table."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.end_to_end.behaviour.table import SHOWN_VARIABLES, Cell, Function, Language, variables

RUNTIME: Final = f"python3.{sys.version_info.minor}"
HANDLER: Final = "app.handler"

SOURCE: Final = f"""
import logging, os, signal, sys, time, uuid

TOKEN = str(uuid.uuid4())
EXITS = {{"exit 0": lambda: sys.exit(0), "exit 3": lambda: sys.exit(3),
         "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
         "segmentation fault": lambda: os.kill(os.getpid(), signal.SIGSEGV)}}

class OrderError(Exception): pass
class Escape(BaseException): pass

def handler(event, context):
    return globals()["do_" + event["do"]](event, context)

def do_token(event, context): return TOKEN
def do_echo(event, context): return event["value"]
def do_nothing(event, context): pass
def do_fail(event, context): raise OrderError("no such order: ü")
def do_escape(event, context): raise Escape("out")
def do_hang(event, context): time.sleep(60)
def do_end(event, context): EXITS[event["how"]]()
def do_long(event, context): return "x" * (event["bytes"] - 2)
def do_unserialisable(event, context): return {{"thing": object()}}
def do_folder(event, context): return os.getcwd()
def do_variables(event, context):
    return {{name: os.environ.get(name) for name in {SHOWN_VARIABLES}}}

def do_eat(event, context):
    hoard = []
    while True:
        hoard.append(bytearray(b"x" * (8 << 20)))

def do_context(event, context):
    left = context.get_remaining_time_in_millis()
    return {{
        "request id is the log's": context.aws_request_id, "function": context.function_name,
        "version": context.function_version, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "group": context.log_group_name,
        "has stream": "[$LATEST]" in context.log_stream_name,
        "client context": context.client_context,
        "identity": context.identity.cognito_identity_id,
        "time is left": type(left) is int and 0 < left <= 20000, "tenant": context.tenant_id,
    }}

def do_client_context(event, context):
    return {{"custom": context.client_context.custom, "env": context.client_context.env}}

def do_log(event, context):
    print("printed: ü")
    print("to stderr", file=sys.stderr)
    logging.warning("two\\nlines")
    logging.info("not shown: the root logger's level is WARNING")

def do_keep(event, context):
    with open("/tmp/kept", "w") as file:
        file.write(TOKEN)
    return TOKEN

def do_kept(event, context): return open("/tmp/kept").read()
"""
SLOW_INIT: Final = """
import os, time
if not os.path.exists("/tmp/began"):
    open("/tmp/began", "w").close()
    time.sleep(60)
def handler(event, context): return "begun twice"
"""
AT_INIT: Final = "import os, signal, sys\n{}\ndef handler(event, context): pass"
_PIECES: Final = {
    "init_error": AT_INIT.format("raise ValueError('at init')"),
    "missing_dependency": AT_INIT.format("import nowhere_to_be_found"),
    "syntax_error": "def handler(event, context:\n    pass",
    "init_exit_0": AT_INIT.format("sys.exit(0)"),
    "init_exit_3": AT_INIT.format("sys.exit(3)"),
    "init_killed": AT_INIT.format("os.kill(os.getpid(), signal.SIGKILL)"),
    "slow_init": SLOW_INIT,
}
_MAIN: Final = 'environment = { GREETING = "grüß dich" }\nmemory_mib = 512\ntimeout_s = 20'
FUNCTIONS: Final[Mapping[str, Function]] = {
    "main": Function(source=SOURCE, handler=HANDLER, settings=_MAIN),
    "hasty": Function(source=SOURCE, handler=HANDLER, settings="timeout_s = 1"),
    "hungry": Function(source=SOURCE, handler=HANDLER, settings="timeout_s = 20"),
    "missing_module": Function(source=SOURCE, handler="nowhere.handler"),
    "missing_handler": Function(source=SOURCE, handler="app.nobody"),
    "bad_handler": Function(source=SOURCE, handler=HANDLER, handler_by_api="nodot"),
    **{
        name: Function(source=source, handler=HANDLER, settings="timeout_s = 20")
        for name, source in _PIECES.items()
    },
}
_SOURCE: Final = "invoke.md 5.1"
_WARNING: Final = "[WARNING]\t….…Z\t\tLAMBDA_WARNING: Unhandled exception. …"
_IMPORT_ERROR: Final = "Unable to import module"


def _failed(error_type: str, message: str, *, resets: bool = True) -> Cell:
    line = f"[ERROR] {error_type}: {message}…"
    return Cell(source=_SOURCE, error=(error_type, message), log=(_WARNING, line), resets=resets)


CELLS: Final[Mapping[str, Cell]] = {
    "error of the handler": Cell(
        source=_SOURCE,
        error=("OrderError", "no such order: ü"),
        first_frame='  File "/var/task/app.py", line …, in handler\n…',
        log=(
            "[ERROR] OrderError: no such order: ü\rTraceback (most recent call last):\r"
            '\xa0\xa0File "/var/task/app.py", line …, in handler\r…',
        ),
    ),
    "error that escapes the runtime": Cell(
        source="RIC-py catches Exception only; invoke.md 5",
        error=("Runtime.ExitError", "Error: Runtime exited with error: exit status 1"),
        keys=("errorType", "errorMessage"),
        resets=True,
    ),
    "error at init": _failed("ValueError", "at init"),
    "handler in a missing module": _failed(
        "Runtime.ImportModuleError", f"{_IMPORT_ERROR} 'nowhere': No module named 'nowhere'"
    ),
    "missing dependency": _failed(
        "Runtime.ImportModuleError",
        f"{_IMPORT_ERROR} 'app': No module named 'nowhere_to_be_found'",
    ),
    "missing handler": _failed(
        "Runtime.HandlerNotFound", "Handler 'nobody' missing on module 'app'"
    ),
    "bad handler name": _failed(
        "Runtime.MalformedHandlerName",
        "Bad handler 'nodot': not enough values to unpack (expected 2, got 1)",
    ),
    "syntax error": replace(
        _failed(
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'app': '(' was never closed (app.py, line 1)",
        ),
        first_frame='  File "/var/task/app.py" Line 1\n    def handler(event, context:\n',
    ),
    "result that is no JSON": Cell(
        source=_SOURCE,
        error=(
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type object is not JSON serializable",
        ),
        log=("[ERROR] Runtime.MarshalError: Unable to marshal response: …",),
    ),
    "context": Cell(
        source="execution-environment.md 4",
        result={
            "request id is the log's": "REQUEST ID",
            "function": "FUNCTION",
            "version": "$LATEST",
            "arn": "arn:aws:lambda:us-east-1:000000000000:function:FUNCTION",
            "memory": "512",
            "group": "/aws/lambda/FUNCTION",
            "has stream": True,
            "client context": None,
            "identity": None,
            "time is left": True,
            "tenant": None,
        },
    ),
    "log lines": Cell(
        source="execution-environment.md 6",
        result=None,
        log=(
            "printed: ü",
            "to stderr",
            "[WARNING]\t….…Z\tREQUEST ID\ttwo",
            "lines",
            "START RequestId: REQUEST ID Version: $LATEST",
            "END RequestId: REQUEST ID",
            "REPORT RequestId: REQUEST ID\tDuration: … ms\tBilled Duration: … ms\t"
            "Memory Size: 512 MB\tMax Memory Used: … MB\t…",
        ),
    ),
}


def write(folder: Path, source: str) -> None:
    """Put the source into a function's folder."""
    (folder / "app.py").write_text(source)


PYTHON: Final = Language(
    name="python",
    runtime=RUNTIME,
    functions=FUNCTIONS,
    write=write,
    error_keys=("errorMessage", "errorType", "requestId", "stackTrace"),
    cells={**CELLS, "environment variables": variables(RUNTIME, "python-main", HANDLER)},
)
