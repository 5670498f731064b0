"""Whether a JetStream consumer has messages for us that we have not received yet."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backlog:
    """Counts in the consumer's own numbers: each delivery, a repeated one too, has the next one.

    So the consumer is behind us while the number of the last delivery is below the one that the
    newest message it holds for us will get.
    """

    received: int = 0
    expected: int = 0

    @classmethod
    def at(cls, delivered: int) -> "Backlog":
        """Of a consumer that has delivered so many, to whomever."""
        return cls(delivered, delivered)

    @property
    def is_behind(self) -> bool:
        """More is to come now."""
        return self.received < self.expected

    def on_info(self, delivered: int, pending: int) -> None:
        """The server says how many it has delivered, and how many it has yet to deliver."""
        self.expected = max(self.expected, delivered + pending)

    def on_delivery(self, number: int, pending: int) -> None:
        """A message came; behind it stand so many."""
        self.received = max(self.received, number)
        self.expected = max(self.expected, number + pending)

    def on_returned(self) -> None:
        """We gave a message back: it comes once more."""
        self.expected += 1

    def forget(self) -> None:
        """Nothing more comes now: the server is gone, or gave the messages to somebody else."""
        self.received = self.expected
