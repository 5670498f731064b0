"""The environment variables Lambda gives a function. Source: spec/execution-environment.md 3."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from emulator.model import DEFAULT_LOG_LEVEL, MANAGED, SNAP_START, FunctionVersion
from emulator.sandbox.log_events import FRAME_FD
from emulator.sandbox.process import AS_IN_LAMBDA, Layout

CREDENTIALS_PATH: Final = "/_emulator/credentials"
# What an external extension, which shares the others, does not get.
OF_THE_RUNTIME: Final = frozenset(
    (
        *("_HANDLER", "AWS_EXECUTION_ENV", "PWD", "SHLVL", "LAMBDA_EMULATOR_LAYERS"),
        *("AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS"),
        *("_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Keys of the execution role's session."""

    access_key: str
    secret_key: str
    session_token: str
    container_token: str = ""  # by which a process that has only that gets them from the emulator


def variables(
    version: FunctionVersion,
    layout: Layout,
    *,
    runtime_api: str,
    log_stream: str,
    credentials: Credentials,
    endpoint_url: str,
) -> dict[str, str]:
    """Return the complete environment of a function: nothing of the host's is passed on."""
    task, opt = layout.task_root, layout.layers
    result = {
        **_language(version.runtime or "", layout),
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": f"/var/lang/lib:/lib64:/usr/lib64:{layout.runtime_dir}:"
        f"{layout.runtime_dir}/lib:{task}:{task}/lib:{opt}/lib",
        "PWD": task,
        "SHLVL": "0",
        **_platform(version, runtime_api, log_stream, credentials, endpoint_url),
        **_runtime(version, layout),
    }
    if (version.runtime or "").startswith("provided"):
        result["_LAMBDA_TELEMETRY_LOG_FD"] = FRAME_FD  # ours do without: they know the pipe
    if layout.tmp != "/tmp":
        # Differs from Lambda: without a mount namespace /tmp is the host's, so point beside it.
        result["TMPDIR"] = layout.tmp
    if layout.layers != "/opt" and (version.runtime or "").startswith("python"):
        # The runtime takes it away again.
        result["LAMBDA_EMULATOR_LAYERS"] = layout.layers
    return result


def container_variables(
    version: FunctionVersion,
    *,
    runtime_api: str,
    log_stream: str,
    credentials: Credentials,
    endpoint_url: str,
) -> dict[str, str]:
    """Return what a container is given beside the variables of its image."""
    platform = {
        **_platform(version, runtime_api, log_stream, credentials, endpoint_url),
        "_LAMBDA_TELEMETRY_LOG_FD": FRAME_FD,
    }
    return platform if version.code.image is not None else {**platform, **_runtime(version)}


def _platform(
    version: FunctionVersion,
    runtime_api: str,
    log_stream: str,
    credentials: Credentials,
    endpoint_url: str,
) -> dict[str, str]:
    """What every function has, whatever runs it, and its own settings."""
    more = {}
    if version.initialization_type == MANAGED:
        # Differs from Lambda, where it may be more: here an environment runs one at a time.
        more["AWS_LAMBDA_MAX_CONCURRENCY"] = "1"
    if version.logs_json:
        more["AWS_LAMBDA_LOG_FORMAT"] = version.log_format
        more["AWS_LAMBDA_LOG_LEVEL"] = version.application_log_level or DEFAULT_LOG_LEVEL
    if version.initialization_type != SNAP_START:  # a snapshot goes to several environments
        more["AWS_LAMBDA_LOG_GROUP_NAME"] = version.log_group_name
        more["AWS_LAMBDA_LOG_STREAM_NAME"] = log_stream
    return {
        "TZ": ":UTC",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        # Differs from Lambda: SDKs find the emulator without a line of code.
        "AWS_ENDPOINT_URL": endpoint_url,
        **version.environment,
        "AWS_REGION": version.region,
        "AWS_DEFAULT_REGION": version.region,
        "AWS_LAMBDA_FUNCTION_NAME": version.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version.memory_mib),
        "AWS_LAMBDA_FUNCTION_VERSION": version.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": version.initialization_type,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        **_keys(version, credentials, endpoint_url),
        **more,
    }


def _keys(version: FunctionVersion, credentials: Credentials, endpoint_url: str) -> dict[str, str]:
    """What SDKs find the role's credentials by.

    A snapshot may be older than they last, so it has an address to get them from. SDKs trust none
    but addresses of this machine; an emulator that listens elsewhere only has to hand the keys out.
    """
    if version.initialization_type == SNAP_START and _is_loopback(endpoint_url):
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint_url + CREDENTIALS_PATH,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": credentials.container_token,
        }
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
    }


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _runtime(version: FunctionVersion, layout: Layout = AS_IN_LAMBDA) -> dict[str, str]:
    """What a function has whose runtime Lambda brings."""
    result = {
        "_HANDLER": version.handler,
        "LAMBDA_TASK_ROOT": layout.task_root,
        "LAMBDA_RUNTIME_DIR": layout.runtime_dir,
    }
    if not (version.runtime or "").startswith("provided"):
        result["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{version.runtime}"
    return result


def _language(runtime: str, layout: Layout) -> Mapping[str, str]:
    opt, task = layout.layers, layout.task_root
    path = f"/usr/local/bin:/usr/bin/:/bin:{opt}/bin"
    if runtime.startswith("provided"):
        return {"PATH": path}
    path = f"/var/lang/bin:{path}"
    if runtime.startswith("nodejs"):
        major = runtime.removeprefix("nodejs").removesuffix(".x")
        modules = (
            f"{opt}/nodejs/node{major}/node_modules:{opt}/nodejs/node_modules:"
            f"{layout.runtime_dir}/node_modules:{layout.runtime_dir}:{task}"
        )
        return {"PATH": path, "NODE_PATH": modules}
    if runtime.startswith("python"):
        minor = int(runtime.partition(".")[2])
        more = {"LC_CTYPE": "C.UTF-8"} if minor >= 12 else {}
        return {"PATH": path, "PYTHONPATH": layout.runtime_dir, **more}
    if runtime.startswith("ruby"):
        gems = f"{runtime.removeprefix('ruby')}.0"
        return {
            "PATH": path,
            "GEM_PATH": f"{task}/vendor/bundle/ruby/{gems}:{opt}/ruby/gems/{gems}",
            "RUBYLIB": f"{task}:{layout.runtime_dir}/lib:{opt}/ruby/lib",
            # Differs from Lambda: a machine may lack the locale that LANG names.
            "LC_CTYPE": "C.UTF-8",
        }
    if runtime.startswith("java"):
        # Differs from Lambda: a machine may lack the locale that LANG names, and then Java takes
        # none at all, and cannot read variables beyond ASCII.
        return {"PATH": path, "LC_ALL": "C.UTF-8"}
    return {"PATH": path}
