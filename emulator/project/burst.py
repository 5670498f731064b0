"""When a series of changes is over, so that one save or one branch switch is one reload."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from emulator.project.file_change import Progress
from emulator.project.hold import Hold

# All physical time, on `time.monotonic`: a frozen `Clock` does not keep editors from saving.
QUIET_S: Final = 0.005  # after one file: an editor's write and rename are microseconds apart
LONGEST_QUIET_S: Final = 0.15  # after many files, or while a folder may still be filled
OPEN_QUIET_S: Final = 1.0  # while a file is open that was written to: it may be half a save
GONE_QUIET_S: Final = 2.0  # while the root is missing or empty: a build takes its time
PATIENCE_S: Final = 4.0  # files that never come to rest; callers are held no longer than 5 s


@dataclass(slots=True)
class Burst:
    """Changes below one root, from the first until it is quiet. Guarded by the watcher's lock."""

    began_s: float
    holds: Sequence[Hold] = ()  # on the functions that run from the root
    last_s: float = 0.0
    is_gone: bool = False  # the root, at the last change
    paths: set[str] = field(default_factory=set)
    unfinished: dict[str, Progress] = field(default_factory=dict)

    def note(self, path: str, progress: Progress, now_s: float) -> None:
        """Add one change."""
        self.last_s = now_s
        self.paths.add(path)
        self.is_gone = progress is Progress.GONE
        if progress in (Progress.DONE, Progress.GONE):
            self.unfinished.pop(path, None)
        else:
            self.unfinished[path] = progress

    def prolong(self, now_s: float) -> None:
        """Count the quiet time from now on; patience still ends when it would have."""
        self.last_s = now_s

    def due_s(self, *, expects_return: bool = True) -> float:
        """When it is over unless more comes: the more files changed, the longer the wait.

        expects_return: False where a root that is missing was removed for good.
        """
        quiet_s = min(QUIET_S * len(self.paths), LONGEST_QUIET_S)
        if self.unfinished:
            quiet_s = OPEN_QUIET_S if self.still_written else LONGEST_QUIET_S
        if self.is_gone:
            quiet_s = GONE_QUIET_S if expects_return else LONGEST_QUIET_S
        return min(self.last_s + quiet_s, self.began_s + PATIENCE_S)

    @property
    def still_written(self) -> set[str]:
        """Files that somebody has open and has written to."""
        return {path for path, how in self.unfinished.items() if how is Progress.WRITING}

    def release(self) -> None:
        """Let the callers of the functions concerned go on."""
        for hold in self.holds:
            hold.release()
