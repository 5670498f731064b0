"""Java's columns of the behaviour table: started for a function, and ahead of time."""

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from emulator.sandbox import languages
from emulator.sandbox.java_runtime import can_wait, compiled_runtime
from emulator.sandbox.jdks import compilers
from tests.end_to_end.behaviour.table import (
    CASES,
    SHOWN_VARIABLES,
    Cell,
    Function,
    Language,
    variables,
)

HANDLER: Final = "orders.Orders"
_NAMES: Final = ", ".join(f'"{name}"' for name in SHOWN_VARIABLES)

SOURCE: Final = """
package orders;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.*;

public class Orders implements RequestHandler<Map<String, Object>, Object> {
    static final String TOKEN = UUID.randomUUID().toString();

    static class OrderError extends RuntimeException {
        OrderError(String message) { super(message); }
    }

    public static class Unserialisable {
        public String getThing() { throw new IllegalStateException("not now"); }
    }

    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        try {
            return act(event, context);
        } catch (RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    Object act(Map<String, Object> event, Context context) throws Exception {
        Path kept = Paths.get("/tmp/kept");
        switch ((String) event.get("do")) {
            case "token": return TOKEN;
            case "echo": return event.get("value");
            case "nothing": return null;
            case "fail": return fail();
            case "escape": throw new InternalError("out");
            case "hang": Thread.sleep(60000); return null;
            case "end": Exits.end((String) event.get("how")); return null;
            case "long":
                int count = (int) event.get("bytes") - 2;
                return String.join("", Collections.nCopies(count, "x"));
            case "unserialisable": return new Unserialisable();
            case "folder": return System.getProperty("user.dir");
            case "variables": return variables();
            case "eat": return eat();
            case "context": return members(context);
            case "client_context": return clientContext(context);
            case "log":
                System.out.println("printed: ü");
                System.err.println("to stderr");
                context.getLogger().log("by the logger: ü");
                return null;
            case "keep": Files.write(kept, TOKEN.getBytes()); return TOKEN;
            case "kept": return new String(Files.readAllBytes(kept));
            default: throw new IllegalArgumentException("no such action");
        }
    }

    Object fail() { throw new OrderError("no such order: ü"); }

    Object variables() {
        Map<String, Object> found = new TreeMap<>();
        for (String name : new String[] {NAMES}) {
            found.put(name, java.util.Optional.ofNullable(System.getenv(name)));
        }
        return found;
    }

    Object eat() {
        List<ByteBuffer> hoard = new ArrayList<>();
        while (true) {
            hoard.add(ByteBuffer.allocateDirect(8 << 20));
        }
    }

    Object clientContext(Context context) {
        Map<String, Object> found = new TreeMap<>();
        found.put("custom", context.getClientContext().getCustom());
        found.put("env", context.getClientContext().getEnvironment());
        return found;
    }

    Object members(Context context) {
        int left = context.getRemainingTimeInMillis();
        Map<String, Object> found = new TreeMap<>();
        found.put("request id is the log's", context.getAwsRequestId());
        found.put("function", context.getFunctionName());
        found.put("version", context.getFunctionVersion());
        found.put("arn", context.getInvokedFunctionArn());
        found.put("memory", context.getMemoryLimitInMB());
        found.put("group", context.getLogGroupName());
        found.put("has stream", context.getLogStreamName().contains("[$LATEST]"));
        found.put("client context", java.util.Optional.ofNullable(context.getClientContext()));
        found.put("identity", java.util.Optional.ofNullable(context.getIdentity()));
        found.put("time is left", 0 < left && left <= 20000);
        found.put("tenant", java.util.Optional.ofNullable(context.getTenantId()));
        return found;
    }
}

class Exits {
    static void end(String how) {
        if (how.equals("killed")) {
            try {
                String pid = new java.io.File("/proc/self").getCanonicalFile().getName();
                new ProcessBuilder("kill", "-9", pid).start().waitFor();
                Thread.sleep(60000);
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        }
        System.exit(Integer.parseInt(how.substring("exit ".length())));
    }
}

class Nowhere {}
""".replace("NAMES", _NAMES)
# By function: the class, what it extends, and what happens when it is loaded.
_PIECES: Final = {
    "init_error": ("InitError", "", 'if (true) throw new IllegalStateException("at init");'),
    "missing_dependency": ("MissingDependency", "extends Nowhere", ""),
    "init_exit_0": ("InitExit0", "", 'Exits.end("exit 0");'),
    "init_exit_3": ("InitExit3", "", 'Exits.end("exit 3");'),
    "init_killed": ("InitKilled", "", 'Exits.end("killed");'),
    "slow_init": (
        "SlowInit",
        "",
        """
        try {
            java.io.File began = new java.io.File("/tmp/began");
            if (began.createNewFile()) Thread.sleep(60000);
        } catch (Exception error) { throw new IllegalStateException(error); }
        """,
    ),
}
_CLASS: Final = """
package orders;
public class {} {} {{
    static {{ {} }}
    public static String handle(Object event) {{ return "begun twice"; }}
}}
"""
_MAIN: Final = 'environment = { GREETING = "grüß dich" }\nmemory_mib = 512\ntimeout_s = 20'
FUNCTIONS: Final[Mapping[str, Function]] = {
    "main": Function(source="", handler=HANDLER, settings=_MAIN),
    "hasty": Function(source="", handler=HANDLER, settings="timeout_s = 3\nmemory_mib = 256"),
    "hungry": Function(source="", handler=HANDLER, settings="timeout_s = 20"),
    "missing_module": Function(source="", handler="orders.Nobody", settings="timeout_s = 20"),
    "missing_handler": Function(
        source="", handler="orders.Orders::nobody", settings="timeout_s = 20"
    ),
    "bad_handler": Function(source="", handler="orders::a::b", settings="timeout_s = 20"),
    **{
        function: Function(source="", handler=f"orders.{name}::handle", settings="timeout_s = 20")
        for function, (name, _, _) in _PIECES.items()
    },
}
_SOURCE: Final = "invoke.md 5.3"


def _fault(message: str, error_type: str | None) -> Cell:
    """Return what is found wrong with a class that does not end the runtime; RIC-java."""
    keys = ("errorMessage",) if error_type is None else ("errorMessage", "errorType")
    return Cell(source="RIC-java", error=(error_type or "", message), keys=keys)


_TIMEOUT: Final = next(case.expected for case in CASES if case.name == "timeout")
assert _TIMEOUT is not None
CELLS: Final[Mapping[str, Cell]] = {
    "error of the handler": Cell(
        source=_SOURCE,
        error=("orders.Orders$OrderError", "no such order: ü"),
        first_frame="orders.Orders.fail(Orders.java:…)",
        log=("no such order: ü: orders.Orders$OrderError\rorders.Orders$OrderError: no such…",),
    ),
    "error that escapes the runtime": Cell(
        source="RIC-java: an error of the machine itself is told, then the process ends",
        error=("java.lang.InternalError", "out"),
        first_frame="orders.Orders.act(Orders.java:…)",
        resets=True,
    ),
    "error at init": Cell(
        source="RIC-java",
        error=("java.lang.ExceptionInInitializerError", "Error loading class orders.InitError"),
        keys=("errorMessage", "errorType"),
        log=("…java.lang.IllegalStateException: at init\r…",),
    ),
    "handler in a missing module": _fault(
        "Class not found: orders.Nobody", "java.lang.ClassNotFoundException"
    ),
    "missing dependency": _fault(
        "Error loading class orders.MissingDependency: orders/Nowhere",
        "java.lang.NoClassDefFoundError",
    ),
    "missing handler": _fault(
        "No public method named nobody with appropriate method signature found on class"
        " orders.Orders",
        None,
    ),
    "bad handler name": _fault("Invalid handler: `orders::a::b'", None),
    "timeout": replace(
        _TIMEOUT,
        error=("Sandbox.Timedout", "Error: Task timed out after 3.00 seconds"),
        log=("REPORT …\tDuration: 3000.00 ms\t…Status: timeout…",),
    ),
    "result that is no JSON": Cell(
        source="RIC-java",
        error=(
            "java.lang.RuntimeException",
            "An error occurred during JSON serialization of response",
        ),
        keys=("errorMessage", "errorType", "stackTrace", "cause"),
    ),
    "context": Cell(
        source="execution-environment.md 4",
        result={
            "request id is the log's": "REQUEST ID",
            "function": "FUNCTION",
            "version": "$LATEST",
            "arn": "arn:aws:lambda:us-east-1:000000000000:function:FUNCTION",
            "memory": 512,
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
            "by the logger: ü",
            "START RequestId: REQUEST ID Version: $LATEST",
            "END RequestId: REQUEST ID",
            "REPORT RequestId: REQUEST ID\tDuration: … ms\tBilled Duration: … ms\t"
            "Memory Size: 512 MB\tMax Memory Used: … MB\t…",
        ),
    ),
}


@functools.cache
def _classes() -> Path:
    """Compile all functions once; they differ in their handlers only."""
    folder = Path(tempfile.mkdtemp(prefix="behaviour-java-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sources = {"Orders": SOURCE}
    for name, parent, body in _PIECES.values():
        sources[name] = _CLASS.format(name, parent, body)
    for name, source in sources.items():
        (folder / f"{name}.java").write_text(source)
    files = map(str, folder.glob("*.java"))
    options = ["-encoding", "UTF-8", "-nowarn", "-Xlint:-options", "--release", "8"]
    command = [str(compilers()[0]), *options, "-cp", str(compiled_runtime()), "-d", str(folder)]
    subprocess.run([*command, *files], check=True)
    (folder / "orders" / "Nowhere.class").unlink()
    return folder / "orders"


def write(folder: Path, source: str) -> None:
    """Put the classes into a function's folder."""
    shutil.copytree(_classes(), folder / "orders")


def language(runtime: str, missing: str | None) -> Language:
    """Return the column of one Java runtime."""
    return Language(
        name=runtime,
        runtime=runtime,
        functions=FUNCTIONS,
        write=write,
        error_keys=("errorMessage", "errorType", "stackTrace"),
        cells={**CELLS, "environment variables": variables(runtime, f"{runtime}-main", HANDLER)},
        no_such={
            "syntax error": "a class that was compiled has none",
            "segmentation fault in the handler": "the machine catches the signal and aborts",
        },
        missing=missing,
    )


def _missing_22() -> str | None:
    found = languages.find("java25")
    return None if found and can_wait(found) else "no Java 22 or newer on this machine"


JAVA_17: Final = language("java17", None if compilers() else "no JDK on this machine")
# Its processes have waited for their function.
JAVA_25: Final = language("java25", _missing_22())
