"""Pollers and pushers: from what happened somewhere to an invocation."""

from emulator.event_sources.http import HttpEvents
from emulator.event_sources.s3 import S3Events

__all__ = ["HttpEvents", "S3Events"]
