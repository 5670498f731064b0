"""How many events of one function run at once while its queue is long."""

from typing import Final

FIRST_RUNNERS: Final = 4
MOST_RUNNERS: Final = 1_000
LOOK_S: Final = 0.02  # between two looks at a queue that has events waiting
ENOUGH_PER_LOOK: Final = 20  # a thousand events a second

# Looks without a finished event before the queue gets more runners, by whether the machine had
# processor time to spare (None: it does not tell).
_PATIENCE: Final = {True: 0, None: 1, False: 50}


def allowed_runners(
    allowed: int,
    *,
    waiting: int,
    finished: int,
    stalled_looks: int,
    has_spare_processors: bool | None,
) -> int:
    """Runners that a queue may have from this look to the next: as many as before, or twice.

    waiting: events without a runner. finished: events done since the last look. stalled_looks:
    looks in a row without a finished event, this one included.

    Every further runner costs an execution environment, so it must be worth one. Functions that
    wait leave processors idle: double at each look. Functions that compute, or still start, do
    not: more of them would only make all of them slower, so double only after a second in which
    not one event got done, for the processors may be busy with something else. A queue that
    already does a thousand events a second is held up by us and not by too few environments.
    """
    if waiting == 0 or finished >= ENOUGH_PER_LOOK:
        return allowed
    if stalled_looks < _PATIENCE[has_spare_processors]:
        return allowed
    return min(2 * allowed, MOST_RUNNERS)
