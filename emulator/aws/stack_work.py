"""Changes of stacks on threads of their own, and how one that is no longer wanted ends."""

import threading
import uuid
from dataclasses import dataclass, field
from typing import Final

_here: Final = threading.local()  # `work`: what this thread was started for
_ATTRIBUTE: Final = "emulator_work"  # of moto's stack


class Abandoned(BaseException):
    """Nobody wants the change any more; passes by all that moto catches on its way."""


@dataclass(slots=True)
class StackWork:
    """One change of a stack. The lock of CloudFormation guards it, but for `is_abandoned`."""

    stack_id: str  # of the outermost one
    key: str = field(default_factory=lambda: str(uuid.uuid4()))  # as it is counted
    is_abandoned: bool = False
    has_ended: bool = False
    deletes_afterwards: bool = False
    # Set when it has ended, or waits for somebody and whoever asked for it need not.
    can_be_answered: threading.Event = field(default_factory=threading.Event)


def begin_on_this_thread(work: StackWork) -> None:
    """Say what this new thread is for."""
    _here.work = work


def work_of_this_thread() -> StackWork | None:
    """The change that this thread makes; None: it is no stack's."""
    return getattr(_here, "work", None)


def set_work(stack: object, work: StackWork) -> None:
    """Note the newest change of a stack of moto's."""
    setattr(stack, _ATTRIBUTE, work)


def work_under_way(stack: object) -> StackWork | None:
    """The change of a stack that has not ended; None: there is none."""
    work: StackWork | None = getattr(stack, _ATTRIBUTE, None)
    return None if work is None or work.has_ended else work
