"""NATS subjects and JetStream streams as event sources."""

from emulator.event_sources.nats.source import NatsEvents

__all__ = ["NatsEvents"]
