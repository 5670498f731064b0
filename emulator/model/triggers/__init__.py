"""What starts a function, as a project declares it: one value type for each event source."""

from emulator.model.triggers.trigger import Trigger

__all__ = ["Trigger"]
