"""Facts of the request that runs on this thread, kept back until it has been answered."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from emulator.aws.facts import Fact, Requester

Listener = Callable[[Fact], None]


class FactBuffer:
    """Collects the facts of a request, and hands them to the listeners in one go.

    Any thread may call; each has its own buffer. Outside a request a fact is delivered at once.
    Listeners are called on the thread of the request, with no lock of moto held.
    """

    def __init__(self) -> None:
        self._here = threading.local()
        self._listeners: list[tuple[Listener, tuple[type[Fact], ...]]] = []

    def subscribe(self, listener: Listener, *kinds: type[Fact]) -> None:
        """Call `listener` with each fact of these kinds that a successful request told."""
        self._listeners.append((listener, kinds or (Fact,)))

    @property
    def requester(self) -> Requester | None:
        """Who is behind the request on this thread; None outside of one."""
        return getattr(self._here, "requester", None)

    @contextmanager
    def request(self, requester: Requester) -> Iterator[list[Fact]]:
        """Collect what is told on this thread, in the list that this yields."""
        before = self.requester, getattr(self._here, "facts", None)
        facts: list[Fact] = []
        self._here.requester, self._here.facts = requester, facts
        try:
            yield facts
        finally:
            self._here.requester, self._here.facts = before

    def tell(self, fact: Fact) -> None:
        """Add a fact to this thread's request."""
        facts: list[Fact] | None = getattr(self._here, "facts", None)
        if facts is None:
            self.deliver([fact])
        else:
            facts.append(fact)

    def tell_once(self, fact: Fact) -> None:
        """Add a fact, unless this thread's request has told the same already."""
        if fact not in (getattr(self._here, "facts", None) or ()):
            self.tell(fact)

    def flush(self) -> None:
        """Hand over what this thread's request has told so far, as it goes on for long."""
        facts: list[Fact] = getattr(self._here, "facts", None) or []
        told, facts[:] = list(facts), []
        self.deliver(told)

    def deliver(self, facts: list[Fact]) -> None:
        """Hand facts, oldest first, to whoever wants their kind."""
        for fact in facts:
            for listener, kinds in self._listeners:
                if isinstance(fact, kinds):
                    listener(fact)
