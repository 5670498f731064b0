"""What every subscription works with."""

from dataclasses import dataclass

from emulator.event_sources.nats.connection import Connection
from emulator.event_sources.nats.messages import NatsMessage, client_context_of, event_of
from emulator.event_sources.nats.under_way import UnderWay
from emulator.event_sources.source import Surroundings
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model import Call


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Where messages come in, run and are answered."""

    around: Surroundings
    connection: Connection
    threads: RunnerThreads  # functions run on these: the loop must not wait
    under_way: UnderWay


def call_of(message: NatsMessage, function_arn: str) -> Call:
    """The invocation a message asks for."""
    cause = message.subject if message.stream is None else f"{message.stream}:{message.sequence}"
    return Call.to(
        function_arn,
        event_of(message.body),
        client_context=client_context_of(message),
        source="nats",
        cause=cause,
    )
