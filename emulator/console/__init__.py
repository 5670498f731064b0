"""What people and tests ask the emulator about itself, under `/_emulator/`."""

from emulator.console.admin import Admin
from emulator.console.rooms import Rooms

__all__ = ["Admin", "Rooms"]
