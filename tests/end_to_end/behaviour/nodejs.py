"""Columns of Node.js: the rules up to nodejs22.x, and those from nodejs24.x on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from emulator.sandbox import languages
from tests.end_to_end.behaviour.table import SHOWN_VARIABLES, Cell, Function, Language, variables

HANDLER: Final = "index.handler"

SOURCE: Final = f"""
const fs = require('node:fs')
const token = require('node:crypto').randomUUID()
const exits = {{
    'exit 0': () => process.exit(0),
    'exit 3': () => process.exit(3),
    'killed': () => process.kill(process.pid, 'SIGKILL'),
    'segmentation fault': () => process.kill(process.pid, 'SIGSEGV'),
}}
const forever = () => new Promise((resolve) => setTimeout(resolve, 60000))

class OrderError extends Error {{ name = 'OrderError' }}

const actions = {{
    token: () => token,
    echo: (event) => event.value,
    nothing: () => {{}},
    fail: () => {{ throw new OrderError('no such order: ü') }},
    escape: () => {{ setTimeout(() => {{ throw new OrderError('out') }}, 1); return forever() }},
    reject: () => {{ Promise.reject(new OrderError('nobody catches it')); return forever() }},
    never: () => new Promise(() => {{}}),
    hang: forever,
    end: (event) => {{ exits[event.how](); return forever() }},
    long: (event) => 'x'.repeat(event.bytes - 2),
    unserialisable: () => ({{ thing: 1n }}),
    folder: () => process.cwd(),
    variables: () => Object.fromEntries(
        {list(SHOWN_VARIABLES)}.map((name) => [name, process.env[name] ?? null])),
    eat: () => {{ const hoard = []; for (;;) hoard.push(Buffer.alloc(8 << 20, 'x')) }},
    context: (event, context) => ({{
        "request id is the log's": context.awsRequestId, 'function': context.functionName,
        'version': context.functionVersion, 'arn': context.invokedFunctionArn,
        'memory': context.memoryLimitInMB, 'group': context.logGroupName,
        'has stream': context.logStreamName.includes('[$LATEST]'),
        'client context': context.clientContext ?? null, 'identity': context.identity ?? null,
        'time is left': 0 < context.getRemainingTimeInMillis()
            && context.getRemainingTimeInMillis() <= 20000,
        'tenant': context.tenantId ?? null, 'done': typeof context.done,
    }}),
    client_context: (event, context) => context.clientContext,
    log: () => {{
        console.log('printed: ü'); console.error('two\\nlines'); process.stdout.write('raw\\n')
    }},
    keep: () => {{ fs.writeFileSync('/tmp/kept', token); return token }},
    kept: () => fs.readFileSync('/tmp/kept', 'utf8'),
}}
exports.handler = async (event, context) => actions[event.do](event, context)
exports.number = 7
"""
SLOW_INIT: Final = """
const fs = require('node:fs')
if (!fs.existsSync('/tmp/began')) {
    fs.writeFileSync('/tmp/began', '')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000)
}
exports.handler = async () => 'begun twice'
"""
AT_INIT: Final = "{}\nexports.handler = async () => {{}}"
_PIECES: Final = {
    "init_error": AT_INIT.format("throw new TypeError('at init')"),
    "missing_dependency": AT_INIT.format("require('nowhere-to-be-found')"),
    "syntax_error": "exports.handler = async ( => {}",
    "init_exit_0": AT_INIT.format("process.exit(0)"),
    "init_exit_3": AT_INIT.format("process.exit(3)"),
    # A process ends while its own signal is under way; what comes after must not be reached.
    "init_killed": AT_INIT.format("process.kill(process.pid, 'SIGKILL'); for (;;);"),
    "slow_init": SLOW_INIT,
}
_MAIN: Final = 'environment = { GREETING = "grüß dich" }\nmemory_mib = 512\ntimeout_s = 20'
FUNCTIONS: Final[Mapping[str, Function]] = {
    "main": Function(source=SOURCE, handler=HANDLER, settings=_MAIN),
    "hasty": Function(source=SOURCE, handler=HANDLER, settings="timeout_s = 1"),
    "hungry": Function(source=SOURCE, handler=HANDLER, settings="timeout_s = 20"),
    "missing_module": Function(source=SOURCE, handler="nowhere.handler"),
    "missing_handler": Function(source=SOURCE, handler="index.nobody"),
    "bad_handler": Function(source=SOURCE, handler=HANDLER, handler_by_api="nodot"),
    **{
        name: Function(source=source, handler=HANDLER, settings="timeout_s = 20")
        for name, source in _PIECES.items()
    },
}
_SOURCE: Final = "invoke.md 5.2"


def _failed(error_type: str, message: str, *, log: str = "") -> Cell:
    lines = (log or f'…\tundefined\tERROR\tUncaught Exception \t{{"errorType":"{error_type}",…',)
    return Cell(source=_SOURCE, error=(error_type, message), log=lines, resets=True)


_NO_JSON: Final = Cell(source=_SOURCE, error=("Error", "Unable to stringify response body"))
_CONTEXT: Final = {
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
    "done": "function",
}
CELLS: Final[Mapping[str, Cell]] = {
    "error of the handler": Cell(
        source=_SOURCE,
        error=("OrderError", "no such order: ü"),
        first_frame="OrderError: no such order: ü",
        log=(
            "…Z\tREQUEST ID\tERROR\tInvoke Error \t"
            '{"errorType":"OrderError","errorMessage":"no such order: ü",…',
        ),
    ),
    "error that escapes the runtime": Cell(
        source=_SOURCE,
        error=("OrderError", "out"),
        log=("…\tERROR\tUncaught Exception \t…",),
        resets=True,
    ),
    "error at init": _failed("TypeError", "at init"),
    "handler in a missing module": _failed(
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'nowhere'\nRequire stack:\n- /var/runtime/index.mjs",
    ),
    "missing dependency": _failed(
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'nowhere-to-be-found'\nRequire stack:\n- /var/task/index.js\n"
        "- /var/runtime/index.mjs",
    ),
    "missing handler": _failed(
        "Runtime.HandlerNotFound", "index.nobody is undefined or not exported"
    ),
    "bad handler name": _failed("Runtime.MalformedHandlerName", "Bad handler"),
    "syntax error": _failed(
        "Runtime.UserCodeSyntaxError",
        "SyntaxError: …",
    ),
    "result that is no JSON": _NO_JSON,
    "context": Cell(source="execution-environment.md 4", result=_CONTEXT),
    "log lines": Cell(
        source="execution-environment.md 6",
        result=None,
        log=(
            "…Z\tREQUEST ID\tINFO\tprinted: ü",
            "…Z\tREQUEST ID\tERROR\ttwo\rlines",
            "raw",
            "START RequestId: REQUEST ID Version: $LATEST",
            "END RequestId: REQUEST ID",
            "REPORT RequestId: REQUEST ID\tDuration: … ms\tBilled Duration: … ms\t"
            "Memory Size: 512 MB\tMax Memory Used: … MB\t…",
        ),
    ),
}


def write(folder: Path, source: str) -> None:
    """Put the source into a function's folder."""
    (folder / "index.js").write_text(source)


def language(runtime: str, cells: Mapping[str, Cell]) -> Language:
    """Return the column of one Node runtime."""
    name = runtime.removesuffix(".x")
    return Language(
        name=name,
        runtime=runtime,
        functions=FUNCTIONS,
        write=write,
        error_keys=("errorType", "errorMessage", "trace"),
        cells={**cells, "environment variables": variables(runtime, f"{name}-main", HANDLER)},
        missing=None if languages.find(runtime) else "no Node.js on this machine",
    )


def _from_24(name: str, cell: Cell) -> Cell:
    """Turn a cell of the old rules into one of the new: other words in the log at init."""
    if cell.log and "Uncaught Exception" in cell.log[0] and cell.error is not None:
        error_type, _ = cell.error
        return replace(cell, log=(f'…\tERROR\tInit Error \t{{"errorType":"{error_type}",…',))
    return cell


CELLS_24: Final = {
    **{name: _from_24(name, cell) for name, cell in CELLS.items()},
    "error that escapes the runtime": Cell(
        source="aws-lambda-ric 4: Node ends the process itself",
        error=("Runtime.ExitError", "Error: Runtime exited with error: exit status 1"),
        keys=("errorType", "errorMessage"),
        resets=True,
    ),
    "result that is no JSON": Cell(
        source=_SOURCE, error=("Runtime.JSONStringifyError", "Unable to stringify response body")
    ),
    "context": Cell(source="execution-environment.md 4", result={**_CONTEXT, "done": "undefined"}),
}
NODEJS_22: Final = language("nodejs22.x", CELLS)
NODEJS_24: Final = language("nodejs24.x", CELLS_24)
