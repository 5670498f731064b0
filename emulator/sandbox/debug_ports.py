"""Ports that debuggers attach to: each leads to the newest environment of its function."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

from emulator.sandbox.debug_session import DebugSession

_HOST: Final = "127.0.0.1"
_CHUNK: Final = 65_536


class DebugPort:
    """One port, and the environment behind it. Used by the thread `debug-ports` only.

    says_farewell: the client speaks the Debug Adapter Protocol, and can be told to come again.
    """

    def __init__(self, listener: socket.socket, *, says_farewell: bool) -> None:
        self.listener = listener
        self.number: int = listener.getsockname()[1]
        self.says_farewell = says_farewell
        self._target: tuple[DebugSession, int] | None = None
        self._has_target = asyncio.Event()

    def lead_to(self, session: DebugSession, port: int) -> None:
        """From now on clients get to this environment."""
        if self._target is not None and self._target[0] is not session:
            self._target[0].stop_waiting()
        self._target = (session, port)
        self._has_target.set()

    def forget(self, session: DebugSession) -> None:
        """Who comes now waits for the next environment, or the next runtime of this one."""
        if self._target is not None and self._target[0] is session:
            self._target = None
            self._has_target.clear()

    async def connect(
        self,
    ) -> tuple[DebugSession, asyncio.StreamReader, asyncio.StreamWriter]:
        """Wait for an environment that lets debuggers in, and connect to it."""
        while True:
            await self._has_target.wait()
            assert self._target is not None
            target = session, port = self._target
            try:
                return session, *await asyncio.open_connection(_HOST, port)
            except OSError:  # its process has ended by itself
                if self._target is target:  # else there is another one by now
                    self.forget(session)


class DebugPorts:
    """Relays debuggers to environments on the thread `debug-ports`. Any thread may call."""

    def __init__(self) -> None:
        self._is_stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="debug-ports")
        self._thread.start()

    def open(self, listener: socket.socket, *, says_farewell: bool) -> DebugPort:
        """Let clients in who connect to `listener`."""
        port = DebugPort(listener, says_farewell=says_farewell)
        self._call(lambda: self._keep(self._listen(port)))
        return port

    def lead(self, port: DebugPort, session: DebugSession, target: int) -> None:
        """Have `port` lead to the environment of `session`, whose debugger listens on `target`."""
        self._call(lambda: port.lead_to(session, target))

    def forget(self, port: DebugPort, session: DebugSession) -> None:
        """Have `port` lead there no longer."""
        self._call(lambda: port.forget(session))

    def stop(self) -> None:
        """Let all clients go."""
        self._is_stopping = True
        self._call(self._loop.stop)
        self._thread.join()

    def _call(self, work: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # stopped
            self._loop.call_soon_threadsafe(work)

    def _run(self) -> None:
        self._loop.run_forever()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, port: DebugPort) -> None:
        server = await asyncio.start_server(
            lambda reader, writer: self._keep(self._serve(port, reader, writer)),
            sock=port.listener,
        )
        try:
            await asyncio.Event().wait()  # until this task is cancelled
        finally:
            server.close()

    async def _serve(
        self, port: DebugPort, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            session, theirs, to_them = await port.connect()
            session.attach()
            try:
                is_left = await _relay((reader, writer), (theirs, to_them))
            finally:
                session.detach()
                to_them.close()
            if is_left and port.says_farewell and not self._is_stopping:
                writer.write(_farewell())
        finally:
            writer.close()


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _relay(client: _Streams, runtime: _Streams) -> bool:
    """Pass on what both say until one of them goes; True: it was the runtime."""
    up = asyncio.create_task(_pass_on(client[0], runtime[1]))
    down = asyncio.create_task(_pass_on(runtime[0], client[1]))
    try:
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        return not up.done()
    finally:
        up.cancel()
        down.cancel()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


def _farewell() -> bytes:
    """The event that has a client of the Debug Adapter Protocol attach again."""
    event = {"seq": 2**30, "type": "event", "event": "terminated", "body": {"restart": True}}
    body = json.dumps(event).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
