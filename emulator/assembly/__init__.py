"""The rooms of one emulator: made, joined, and what one of them asks of another."""

from emulator.assembly.assembly import Assembly

__all__ = ["Assembly"]
