"""A durable consumer of a JetStream stream."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from emulator.event_sources.nats.backlog import Backlog
from emulator.event_sources.nats.connection import Link
from emulator.event_sources.nats.deliveries import ACK_WAIT_S, Deliveries
from emulator.event_sources.nats.desk import Desk
from emulator.event_sources.nats.messages import NatsMessage
from emulator.model.triggers.nats import NatsTrigger

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js.api import ConsumerConfig, ConsumerInfo
    from nats.js.client import JetStreamContext
    from nats.js.manager import JetStreamManager

ACTIVITY: Final = "NATS messages to come"
CONCURRENCY: Final = 100  # messages of one consumer that run at once
RETRY_S: Final = 1.0  # real time: nothing tells when somebody makes the stream
_PULL_S: Final = 30.0
_FORGIVE_S: Final = 1.0


class StreamConsumer(Link):
    """One binding to a stream: makes the consumer, and pulls one message after the other.

    All of it runs on the connection's loop.
    """

    def __init__(self, trigger: NatsTrigger, function_arn: str, desk: Desk) -> None:
        self._trigger = trigger
        self._function = function_arn.rpartition(":")[2]
        self._desk = desk
        self._name = trigger.consumer_for(self._function)
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._deliveries = Deliveries(
            function_arn,
            trigger.dead_letter,
            desk,
            on_free=self._slots.release,
            on_return=self._on_return,
        )
        self._backlog = Backlog()
        self._is_behind = False  # as the activity has it
        self._forgiving: asyncio.TimerHandle | None = None
        self._pulling: asyncio.Task[None] | None = None
        self._pull: JetStreamContext.PullSubscription | None = None
        self.problem: str | None = None  # why nothing is read

    @override
    async def open(self, client: "Client") -> None:
        from nats.errors import Error

        await self._stop_pulling()
        try:
            await self._subscribe(client)
        except Error as error:
            self._note_problem(error)
        self._pulling = self._desk.connection.spawn(self._keep_pulling(client))

    @override
    async def close(self) -> None:
        await self._stop_pulling()
        await self._deliveries.give_back_waiting()

    @override
    async def catch_up(self) -> None:
        from nats.errors import Error

        if self._pull is not None:
            with suppress(Error, OSError):
                self._note_info(await self._pull.consumer_info())

    # Reading.

    async def _keep_pulling(self, client: "Client") -> None:
        from nats.errors import Error

        while not client.is_closed:
            try:
                if self._pull is None:
                    await self._subscribe(client)
                await self._pull_messages()
            except (Error, OSError) as error:
                self._pull = None
                if not client.is_closed:
                    self._note_problem(error)
                    await asyncio.sleep(RETRY_S)
        self._forget_backlog()

    async def _subscribe(self, client: "Client") -> None:
        stream = self._trigger.stream
        jetstream = client.jetstream()
        info = await self._make_consumer(client.jsm())
        self._take_options(info.config)
        self._pull = await jetstream.pull_subscribe_bind(consumer=self._name, stream=stream)
        self._backlog = Backlog.at(_delivered(info))
        self._note_info(info)
        self.problem = None

    async def _make_consumer(self, manager: "JetStreamManager") -> "ConsumerInfo":
        """Make the consumer, or take one that is there and reads the same subject."""
        from nats.js.api import AckPolicy, ConsumerConfig
        from nats.js.errors import Error, NotFoundError

        stream = self._trigger.stream
        try:
            info = await manager.consumer_info(stream, self._name)
        except NotFoundError:
            config = ConsumerConfig(
                durable_name=self._name,
                filter_subject=self._trigger.subject,
                ack_wait=self._trigger.ack_wait_s or ACK_WAIT_S,
            )
            return await manager.add_consumer(stream, config)
        config = info.config
        if config.deliver_subject or config.ack_policy != AckPolicy.EXPLICIT.value:
            raise Error(f'consumer "{self._name}" is not a pull consumer with explicit acks')
        if config.filter_subject != self._trigger.subject:
            # It may be somebody else's, so it is not made to read something else.
            reads = config.filter_subject or config.filter_subjects or "the whole stream"
            raise Error(f'consumer "{self._name}" reads {reads}: name another one, or delete it')
        wanted = config.evolve(ack_wait=self._trigger.ack_wait_s or config.ack_wait)
        return info if wanted == config else await manager.add_consumer(stream, wanted)

    def _take_options(self, config: "ConsumerConfig") -> None:
        own = config.max_deliver if config.max_deliver and config.max_deliver > 0 else None
        self._deliveries.max_deliver = self._trigger.max_deliver or own
        waits = [config.ack_wait or ACK_WAIT_S, *(config.backoff or ())]
        self._deliveries.ack_wait_s = min(waits)

    async def _pull_messages(self) -> None:
        assert self._pull is not None
        while True:
            await self._slots.acquire()
            try:
                [received] = await self._pull.fetch(1, timeout=_PULL_S)
            except TimeoutError:  # nothing came for so long
                self._slots.release()
            except BaseException:
                self._slots.release()
                raise
            else:
                self._take(received)

    async def _stop_pulling(self) -> None:
        from nats.errors import Error

        if self._pulling is not None:
            self._pulling.cancel()
            self._pulling = None
        if self._pull is not None:
            with suppress(Error, OSError):
                await self._pull.unsubscribe()  # the server forgets what we asked for
            self._pull = None
        self._forget_backlog()

    def _take(self, received: "Msg") -> None:
        metadata = received.metadata
        message = NatsMessage(
            subject=received.subject,
            body=received.data,
            headers=received.headers or {},
            stream=metadata.stream,
            consumer=metadata.consumer,
            sequence=metadata.sequence.stream,
            deliveries=metadata.num_delivered,
        )
        self._deliveries.take(message, received.reply)
        self._backlog.on_delivery(metadata.sequence.consumer, metadata.num_pending)
        self._show_backlog()

    def _on_return(self) -> None:
        if self._pull is not None:  # else somebody gets it later
            self._backlog.on_returned()
            self._show_backlog()

    # What `settle` sees of the messages to come.

    def _note_info(self, info: "ConsumerInfo") -> None:
        self._backlog.on_info(_delivered(info), info.num_pending or 0)
        self._show_backlog()

    def _forget_backlog(self) -> None:
        self._backlog.forget()
        self._show_backlog()

    def _show_backlog(self) -> None:
        activity = self._desk.around.activity
        if self._backlog.is_behind != self._is_behind:
            self._is_behind = not self._is_behind
            (activity.begin if self._is_behind else activity.end)(ACTIVITY)
        if self._forgiving is not None:
            self._forgiving.cancel()
            self._forgiving = None
        if self._is_behind:
            loop = asyncio.get_running_loop()
            self._forgiving = loop.call_later(_FORGIVE_S, self._forgive)

    def _forgive(self) -> None:
        """Others read from the same consumer: what does not come for a while is theirs."""
        if not self._slots.locked():
            self._backlog.forget()
        self._show_backlog()

    def _note_problem(self, error: Exception) -> None:
        text = getattr(error, "description", None) or str(error) or type(error).__name__
        self._forget_backlog()
        if text != self.problem:
            self.problem = text
            self._desk.around.reporter.event(
                "nats.consumer_failed",
                stream=self._trigger.stream,
                consumer=self._name,
                function=self._function,
                error=text,
            )


def _delivered(info: "ConsumerInfo") -> int:
    return info.delivered.consumer_seq if info.delivered else 0
