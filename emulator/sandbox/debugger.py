"""Which functions are debugged, on which ports, and what to paste into an editor."""

import importlib.util
import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from emulator.model import FunctionVersion
from emulator.model.arn import LATEST
from emulator.sandbox.debug_session import DebugSession
from emulator.sandbox.languages import language_of

if TYPE_CHECKING:
    from emulator.sandbox.debug_ports import DebugPort, DebugPorts

_HOST: Final = "127.0.0.1"
_TRIED: Final = 100  # ports, until one is free
DEBUGPY: Final = "debugpy"
HOW_TO_GET_DEBUGPY: Final = (
    "install debugpy beside the emulator (pip install debugpy), or put it into the package"
)


class PortTaken(Exception):
    """A port that was asked for cannot be had."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DebugTarget:
    """What `--debug NAME[:PORT]` asks for."""

    name: str
    port: int | None = None  # None: the language's own, or the next free one


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """How functions of a language are debugged."""

    port: int  # the first that is tried
    configuration: Callable[[str, int, str, str], Mapping[str, Any]]  # of VS Code
    says_farewell: bool = False  # its client attaches again when it is told to
    may_wait: bool = True  # for a debugger, before the function is loaded


def _python(name: str, port: int, folder: str, task_root: str) -> Mapping[str, Any]:
    return {
        "name": f"Lambda {name}",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": _HOST, "port": port},
        "pathMappings": [{"localRoot": folder, "remoteRoot": task_root}],
        "restart": True,
    }


def _node(name: str, port: int, folder: str, task_root: str) -> Mapping[str, Any]:
    return {
        "name": f"Lambda {name}",
        "type": "node",
        "request": "attach",
        "address": _HOST,
        "port": port,
        "localRoot": folder,
        "remoteRoot": task_root,
        "restart": True,
    }


def _java(name: str, port: int, folder: str, task_root: str) -> Mapping[str, Any]:
    return {
        "name": f"Lambda {name}",
        "type": "java",
        "request": "attach",
        "hostName": _HOST,
        "port": port,
    }


PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "python": Protocol(port=5678, configuration=_python, says_farewell=True),
    "nodejs": Protocol(port=9229, configuration=_node),
    "java": Protocol(port=5005, configuration=_java, may_wait=False),
}


class Debugger:
    """The functions that `--debug` names. Any thread may call; `_lock` guards its tables.

    tell: shows the user a text. waits: init phases go on when a debugger is attached.
    Raises PortTaken.
    """

    def __init__(
        self, targets: Sequence[DebugTarget], *, waits: bool, tell: Callable[[str], None]
    ) -> None:
        self._tell = tell
        self._waits = waits
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._ports: dict[str, DebugPort] = {}  # by function, from its first environment on
        self._listeners: dict[str, socket.socket | None] = {}
        try:
            for target in targets:
                port = target.port
                self._listeners[target.name] = None if port is None else _listen(port)
        except PortTaken:
            self._close_unused()
            raise
        self._relay: DebugPorts | None = None  # there is one from the first debugged function on

    def debugs(self, version: FunctionVersion, is_let_in: bool) -> bool:
        """Tell whether this is a function to be debugged, and can be: what is published is not.

        is_let_in: whether the backend that runs it lets debuggers in.
        """
        if version.name not in self._listeners or version.version != LATEST:
            return False
        obstacle = _obstacle(version, is_let_in)
        if obstacle is None:
            return True
        self._tell_once(obstacle)
        return False

    def session(self, version: FunctionVersion) -> DebugSession:
        """Return what a new environment needs of a function that can be debugged."""
        protocol = PROTOCOLS[_language(version)]
        relay, port = self._port(version, protocol)
        waits = self._waits and protocol.may_wait

        def on_listening(session: DebugSession, target: int, task_root: str) -> None:
            relay.lead(port, session, target)
            self._tell_once(_advice(version, port.number, protocol, task_root, waits=waits))

        return DebugSession(
            waits=waits,
            on_listening=on_listening,
            on_end=lambda session: relay.forget(port, session),
        )

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return the functions to be debugged that are not among these."""
        return [name for name in self._listeners if name not in names]

    def stop(self) -> None:
        """Let all debuggers go."""
        if self._relay is not None:
            self._relay.stop()
        self._close_unused()

    def _tell_once(self, text: str) -> None:
        with self._lock:
            is_known = text in self._told
            self._told.add(text)
        if not is_known:
            self._tell(text)

    def _port(
        self, version: FunctionVersion, protocol: Protocol
    ) -> tuple["DebugPorts", "DebugPort"]:
        with self._lock:
            if self._relay is None:
                # Late: asyncio is half of what a start takes, and few want to debug.
                from emulator.sandbox.debug_ports import DebugPorts

                self._relay = DebugPorts()
            port = self._ports.get(version.name)
            if port is None:
                listener = self._listeners[version.name] or _listen_near(protocol.port)
                port = self._relay.open(listener, says_farewell=protocol.says_farewell)
                self._ports[version.name] = port
                self._listeners[version.name] = None
            return self._relay, port

    def _close_unused(self) -> None:
        for listener in self._listeners.values():
            if listener is not None:
                listener.close()


def _language(version: FunctionVersion) -> str:
    language = language_of(version.runtime or "")
    return language.name if language else ""


def _obstacle(version: FunctionVersion, is_let_in: bool) -> str | None:
    if version.isolates_tenants:
        return f"{version.name} cannot be debugged: each of its tenants has an environment."
    if not is_let_in:
        return f"{version.name} cannot be debugged: it runs in a container."
    if _language(version) not in PROTOCOLS:
        return f"{version.name} cannot be debugged: the emulator has no debugger for its runtime."
    if _language(version) == "python" and not has_debugpy(version):
        return f"{version.name} cannot be debugged: {HOW_TO_GET_DEBUGPY}."
    return None


def has_debugpy(version: FunctionVersion) -> bool:
    """Tell whether a Python function finds debugpy: its own, or the one beside the emulator."""
    folders = (version.code.folder, *(layer.folder / "python" for layer in version.layers))
    own = any((folder / DEBUGPY).is_dir() for folder in folders)
    return own or importlib.util.find_spec(DEBUGPY) is not None


def _advice(
    version: FunctionVersion, port: int, protocol: Protocol, task_root: str, *, waits: bool
) -> str:
    configuration = protocol.configuration(version.name, port, str(version.code.folder), task_root)
    text = json.dumps(configuration, indent=2).replace("\n", "\n  ")
    waiting = " It waits for that." if waits else ""
    return (
        f"Debug {version.name}: attach to {_HOST}:{port}.{waiting} Its memory is not limited, and"
        f' its time stands still while attached. For "configurations" in .vscode/launch.json:\n'
        f"  {text}"
    )


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        raise PortTaken(
            f"--debug: port {port} cannot be had ({error.strerror}). Stop what uses it, or name"
            " another one, or none: --debug NAME."
        ) from error


def _listen_near(first: int) -> socket.socket:
    for port in range(first, first + _TRIED):
        try:
            return _listen(port)
        except PortTaken:
            continue
    return _listen(0)
