"""A subject of core NATS: requests get a reply, other messages are asynchronous invocations."""

import asyncio
import traceback
from functools import partial
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from emulator.event_sources.nats.acceptance import Acceptance
from emulator.event_sources.nats.connection import Link, NotConnectedError
from emulator.event_sources.nats.desk import Desk, call_of
from emulator.event_sources.nats.messages import NatsMessage, Reply, answer, refusal, too_large
from emulator.model import Call, LambdaError, limits
from emulator.model.triggers.nats import NatsTrigger

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

# Requests of one subscription that run at once; Lambda would throttle beyond it, too.
REQUESTS: Final = limits.ACCOUNT_CONCURRENCY
_TOO_MANY: Final = LambdaError("TooManyRequestsException", "Rate Exceeded.")


class CoreSubscription(Link):
    """One binding to a subject. All of it runs on the connection's loop, but for `_run`."""

    def __init__(self, trigger: NatsTrigger, function_arn: str, desk: Desk) -> None:
        self._trigger = trigger
        self._function_arn = function_arn
        self._desk = desk
        self._subscription: Subscription | None = None
        self._running = 0
        self._acceptance = Acceptance(desk)

    @override
    async def open(self, client: "Client") -> None:
        trigger = self._trigger
        self._subscription = await client.subscribe(
            trigger.subject, queue=trigger.queue, cb=self._on_message
        )

    @override
    async def close(self) -> None:
        from nats.errors import Error

        if self._subscription is not None:
            try:
                # What is on its way still arrives.
                await self._subscription.drain()  # type: ignore[no-untyped-call]  # theirs
            except (Error, OSError):
                return  # the connection is gone, and the subscription with it

    @override
    async def catch_up(self) -> None:
        while self._subscription is not None and self._subscription.pending_msgs:
            await asyncio.sleep(0)  # lets the library hand over what it has read

    async def _on_message(self, received: "Msg") -> None:
        message = NatsMessage(
            subject=received.subject,
            body=received.data,
            reply=received.reply or None,
            headers=received.headers or {},
        )
        call = call_of(message, self._function_arn)
        if message.reply is None:
            if not self._acceptance.put(call):
                self._desk.connection.note_dropped(message.subject)
            return
        self._desk.under_way.begin()
        self._running += 1
        try:
            if self._running > REQUESTS:
                raise _TOO_MANY
            self._desk.threads.start(partial(self._run, call, message.reply))
        except (LambdaError, RuntimeError):  # the latter: the system has no more threads
            await self._send(message.reply, refusal(_TOO_MANY))

    def _run(self, call: Call, inbox: str) -> None:
        """Run the function on a thread of its own, and have the loop send what it answered."""
        try:
            reply = answer(self._desk.around.invoker.run(call)[0])
        except LambdaError as error:
            reply = refusal(error)
        except Exception:  # noqa: BLE001  # a bug of ours: who asked must not wait for ever
            self._desk.around.reporter.event("nats.failed", traceback=traceback.format_exc())
            reply = refusal(LambdaError("ServiceException", "The emulator failed."))
        self._desk.connection.post(self._send(inbox, reply))

    async def _send(self, inbox: str, reply: Reply) -> None:
        from nats.errors import Error, MaxPayloadError

        connection = self._desk.connection
        try:
            try:
                await connection.publish(inbox, reply.body, reply.headers)
            except MaxPayloadError:
                small = too_large(reply, connection.max_payload_bytes)
                await connection.publish(inbox, small.body, small.headers)
        except (NotConnectedError, Error, OSError) as error:
            self._desk.around.reporter.event("nats.reply_lost", inbox=inbox, error=error)
        finally:
            self._running -= 1
            self._desk.under_way.end()
