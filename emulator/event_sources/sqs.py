"""SQS: reads queues for event source mappings, and invokes functions with batches of messages."""

import threading
from typing import Final

from typing_extensions import override

from emulator.aws import Fact, QueueFact
from emulator.control import FunctionChange
from emulator.event_sources.poller import Poller
from emulator.event_sources.source import EventSource, Surroundings
from emulator.event_sources.sqs_poller import SqsPoller
from emulator.invoke.runner_threads import RunnerThreads
from emulator.model.mapping import EventSourceMapping
from emulator.model.resources import QueueResource
from emulator.model.triggers import Trigger
from emulator.model.triggers.sqs import SqsTrigger

_VISIBILITY_S: Final = 30  # of a queue unless told otherwise
_ARN_PARTS: Final = 7  # of a function's unqualified ARN


class SqsTriggers(EventSource):
    """Makes the mappings that a project's triggers stand for."""

    trigger = SqsTrigger

    @override
    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Map the queue to the function; makes the queue if need be."""
        assert isinstance(trigger, SqsTrigger)
        mapping = trigger.mapping(function_arn)
        found = self.around.functions.look_up(mapping.account, mapping.region, function_arn, None)
        # AWS refuses a queue that hides messages for less time than its function may take.
        hidden_s = max(_VISIBILITY_S, found.version.timeout_s)
        self.around.moto.ensure([QueueResource(name=trigger.queue, visibility_timeout_s=hidden_s)])
        self.around.mappings.declare(mapping)

    @override
    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take the mapping away; the queue stays, with what is in it."""
        assert isinstance(trigger, SqsTrigger)
        self.around.mappings.withdraw(trigger.mapping(function_arn).uuid)


class SqsPollers:
    """The pollers of all queues, and the threads they share.

    Any thread may call. `_lock` guards the list; nobody is told anything under it.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._threads = RunnerThreads("sqs-reader")
        self._lock = threading.Lock()
        self._pollers: list[SqsPoller] = []
        around.moto.subscribe(self._on_fact, QueueFact)
        around.functions.subscribe(self._on_function)
        around.functions.listeners.subscribe_aliases(self._on_alias)

    def start(self, mapping: EventSourceMapping) -> Poller:
        """Begin to read a queue."""
        poller = SqsPoller(mapping, self._around, self._threads, self._forget)
        with self._lock:
            self._pollers = [*self._pollers, poller]
        self._around.moto.queues.when_loaded(poller.open)
        return poller

    def reset(self) -> None:
        """Nothing is kept: a position in a queue is the queue's."""

    def stop(self, grace_s: float) -> None:
        """End the threads."""
        self._threads.stop(grace_s)

    def _forget(self, gone: SqsPoller) -> None:
        with self._lock:
            self._pollers = [each for each in self._pollers if each is not gone]

    def _on_fact(self, fact: Fact) -> None:
        assert isinstance(fact, QueueFact)
        for poller in self._pollers:
            if poller.queue_arn == fact.queue_arn:
                poller.wake()

    def _on_function(self, change: FunctionChange) -> None:
        """A function that was missing may be there now."""
        if change.new is None:
            return
        for poller in self._pollers:
            if poller.function_arn.split(":")[:_ARN_PARTS] == change.new.arn.split(":"):
                poller.wake()

    def _on_alias(self, alias_arn: str) -> None:
        """As a function, so an alias."""
        for poller in self._pollers:
            if poller.function_arn == alias_arn:
                poller.wake()
