"""Whether a descriptor has something to read, asked without giving up the interpreter's lock."""

import ctypes
from typing import Final

_POLLIN: Final = 1
# Unlike `select.poll`, a PyDLL keeps the lock: with 8 clients, each place where a thread gives it
# up costs two switches between threads, and this call takes a microsecond.
_poll: Final = ctypes.PyDLL(None).poll
_poll.argtypes = (ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int)


class _PollDescriptor(ctypes.Structure):
    _fields_ = (("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short))


class Readable:
    """Asks about one descriptor. Any thread may call, as long as the descriptor is open."""

    __slots__ = ("_address", "_entry")

    def __init__(self, fd: int) -> None:
        self._entry = _PollDescriptor(fd, _POLLIN, 0)
        self._address = ctypes.addressof(self._entry)

    def __bool__(self) -> bool:
        """True when there is something to read, or the other end is closed."""
        return bool(_poll(self._address, 1, 0))
