"""The emulator's time, from one process to the next.

What is kept tells times of the clock: if that went back at a restart, deadlines would move away and
the history of a durable execution run backwards.
"""

from contextlib import suppress
from typing import Final

from emulator.model import Clock
from emulator.storage.documents import Documents

_KIND: Final = "clock"
_KEY: Final = ""  # there is one


def kept_clock(documents: Documents) -> Clock:
    """A clock that goes on where the last one was moved to; it is kept at each move.

    One that was frozen stands where it stood; one that ran has gone on meanwhile. Raises
    StorageError for documents that cannot be read.
    """
    kept = documents.all(_KIND).get(_KEY, {})
    clock = Clock(ahead_s=kept.get("ahead_s", 0.0), frozen_at=kept.get("frozen_at"))

    def keep() -> None:
        frozen_at = clock.now() if clock.is_frozen else None
        document = {"ahead_s": clock.ahead_s, "frozen_at": frozen_at}
        with suppress(OSError):  # a full disk: it is moved all the same, until the restart
            documents.put(_KIND, _KEY, document)

    clock.on_move(keep)
    return clock
