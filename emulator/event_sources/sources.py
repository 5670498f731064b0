"""All event sources of one emulator."""

import time
from typing import Final

from emulator.event_sources.alarm_actions import AlarmActions
from emulator.event_sources.api_gateway.front import ApiGateway
from emulator.event_sources.config_rules import ConfigRules
from emulator.event_sources.events import BusEvents
from emulator.event_sources.firehose import FirehoseTransformations
from emulator.event_sources.front_ends import FrontEnds
from emulator.event_sources.iot import TopicRules
from emulator.event_sources.load_balancer import LoadBalancerFront
from emulator.event_sources.logs import LogsEvents
from emulator.event_sources.mappings import Mappings
from emulator.event_sources.nats import NatsEvents
from emulator.event_sources.s3 import S3Events
from emulator.event_sources.scheduler import ScheduledCalls
from emulator.event_sources.secrets import SecretRotations
from emulator.event_sources.ses import ReceivedMails
from emulator.event_sources.sns import SnsEvents
from emulator.event_sources.source import EventSource, Surroundings
from emulator.event_sources.sqs import SqsTriggers
from emulator.event_sources.stream_triggers import KinesisTriggers, TableTriggers
from emulator.event_sources.table_expiry import TableExpiry
from emulator.model.triggers import Trigger

_ALL: Final[tuple[type[EventSource], ...]] = (
    ApiGateway,
    LoadBalancerFront,
    Mappings,
    BusEvents,
    ScheduledCalls,
    S3Events,
    LogsEvents,
    SnsEvents,
    SqsTriggers,
    SecretRotations,
    KinesisTriggers,
    TableTriggers,
    TableExpiry,
    AlarmActions,
    FirehoseTransformations,
    ReceivedMails,
    TopicRules,
    ConfigRules,
    NatsEvents,
)


class EventSources:
    """Makes, resets and stops them together. Any thread may call."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._alarms = surroundings.alarms
        made = {make: make(surroundings) for make in _ALL}
        self._sources = list(made.values())
        self._by_trigger = {
            source.trigger: source for source in self._sources if source.trigger is not None
        }
        apis, balancers, nats = (made[kind] for kind in (ApiGateway, LoadBalancerFront, NatsEvents))
        assert isinstance(apis, ApiGateway)
        assert isinstance(balancers, LoadBalancerFront)
        assert isinstance(nats, NatsEvents)
        self.front_ends = FrontEnds(apis, balancers)  # answer requests to APIs and load balancers
        self.nats = nats  # whose bindings are shown and changed by command

    def start(self) -> None:
        """Have them begin; the emulator answers already."""
        for source in self._sources:
            source.start()

    def bind(self, trigger: Trigger, function_arn: str) -> None:
        """Have what a project's trigger names invoke a function."""
        self._by_trigger[type(trigger)].bind(trigger, function_arn)

    def unbind(self, trigger: Trigger, function_arn: str) -> None:
        """Take back a `bind` with the same arguments."""
        self._by_trigger[type(trigger)].unbind(trigger, function_arn)

    def reset(self) -> None:
        """Have every source forget everything."""
        for source in self._sources:
            source.reset()

    def catch_up(self) -> None:
        """Have every source begin what was handed to it before the call."""
        for source in self._sources:
            source.catch_up()

    def stop(self, grace_s: float) -> None:
        """End what the sources run; wait up to `grace_s` for it, all in all."""
        deadline = time.monotonic() + grace_s
        self._alarms.stop()
        for source in self._sources:
            source.stop(max(deadline - time.monotonic(), 0.0))
