"""What outlives the process: SQLite files below one folder."""

from emulator.storage.data_folder import DataFolder, FolderError
from emulator.storage.database import StorageError
from emulator.storage.documents import Documents
from emulator.storage.event_journal import EventJournal, KeptEvent
from emulator.storage.kept_clock import kept_clock
from emulator.storage.values import fields_from_document, from_document, to_document

__all__ = [
    "DataFolder",
    "Documents",
    "EventJournal",
    "FolderError",
    "KeptEvent",
    "StorageError",
    "fields_from_document",
    "from_document",
    "kept_clock",
    "to_document",
]
