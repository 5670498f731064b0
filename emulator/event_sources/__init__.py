"""What invokes functions without being asked by a person: pushers and pollers."""

from emulator.event_sources.alarms import Alarms
from emulator.event_sources.destinations import DestinationSender
from emulator.event_sources.http import HttpEvents
from emulator.event_sources.on_demand import SourcesOnDemand
from emulator.event_sources.source import Surroundings

__all__ = ["Alarms", "DestinationSender", "HttpEvents", "SourcesOnDemand", "Surroundings"]
