"""Debuggers: of the Debug Adapter Protocol, of Node's inspector, and Java's own jdb."""

import itertools
import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

from websockets.sync.client import connect

TIMEOUT_S = 30.0
Message = dict[str, Any]


class PythonDebugger:
    """A client of debugpy, attached; raises when what it waits for does not come."""

    def __init__(self, port: int, local_root: str, breakpoints: dict[str, list[int]]) -> None:
        """Attach with breakpoints, lines by file. Configuration is done when this returns."""
        self._numbers = itertools.count(1)
        self._unread: list[Message] = []
        while not self._greet(port):
            self.close()
        attach = self._send(
            "attach",
            justMyCode=True,
            pathMappings=[{"localRoot": local_root, "remoteRoot": "/var/task"}],
        )
        self.wait_for_event("initialized")
        self.verified = [
            answer["verified"]
            for path, lines in breakpoints.items()
            for answer in self._ask(
                "setBreakpoints",
                source={"path": path},
                breakpoints=[{"line": line} for line in lines],
            )["breakpoints"]
        ]
        self._ask("configurationDone")
        self._answer_to(attach)

    def _greet(self, port: int) -> bool:
        """Connect; False: debugpy is silent, as it seldom is just after another one has left."""
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S / 6)
        self._stream = self._socket.makefile("rb")
        try:
            self._ask("initialize", adapterID="debugpy", pathFormat="path")
        except TimeoutError:
            return False
        self._socket.settimeout(TIMEOUT_S)
        return True

    def wait_for_stop(self) -> tuple[str, int]:
        """Wait until a thread stops; return the file and the line."""
        event = self.wait_for_event("stopped")
        self._thread = event["threadId"]
        self._frame = self._ask("stackTrace", threadId=self._thread)["stackFrames"][0]
        return self._frame["source"]["path"], self._frame["line"]

    def evaluate(self, expression: str) -> str:
        """Return what an expression is where it stopped."""
        answer = self._ask("evaluate", expression=expression, frameId=self._frame["id"])
        return str(answer["result"])

    def go_on(self) -> None:
        self._ask("continue", threadId=self._thread)

    def detach(self) -> None:
        self._ask("disconnect", terminateDebuggee=False)
        self.close()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def wait_for_event(self, name: str) -> Message:
        is_it = lambda message: message.get("event") == name  # noqa: E731
        body: Message = self._wait_for(is_it).get("body", {})
        return body

    def _ask(self, command: str, **arguments: Any) -> Message:
        return self._answer_to(self._send(command, **arguments))

    def _send(self, command: str, **arguments: Any) -> int:
        number = next(self._numbers)
        message = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        return number

    def _answer_to(self, number: int) -> Message:
        answer = self._wait_for(lambda message: message.get("request_seq") == number)
        assert answer["success"], answer
        body: Message = answer.get("body", {})
        return body

    def _wait_for(self, is_wanted: Callable[[Message], bool]) -> Message:
        for message in self._unread:
            if is_wanted(message):
                self._unread.remove(message)
                return message
        while not is_wanted(message := self._read()):
            self._unread.append(message)
        return message

    def _read(self) -> Message:
        length = 0
        while line := self._stream.readline().strip():
            length = int(line.partition(b":")[2])
        assert length, "the connection was closed"
        message: Message = json.loads(self._stream.read(length))
        return message


class NodeDebugger:
    """A client of Node's inspector, attached; raises when what it waits for does not come."""

    def __init__(self, port: int, breakpoints: dict[str, list[int]]) -> None:
        """Attach with breakpoints, lines from 1 by file as the function sees it."""
        page = f"http://127.0.0.1:{port}/json/list"
        with closing(urllib.request.urlopen(page, timeout=TIMEOUT_S)) as response:
            address = json.load(response)[0]["webSocketDebuggerUrl"]
        self._stack = ExitStack()
        connecting = connect(address, max_size=None, open_timeout=TIMEOUT_S)
        self._connection = self._stack.enter_context(connecting)
        self._numbers = itertools.count(1)
        self._unread: list[Message] = []
        self._files: dict[str, str] = {}  # by the identifier of the script
        self._ask("Runtime.enable")
        self._ask("Debugger.enable")
        for path, lines in breakpoints.items():
            for line in lines:
                url = f"file://{path}"
                self._ask("Debugger.setBreakpointByUrl", url=url, lineNumber=line - 1)
        self._ask("Runtime.runIfWaitingForDebugger")

    def wait_for_stop(self) -> tuple[str, int]:
        """Wait until it stops; return the file and the line."""
        event = self._wait_for(lambda message: message.get("method") == "Debugger.paused")
        self._frame = event["params"]["callFrames"][0]
        place = self._frame["location"]
        return self._files[place["scriptId"]], place["lineNumber"] + 1

    def evaluate(self, expression: str) -> Any:
        """Return what an expression is where it stopped."""
        frame = self._frame["callFrameId"]
        answer = self._ask("Debugger.evaluateOnCallFrame", callFrameId=frame, expression=expression)
        return answer["result"]["value"]

    def go_on(self) -> None:
        self._ask("Debugger.resume")

    def detach(self) -> None:
        self._stack.close()

    close = detach

    def _ask(self, method: str, **parameters: Any) -> Message:
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        answer = self._wait_for(lambda message: message.get("id") == number)
        assert "result" in answer, answer
        result: Message = answer["result"]
        return result

    def _wait_for(self, is_wanted: Callable[[Message], bool]) -> Message:
        for message in self._unread:
            if is_wanted(message):
                self._unread.remove(message)
                return message
        while not is_wanted(message := json.loads(self._connection.recv(TIMEOUT_S))):
            if message.get("method") == "Debugger.scriptParsed":
                script = message["params"]
                self._files[script["scriptId"]] = script["url"].removeprefix("file://")
            else:
                self._unread.append(message)
        return message


class JavaDebugger:
    """A jdb, attached; raises when what it waits for does not come."""

    def __init__(self, port: int, breakpoints: dict[str, list[int]]) -> None:
        """Attach with breakpoints, lines by class."""
        program = shutil.which("jdb")
        assert program is not None
        self._process = subprocess.Popen(
            [program, "-attach", f"127.0.0.1:{port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._output = b""
        self._wait_for(b"Initializing jdb")
        for name, lines in breakpoints.items():
            for line in lines:
                self._tell(f"stop at {name}:{line}")
                self._wait_for(b"breakpoint %b:%d" % (name.encode(), line))

    def wait_for_stop(self) -> str:
        """Wait until it stops; return where, as jdb says it."""
        self._wait_for(b"Breakpoint hit: ")
        return self._wait_for(b"bci=").decode()

    def evaluate(self, expression: str) -> str:
        """Return what an expression is where it stopped."""
        self._tell(f"print {expression}")
        self._wait_for(f"{expression} = ".encode())
        return self._wait_for(b"\n").decode().strip()

    def go_on(self) -> None:
        self._tell("cont")

    def detach(self) -> None:
        self._tell("exit")
        self._process.wait(TIMEOUT_S)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()

    def _wait_for(self, text: bytes) -> bytes:
        """Read up to `text`; return what came before it."""
        assert self._process.stdout is not None
        while text not in self._output:
            piece = os.read(self._process.stdout.fileno(), 65_536)
            assert piece, self._output
            self._output += piece
        before, _, self._output = self._output.partition(text)
        return before
