"""Messages received and not yet answered."""

import threading
from typing import Final

from emulator.observe import Activity

KIND: Final = "nats messages"


class UnderWay:
    """Counts them: each is an activity, and a stop waits for all of them.

    Any thread may call. `_lock` guards the count.
    """

    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self._lock = threading.Lock()
        self._is_none = threading.Condition(self._lock)
        self._count = 0

    def begin(self) -> None:
        """One more was received."""
        self._activity.begin(KIND)
        with self._lock:
            self._count += 1

    def end(self) -> None:
        """One was answered, acknowledged, or put off to a later time."""
        with self._lock:
            self._count -= 1
            if self._count == 0:
                self._is_none.notify_all()
        self._activity.end(KIND)

    def wait_none(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` until none is left."""
        with self._lock:
            self._is_none.wait_for(lambda: self._count == 0, timeout_s)
