"""What becomes of the messages of one JetStream consumer."""

import asyncio
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from emulator.event_sources.nats.connection import NotConnectedError
from emulator.event_sources.nats.desk import Desk, call_of
from emulator.event_sources.nats.held import Held, retry_delay_s
from emulator.event_sources.nats.messages import NatsMessage, dead_letter_headers
from emulator.model import LambdaError

ACK_WAIT_S: Final = 30.0  # the server's default
_ACK, _NAK, _TERM, _IN_PROGRESS = b"+ACK", b"-NAK", b"+TERM", b"+WPI"


class Deliveries:
    """Runs the function for each message, and tells the server how it went.

    All of it runs on the connection's loop, but for `_run`. A message is acknowledged when its
    function succeeded. After a failure it is held back for a while on the emulator's clock and
    then given back to the server, which delivers it again; all the time the server is told that
    it is being worked on, so that nobody else gets it. How often a message is delivered is counted
    by the server and limited here: an emulator that dies with the last delivery must not take the
    message with it.

    on_free: called when a message no longer runs. on_return: called before one is given back.
    """

    def __init__(
        self,
        function_arn: str,
        dead_letter: str,
        desk: Desk,
        *,
        on_free: Callable[[], None],
        on_return: Callable[[], None],
    ) -> None:
        self.max_deliver: int | None = None
        self.ack_wait_s = ACK_WAIT_S
        self._function_arn = function_arn
        self._dead_letter = dead_letter
        self._desk = desk
        self._on_free = on_free
        self._on_return = on_return
        self._held: dict[int, Held] = {}  # by sequence in the stream
        self._keeping: asyncio.Task[None] | None = None

    def take(self, message: NatsMessage, ack_subject: str) -> None:
        """Take over a message that was just delivered."""
        assert message.sequence is not None
        self._desk.under_way.begin()
        known = self._held.get(message.sequence)
        if known is not None:
            # The server took it for lost while the connection was; it still runs, or waits, here.
            known.ack_subject = ack_subject
            self._on_free()
            self._desk.under_way.end()
            return
        held = self._held[message.sequence] = Held(message=message, ack_subject=ack_subject)
        if self._keeping is None or self._keeping.done():
            self._keeping = self._desk.connection.spawn(self._keep_alive())
        if self.max_deliver is not None and message.deliveries > self.max_deliver:
            # The last attempt never came to an end: its emulator died.
            self._desk.connection.spawn(self._finish(held, "interrupted"))
            return
        try:
            self._desk.threads.start(partial(self._run, held))
        except RuntimeError as error:  # the system has no more threads
            self._desk.connection.spawn(self._finish(held, str(error)))

    async def give_back_waiting(self) -> None:
        """Have the server deliver again, to whoever reads, what waits for its next attempt."""
        for held in [held for held in self._held.values() if held.alarm is not None]:
            if self._desk.connection.is_connected:  # else the server does so by itself
                self._desk.under_way.begin()
                await self._give_back(held)

    def _run(self, held: Held) -> None:
        """Run the function on a thread of its own, and have the loop see to the message."""
        failure: str | None
        try:
            result, _ = self._desk.around.invoker.run(call_of(held.message, self._function_arn))
            failure = result.function_error and (result.error_type or result.function_error)
        except LambdaError as error:
            failure = error.code
        except Exception:  # noqa: BLE001  # a bug of ours: the message comes again
            self._desk.around.reporter.event("nats.failed", traceback=traceback.format_exc())
            failure = "ServiceException"
        self._desk.connection.post(self._finish(held, failure))

    async def _finish(self, held: Held, failure: str | None) -> None:
        self._on_free()
        try:
            if failure is None:
                await self._end(held, _ACK)
            elif self.max_deliver is not None and held.message.deliveries >= self.max_deliver:
                await self._give_up(held, failure)
            else:
                self._postpone(held, failure)
        finally:
            self._desk.under_way.end()

    async def _end(self, held: Held, word: bytes) -> None:
        """Tell the server, and wait until it knows; it delivers again what it does not know of."""
        try:
            await self._desk.connection.request(held.ack_subject, word)
        except NotConnectedError as error:
            self._report("nats.not_acknowledged", held, error)
        finally:
            self._held.pop(held.sequence, None)

    async def _give_up(self, held: Held, failure: str) -> None:
        from nats.errors import Error

        self._report("nats.given_up", held, failure, dead_letter=self._dead_letter or None)
        if self._dead_letter:
            headers = dead_letter_headers(held.message, failure)
            try:
                await self._desk.connection.publish(self._dead_letter, held.message.body, headers)
            except (NotConnectedError, Error, OSError) as error:
                self._held.pop(held.sequence, None)  # it comes again, and ends here again
                self._report("nats.not_acknowledged", held, error)
                return
        await self._end(held, _TERM)

    def _postpone(self, held: Held, failure: str) -> None:
        delay_s = retry_delay_s(held.message.deliveries)
        due_s = self._desk.around.clock.monotonic() + delay_s
        held.alarm = self._desk.around.alarms.set(due_s, partial(self._on_due, held))
        self._report("nats.postponed", held, failure, delay_s=delay_s)

    def _on_due(self, held: Held) -> None:
        """Runs on the thread that rings."""
        self._desk.under_way.begin()
        self._desk.connection.post(self._give_back(held))

    async def _give_back(self, held: Held) -> None:
        from nats.errors import Error

        try:
            if self._held.pop(held.sequence, None) is None:
                return  # a stop was faster
            if held.alarm is not None:
                held.alarm.cancel()
            self._on_return()
            await self._desk.connection.publish(held.ack_subject, _NAK)
        except (NotConnectedError, Error, OSError) as error:
            self._report("nats.not_acknowledged", held, error)
        finally:
            self._desk.under_way.end()

    async def _keep_alive(self) -> None:
        """Have the server wait for what is held; in real time, as the server's clock is."""
        from nats.errors import Error

        while self._held:
            await asyncio.sleep(self.ack_wait_s / 3)
            for held in list(self._held.values()):
                if self._desk.connection.is_connected:
                    with suppress(NotConnectedError, Error, OSError):
                        await self._desk.connection.publish(held.ack_subject, _IN_PROGRESS)

    def _report(self, name: str, held: Held, error: object, **fields: object) -> None:
        self._desk.around.reporter.event(
            name,
            stream=held.message.stream,
            sequence=held.sequence,
            function=self._function_arn.rpartition(":")[2],
            error=error,
            deliveries=held.message.deliveries,
            **fields,
        )
