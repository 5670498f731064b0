"""Lambda's Python runtime: what the Runtime API hands out goes through the user's handler.

Runs inside an execution environment, on every CPython from 3.9 on. What it says in errors and
log lines follows spec/invoke.md 5.1 and spec/execution-environment.md 4 and 6.
"""

import decimal
import importlib
import importlib.machinery
import importlib.util
import io
import json
import os
import re
import sys
import time
import traceback
import types

import runtime_client
import runtime_log

# A .pyc is trusted only if it was written this long after its source: Python itself compares
# whole seconds and sizes, and so would run the old code after a quick second save.
PYC_SAFE_AGE_S = 0.05
ASCII_JSON = sys.version_info < (3, 12)


class ClientContext:
    """What a mobile SDK says of its application."""

    def __init__(self, content):
        client = content.get("client")
        self.custom = content.get("custom")
        self.env = content.get("env")
        self.client = None if client is None else Client(client)


class Client:
    """The `client` part of a client context."""

    def __init__(self, content):
        self.installation_id = content.get("installation_id")
        self.app_title = content.get("app_title")
        self.app_version_name = content.get("app_version_name")
        self.app_version_code = content.get("app_version_code")
        self.app_package_name = content.get("app_package_name")


class CognitoIdentity:
    """Who called through Cognito; both members are None for other callers."""

    def __init__(self, content):
        self.cognito_identity_id = content.get("cognitoIdentityId")
        self.cognito_identity_pool_id = content.get("cognitoIdentityPoolId")


class LambdaContext:
    """The second argument of a handler."""

    def __init__(self, headers, constants):
        self.__dict__.update(constants)
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self._deadline_ms = int(headers.get("lambda-runtime-deadline-ms", 0))
        identity = headers.get("lambda-runtime-cognito-identity")
        client = headers.get("lambda-runtime-client-context")
        self.identity = CognitoIdentity(json.loads(identity) if identity else {})
        self.client_context = ClientContext(json.loads(client)) if client else None

    @staticmethod
    def constants():
        """Return the attributes that stay the same for the life of the environment."""
        return {
            "function_name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
            "function_version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
            "memory_limit_in_mb": os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            "log_group_name": os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"),
            "log_stream_name": os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME"),
        }

    def get_remaining_time_in_millis(self):
        """Milliseconds until this invocation is stopped; 0 afterwards."""
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        """Write to the log."""
        sys.stdout.write(str(message))


class Fault(Exception):
    """A failure the runtime names itself, as `Runtime.HandlerNotFound`."""

    def __init__(self, error_type, message, stack_trace=()):
        super().__init__(message)
        self.error_type = error_type
        self.stack_trace = list(stack_trace)


class JsonEncoder(json.JSONEncoder):
    """JSON as Lambda writes it: a Decimal is a number, with all its digits."""

    def default(self, value):
        """Turn what `json` does not know into something it knows."""
        if isinstance(value, decimal.Decimal):
            return float("nan") if value.is_nan() else "\0decimal " + str(value)
        return super().default(value)

    def encode(self, value):
        """Return the text; a Decimal went through as a string that nobody else has."""
        text = super().encode(value)
        return DECIMAL.sub(r"\1", text) if DECIMAL_MARK in text else text


DECIMAL_MARK = "\\u0000decimal "  # as JSON writes it
DECIMAL = re.compile(r'"\\u0000decimal ([^"]*)"')
ENCODER = JsonEncoder(ensure_ascii=ASCII_JSON)


def encode(result):
    """Return the result's bytes and content type."""
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return ENCODER.encode(result).encode(), "application/json"
    except Exception as error:  # noqa: BLE001 - an object of the user's may raise anything
        raise Fault(
            "Runtime.MarshalError", "Unable to marshal response: {}".format(error)
        ) from None


def load_handler(setting):
    """Import the module a Handler setting names and return its function.

    Raises Fault for what the runtime itself finds wrong, anything the module raises otherwise.
    """
    try:
        module_name, function_name = setting.rsplit(".", 1)
    except ValueError as error:
        raise Fault(
            "Runtime.MalformedHandlerName", "Bad handler '{}': {}".format(setting, error)
        ) from None
    module_path = module_name.replace("/", ".")
    if module_path.split(".")[0] in sys.builtin_module_names:
        raise Fault(
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module {} as a handler module".format(module_name),
        )
    module = import_module(module_name, module_path)
    try:
        return getattr(module, function_name)
    except AttributeError:
        text = "Handler '{}' missing on module '{}'".format(function_name, module_name)
        raise Fault("Runtime.HandlerNotFound", text) from None


def import_module(module_name, module_path):
    """Import the handler's module; see `load_handler` for what is raised."""
    try:
        return importlib.import_module(module_path)
    except ImportError as error:
        raise Fault(
            "Runtime.ImportModuleError",
            "Unable to import module '{}': {}".format(module_name, error),
        ) from None
    except SyntaxError as error:
        line = '  File "{}" Line {}\n    {}'.format(error.filename, error.lineno, error.text)
        raise Fault(
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module '{}': {}".format(module_name, error),
            [line],
        ) from None
    except PermissionError as error:
        raise Fault(
            "Runtime.ImportModuleError",
            "Unable to import module '{}': {}".format(module_name, error),
        ) from None


def describe(error, request_id, own_frames):
    """Return the error object Lambda sends: message, type, request id and stack trace.

    own_frames: how many of the outermost frames are the runtime's own.
    """
    if isinstance(error, Fault):
        error_type, stack_trace = error.error_type, error.stack_trace
    else:
        error_type = type(error).__name__
        frames = error.__traceback__
        for _ in range(own_frames):  # first: to look one up takes as long as to call a handler
            frames = frames and frames.tb_next
        stack_trace = format_frames(frames)
    return {
        "errorMessage": str(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": stack_trace,
    }


def format_frames(first):
    """Return a traceback as text; for one that came before, the text it had then.

    It is told by its code and positions. Python looks up and parses each source line again, which
    is two thirds of the time of a handler that raises at once.
    """
    key, frame = [], first
    while frame is not None:
        code = frame.tb_frame.f_code
        key.append((code.co_filename, code, frame.tb_lasti))
        frame = frame.tb_next
    key = tuple(key)
    if key not in FORMATTED:
        if len(FORMATTED) >= MOST_FORMATTED:
            FORMATTED.clear()
        FORMATTED[key] = traceback.format_list(traceback.extract_tb(first))
    return FORMATTED[key]


FORMATTED = {}
MOST_FORMATTED = 64


def error_body(fault):
    """Return the error object's bytes; a message may hold half of a surrogate pair."""
    return ENCODER.encode(fault).encode("utf-8", "backslashreplace")


def error_header(fault):
    """Return the header line that tells the platform the kind of failure."""
    return "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: {}\r\n".format(
        fault["errorType"].encode("ascii", "replace").decode()
    )


class Runtime:
    """The loop: an event in, a result or an error out."""

    context_type = LambdaContext

    def __init__(self, api, handler, log):
        self.api = api
        self.handler = handler
        self.log = log
        self.constants = LambdaContext.constants()

    def serve(self):
        """Run invocations until the emulator ends the process."""
        headers, body = self.api.first()
        while True:
            request_id = headers["lambda-runtime-aws-request-id"]
            kind, result, answer_headers = self.run(request_id, headers, body)
            flush_output()
            headers, body = self.api.answer(request_id, kind, result, answer_headers)

    def run(self, request_id, headers, body):
        """Call the handler; return which answer to post, its body and its headers."""
        self.log.request_id = request_id
        self.log.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
        try:
            result, content_type = encode(self.call(headers, body))
        except Exception as error:  # noqa: BLE001 - whatever the handler raises is its result
            fault = describe(error, request_id, own_frames=2)
            self.log.write_fault(fault)
            return "error", error_body(fault), error_header(fault)
        return "response", result, "Content-Type: " + content_type + "\r\n"

    def call(self, headers, body):
        """Build the handler's arguments and call it."""
        try:
            event = json.loads(body.decode())
        except ValueError as error:
            text = "Unable to unmarshal input: {}".format(error)
            raise Fault("Runtime.UnmarshalError", text) from None
        try:
            context = self.context_type(headers, self.constants)
        except ValueError as error:
            text = "Unable to parse Client Context JSON: {}".format(error)
            raise Fault("Runtime.LambdaContextUnmarshalError", text) from None
        return self.handler(event, context)


def trust_only_settled_bytecode():
    """Never run a .pyc whose source may have changed in the second it was written."""
    loader = importlib.machinery.SourceFileLoader
    stats = loader.path_stats

    def path_stats(self, path):
        result = stats(self, path)
        try:
            written = os.stat(importlib.util.cache_from_source(path)).st_mtime
        except (OSError, NotImplementedError):
            return result
        if written - result["mtime"] < PYC_SAFE_AGE_S:
            raise OSError("compile again")
        return result

    loader.path_stats = path_stats
    sys.dont_write_bytecode = True  # /var/task is read-only in Lambda too


def open_output():
    """Make print write whole lines, in UTF-8, to the log."""
    options = {"encoding": "utf-8", "errors": "backslashreplace", "line_buffering": True}
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), **options)  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(open(2, "wb", closefd=False), **options)  # noqa: SIM115


def flush_output():
    """Write out what is printed; the function may have closed or replaced the streams."""
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - in the way of every invocation, and contextlib costs a microsecond
            stream.flush()
        except Exception:  # noqa: BLE001
            pass


def let_debuggers_in(api, mode):
    """Listen for debuggers and tell the emulator where."""
    debugger = importlib.import_module("lambda_emulator_debugger")
    port, wait = debugger.listen(mode)
    api.tell_debugger_port(port)
    wait()
    Runtime.context_type = debugger.with_stopped_clock(LambdaContext)


def main(snapshot=None):
    """Run the init phase, then serve invocations; returns never, but by SystemExit.

    snapshot: what is to be made of this process after the init phase (`snapshot.Snapshot`).
    """
    os.environ.pop("LAMBDA_EMULATOR_LAYERS", None)
    open_output()
    trust_only_settled_bytecode()
    log = runtime_log.install()
    sys.modules["__main__"] = types.ModuleType("__main__")
    api = runtime_client.RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    if debug_mode := os.environ.pop("LAMBDA_EMULATOR_DEBUG", None):
        let_debuggers_in(api, debug_mode)
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - whatever the module raises is told
        fault = describe(error, "", own_frames=3)
        log.write_fault(fault, is_init=True)
        api.init_error(error_body(fault), error_header(fault))
        sys.exit(1)
    try:
        if snapshot is not None:
            api = snapshot.take(api, log)  # this goes on in forks, each with an address of its own
        Runtime(api, handler, log).serve()
    finally:
        flush_output()


if __name__ == "__main__":  # started by itself, not forked from a zygote
    for own in (runtime_client, runtime_log):  # the function may have its own of these names
        del sys.modules[own.__name__]
    layers = os.environ.get("LAMBDA_EMULATOR_LAYERS", "/opt") + "/python"
    site_packages = "{}/lib/python{}.{}/site-packages".format(layers, *sys.version_info)
    sys.path[:1] = [os.environ["LAMBDA_TASK_ROOT"], site_packages, layers]
    sys.path.append(os.environ["LAMBDA_RUNTIME_DIR"])
    main()
