"""What happened to a queue of SQS."""

from dataclasses import dataclass

from emulator.aws.facts import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueFact(Fact):
    """There may be something to receive now, or at another time than before.

    A message was sent, given back or received, a group may go on, the queue was made or deleted.
    """

    queue_arn: str
