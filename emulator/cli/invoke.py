"""`lambda-emulator invoke`."""

import base64
import json
from urllib.parse import urlencode

import click

from emulator.cli.errors import CommandError
from emulator.cli.server import Answer, RunningServer, function_path
from emulator.model import bare_name, limits, nearest
from emulator.observe import screen_text


def invoke(
    server: RunningServer,
    name: str,
    payload: bytes,
    invocation_type: str,
    qualifier: str | None,
    tenant_id: str | None,
) -> int:
    """Invoke a function: its answer on stdout, the rest on stderr; returns the exit status."""
    path = f"{function_path(name)}/invocations"
    if qualifier is not None:
        path += "?" + urlencode({"Qualifier": qualifier})
    headers = {"X-Amz-Invocation-Type": invocation_type, "X-Amz-Log-Type": "Tail"}
    if tenant_id is not None:
        headers["X-Amz-Tenant-Id"] = _as_header("--tenant-id", tenant_id)
    answer = server.post(path, payload, headers)
    if answer.status >= 300:
        raise CommandError(f"{answer.server}: {_refusal(server, name, answer)}")
    if invocation_type == "Event":
        _tell(f"accepted as request {answer.headers.get('x-amzn-requestid')}")
    elif invocation_type == "DryRun":
        _tell(f"{name} can be invoked; nothing ran")
    else:
        _show_log(name, answer)
        click.echo(answer.body)
    return _report_failure(name, answer)


def check_json(payload: bytes, source: str) -> bytes:
    """Return the payload; raise CommandError when it is not JSON."""
    try:
        json.loads(payload or b"{}")
    except ValueError as error:
        raise CommandError(f"{source} is not JSON: {error}") from None
    return payload


def _as_header(option: str, value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise CommandError(f"{option}: {value!a} has characters that cannot be sent")
    return value


def _show_log(name: str, answer: Answer) -> None:
    log = base64.b64decode(answer.headers.get("x-amz-log-result", ""))
    if len(log) == limits.LOG_TAIL_BYTES:
        _tell(f"(the last 4 KB; for all of it: lambda-emulator logs {bare_name(name)})")
    text = log.decode(errors="replace")
    _tell(screen_text(text), newline=False)


def _report_failure(name: str, answer: Answer) -> int:
    if "x-amz-function-error" not in answer.headers:
        return 0
    try:
        document = json.loads(answer.body)
        what = ": ".join(filter(None, (document.get("errorType"), document.get("errorMessage"))))
    except (ValueError, AttributeError):
        what = answer.headers["x-amz-function-error"]
    _tell(f"error: {name} failed: {what}")
    return 1


def _refusal(server: RunningServer, name: str, answer: Answer) -> str:
    if answer.headers.get("x-amzn-errortype", "").startswith("ResourceNotFound"):
        names = [function["name"] for function in server.get_json("/_emulator/functions")]
        function = bare_name(name)
        if function not in names:
            return f'function "{function}" is not registered{nearest(function, names)}'
    if "durable function using an unqualified ARN" in answer.message:
        return f"{answer.message} Name a version or an alias: --qualifier '$LATEST'"
    return answer.message


def _tell(text: str, *, newline: bool = True) -> None:
    click.echo(text, err=True, nl=newline)
