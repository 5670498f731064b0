"""What outlives the process, in one SQLite file."""

from emulator.storage.documents import Documents

__all__ = ["Documents"]
