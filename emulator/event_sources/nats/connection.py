"""The connection to a NATS server: made again whenever it is lost."""

import asyncio
import threading
import traceback
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from emulator.model.triggers.nats import shown_url
from emulator.observe import Reporter

if TYPE_CHECKING:
    from nats.aio.client import Client

RECONNECT_S: Final = 0.25  # real time: nothing tells when a server comes back
PUBLISH_WAIT_S: Final = 5.0  # for a connection; who asked has given up by then
_ANSWER_S: Final = 2.0
_PING_S: Final = 20
_JOIN_S: Final = 1.0
_HEAD_BYTES: Final = 16  # around the headers


class Link(Protocol):
    """Something subscribed; all of it runs on the connection's thread."""

    async def open(self, client: "Client") -> None:
        """Subscribe over a new connection."""

    async def close(self) -> None:
        """Receive no more; what was received goes on."""

    async def catch_up(self) -> None:
        """Return when everything the server has for it now has been taken over or counted."""


class NotConnectedError(Exception):
    """There is no server to talk to now."""


class Connection:
    """One connection, and everything subscribed over it.

    The client library is an asyncio program, so it has the thread "nats" with a loop of its own.
    `post`, `call`, `wait_attempted`, `is_connected` and `stop` are for any other thread; all else
    runs on that loop, which is why there is no lock. Where a client has lost its server, a new one
    is made and every link opened anew: one path for the start and for each return.
    """

    def __init__(self, url: str, reporter: Reporter) -> None:
        self._url = url
        self._reporter = reporter
        self.dropped = 0
        self._links: list[Link] = []
        self._client: Client | None = None
        self._is_ready = asyncio.Event()
        self._is_lost = asyncio.Event()
        self._is_stopping = asyncio.Event()
        self._was_absence_told = False
        self._attempted = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself holds them weakly
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="nats", daemon=True)
        self._thread.start()

    # For other threads.

    def post(self, work: Coroutine[Any, Any, None]) -> None:
        """Have the loop run `work`; after a stop it is dropped."""
        try:
            self._loop.call_soon_threadsafe(self.spawn, work)
        except RuntimeError:  # the loop is closed
            work.close()

    def call(self, work: Coroutine[Any, Any, None], timeout_s: float) -> None:
        """Have the loop run `work`, and wait for it; raises TimeoutError."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def wait_attempted(self, timeout_s: float) -> None:
        """Wait until there is a connection, or is known to be none yet."""
        self._attempted.wait(timeout_s)

    @property
    def is_connected(self) -> bool:
        """Whether there is a server now."""
        return self._is_ready.is_set()

    def stop(self) -> None:
        """Send what was published, and end."""
        self._loop.call_soon_threadsafe(self._is_stopping.set)
        self._thread.join(_ANSWER_S + _JOIN_S)

    # On the loop.

    @property
    def max_payload_bytes(self) -> int:
        """The largest body the server takes."""
        return 0 if self._client is None else self._client.max_payload

    async def add(self, link: Link) -> None:
        """Open a link now, if there is a server, and after every reconnect."""
        from nats.errors import Error

        self._links.append(link)
        if self._client is not None and self._is_ready.is_set():
            with suppress(Error, OSError):  # lost just now: it is opened when it comes back
                await self._open(link, self._client)

    async def remove(self, link: Link) -> None:
        """Close a link; returns when the server knows, so that nothing is sent to nobody."""
        self._links.remove(link)
        await link.close()
        await self._flush()

    async def remove_all(self) -> None:
        """Close all links, side by side."""
        links, self._links = self._links, []
        await asyncio.gather(*(link.close() for link in links))
        await self._flush()

    async def catch_up(self) -> None:
        """Return when what the server had for us before the call has been taken over."""
        await self._flush()
        if self._is_ready.is_set():
            await asyncio.gather(*(link.catch_up() for link in self._links))

    async def publish(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a message; raises NotConnectedError, and MaxPayloadError of the library."""
        from nats.errors import MaxPayloadError

        client = await self._ready_client()
        # The library counts the body alone, and the server hangs up on what is too large.
        head = sum(len(name) + len(text.encode()) + 4 for name, text in (headers or {}).items())
        if len(body) + head + _HEAD_BYTES > client.max_payload:
            raise MaxPayloadError
        await client.publish(subject, body, headers=dict(headers) if headers else None)

    async def request(self, subject: str, body: bytes) -> None:
        """Send a message and wait for the answer; raises NotConnectedError when none came."""
        from nats.errors import Error

        client = await self._ready_client()
        try:
            await client.request(subject, body, timeout=_ANSWER_S)
        except Error as error:
            raise NotConnectedError(str(error)) from error

    def note_dropped(self, subject: str) -> None:
        """A message was dropped: more came than could be taken over."""
        self.dropped += 1
        if self.dropped & (self.dropped - 1) == 0:  # at 1, 2, 4, 8: many come at once
            self._reporter.event("nats.dropped", subject=subject, messages=self.dropped)

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run `work` beside the rest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A bug of ours: the other tasks go on.
            text = "".join(traceback.format_exception(error))
            self._reporter.event("nats.failed", traceback=text)

    async def _ready_client(self) -> "Client":
        try:
            await asyncio.wait_for(self._is_ready.wait(), PUBLISH_WAIT_S)
        except TimeoutError:
            raise NotConnectedError("the NATS server is gone") from None
        assert self._client is not None
        return self._client

    def _run(self) -> None:
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        connecting = self.spawn(self._keep_connected())
        await self._is_stopping.wait()
        connecting.cancel()
        if self._client is not None and not self._client.is_closed:
            await self._flush()
            await self._client.close()
        for task in self._tasks:
            task.cancel()
        # Not `asyncio.Runner`: it also looks at the tasks of other threads' loops, half made ones.
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_connected(self) -> None:
        from nats.errors import Error

        while True:
            self._is_lost.clear()
            self._client = client = await self._connect()
            try:
                for link in list(self._links):
                    await self._open(link, client)
                self._is_ready.set()
                self._attempted.set()
                self._reporter.event("nats.connected", url=shown_url(self._url))
                await self._is_lost.wait()
            except (Error, OSError):
                await client.close()  # lost while it was being set up
            self._is_ready.clear()
            self._reporter.event("nats.lost", url=shown_url(self._url), error=client.last_error)

    async def _connect(self) -> "Client":
        """Connect, however long it takes; what fails is told once."""
        from nats.aio.client import Client
        from nats.errors import Error

        self._was_absence_told = False
        while True:
            client = Client()
            try:
                # Waits for a server that does not listen; raises when one refuses us.
                await client.connect(
                    self._url.split(","),
                    name="lambda-emulator",
                    error_cb=self._on_error,
                    closed_cb=self._on_closed,
                    allow_reconnect=False,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_S,  # type: ignore[arg-type]  # takes fractions
                    ping_interval=_PING_S,
                )
            except (Error, OSError):
                await client.close()
                await asyncio.sleep(RECONNECT_S)
            else:
                return client

    async def _open(self, link: Link, client: "Client") -> None:
        await link.open(client)
        await _round_trip(client)  # from here on the server knows

    async def _flush(self) -> None:
        from nats.errors import Error

        if self._client is None or not self._is_ready.is_set():
            return
        try:
            await _round_trip(self._client)
        except (Error, OSError) as error:
            self._reporter.event("nats.lost", url=shown_url(self._url), error=error)

    async def _on_closed(self) -> None:
        self._is_lost.set()

    async def _on_error(self, error: Exception) -> None:
        from nats.errors import SlowConsumerError, UnexpectedEOF

        if isinstance(error, SlowConsumerError):
            self.note_dropped(error.subject)
        elif not self._is_ready.is_set():
            self._tell_absence(error)
        elif not isinstance(error, UnexpectedEOF | OSError):  # those end in "nats.lost"
            self._reporter.event("nats.error", error=error)

    def _tell_absence(self, error: Exception) -> None:
        if not self._was_absence_told:
            self._was_absence_told = True
            self._attempted.set()
            self._reporter.notice(
                f"No NATS server at {shown_url(self._url)} ({str(error) or type(error).__name__}):"
                " what is bound to its subjects waits until it comes."
            )


async def _round_trip(client: "Client") -> None:
    """Return when the server has taken all that was sent; raises Error of the library."""
    # The library's ping overtakes what it has not written yet. That is written when the first one
    # is answered, so the second one comes after it.
    for _ in range(2):
        await client.flush(timeout=int(_ANSWER_S))
