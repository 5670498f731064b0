"""Whether the machine's processors have time to spare."""

from pathlib import Path
from typing import Final

_SPARE_SHARE: Final = 0.2  # of all processors together
_IDLE, _END = 3, 8  # columns of the line "cpu": idle and iowait begin at 3; guests are in user


class Processors:
    """Reads the kernel's count of idle time; one thread calls."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        self._stat = stat
        self._idle, self._total = self._read()

    def have_time_to_spare(self) -> bool | None:
        """True when they idled since the last call; None where the system does not tell."""
        idle, total = self._read()
        idled, passed = idle - self._idle, total - self._total
        self._idle, self._total = idle, total
        return idled > _SPARE_SHARE * passed if passed > 0 else None

    def _read(self) -> tuple[int, int]:
        try:
            with self._stat.open() as lines:
                ticks = [int(word) for word in lines.readline().split()[1:][:_END]]
        except (OSError, ValueError):  # macOS has no such file, and some sandboxes an empty one
            return 0, 0
        return sum(ticks[_IDLE : _IDLE + 2]), sum(ticks)
