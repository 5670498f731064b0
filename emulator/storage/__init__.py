"""What outlives the process: SQLite files below one folder."""

from emulator.storage.database import StorageError
from emulator.storage.documents import Documents
from emulator.storage.event_journal import EventJournal, KeptEvent

__all__ = ["Documents", "EventJournal", "KeptEvent", "StorageError"]
