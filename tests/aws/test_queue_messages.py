"""The messages of a queue, against a list that is searched from its beginning."""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from emulator.aws.queue_messages import QueueMessages

HIDDEN_MS = 30.0
RETENTION_MS = 1_000.0


@dataclass(eq=False)
class Message:
    name: int
    sent_timestamp: float
    delayed_until: float = 0.0
    group_id: str | None = None
    deduplication_id: str | None = None
    receipt_handle: str | None = None
    old: list[str | None] = field(default_factory=list)
    receives: int = 0
    visible_at: float = 0.0  # of the list only

    @property
    def all_receipt_handles(self) -> list[str | None]:
        return [self.receipt_handle, *self.old]

    def hide(self, until_ms: float) -> float:
        self.old.append(self.receipt_handle)
        self.receives += 1
        self.receipt_handle = f"{self.name}.{self.receives}"
        self.visible_at = until_ms
        return until_ms


class Model:
    """What a queue does, as simply as it can be said."""

    def __init__(self, is_fifo: bool) -> None:
        self.is_fifo = is_fifo
        self.messages: list[Message] = []

    def receivable(self, now_ms: float) -> list[Message]:
        self.messages = [m for m in self.messages if m.sent_timestamp > now_ms - RETENTION_MS]
        ready = [m for m in self.messages if max(m.visible_at, m.delayed_until) <= now_ms]
        if not self.is_fifo:
            return ready
        blocked = {m.group_id for m in self.messages if m.visible_at > now_ms}
        heads: dict[Any, Message] = {}
        for message in self.messages:
            heads.setdefault(message.group_id, message)
        blocked |= {group for group, head in heads.items() if head not in ready}
        return [m for m in ready if m.group_id not in blocked]


def is_spent(message: Message) -> bool:
    return message.receives >= 3


class Trial:
    """A queue and its model, done the same things to by chance."""

    def __init__(self, is_fifo: bool, seed: int) -> None:
        self.is_fifo = is_fifo
        self.chance = random.Random(seed)
        self.queue, self.model = QueueMessages(is_fifo, lambda: RETENTION_MS), Model(is_fifo)
        self.now = 10_000.0
        self.handles: list[str] = []
        self.sent = 0

    def send(self) -> None:
        self.sent += 1
        delay = 0.0 if self.is_fifo else self.chance.choice([0.0, 0.0, 20.0])
        group = self.chance.choice("abc")
        message = Message(self.sent, self.now, self.now + delay if delay else 0.0, group)
        self.queue.add(message, self.now)
        self.model.messages.append(message)

    def receive(self) -> None:
        expected = self.model.receivable(self.now)
        most = self.chance.randint(1, 4)
        received, spent = self.queue.receive(
            most, self.now, lambda m: m.hide(self.now + HIDDEN_MS), is_spent
        )
        for each in spent:
            self.model.messages.remove(each)
        if self.is_fifo:
            check_groups(expected, received, spent, most)
        else:
            assert received == [each for each in expected if each not in spent][:most]
        self.handles.extend(each.receipt_handle for each in received)

    def delete(self) -> None:
        if (handle := self.handle()) and self.queue.is_known(handle):
            self.model.messages.remove(self.queue.delete(handle))

    def hide(self) -> None:
        if (handle := self.handle()) and self.queue.is_known(handle):
            due = self.now + self.chance.choice([0.0, 5.0, 50.0])
            self.queue.message_of(handle).visible_at = due
            self.queue.hide_until(handle, due, self.now)

    def handle(self) -> str | None:
        return self.chance.choice(self.handles) if self.handles else None


@pytest.mark.parametrize("is_fifo", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_it_does_what_a_simple_list_would(is_fifo: bool, seed: int) -> None:
    trial = Trial(is_fifo, seed)
    actions = [trial.send, trial.send, trial.receive, trial.delete, trial.hide]
    for _ in range(300):
        trial.now += trial.chance.choice([0, 0, 1, 7, HIDDEN_MS])
        trial.chance.choice(actions)()
        check_counts(trial.queue, trial.model, trial.now)
    assert trial.handles


def check_groups(
    expected: list[Message], received: list[Message], spent: list[Message], most: int
) -> None:
    """Of each group the first ones, and none is left out while there is room."""
    taken = [each for each in expected if each in received or each in spent]
    for group in {each.group_id for each in taken}:
        of_group = [each for each in expected if each.group_id == group]
        assert [each for each in taken if each.group_id == group] == of_group[
            : len([each for each in taken if each.group_id == group])
        ]
    if expected:
        assert taken
    assert len(received) <= most


def check_counts(queue: QueueMessages, model: Model, now: float) -> None:
    model.receivable(now)  # drops what is too old
    hidden = [m for m in model.messages if m.visible_at > now]
    delayed = [m for m in model.messages if m.delayed_until > now and m not in hidden]
    ready = [m for m in model.messages if m not in hidden and m not in delayed]
    assert queue.counts(now) == (len(ready), len(delayed), len(hidden))
    assert queue.ready(now) == ready
    due = [max(m.visible_at, m.delayed_until) for m in (*hidden, *delayed)]
    found = queue.next_due_ms(now)
    assert found == (min(due) if due else None)


def test_a_fifo_queue_knows_a_message_again_for_five_minutes() -> None:
    queue = QueueMessages(True, lambda: 1e9)
    first = Message(1, 0.0, group_id="a", deduplication_id="d")
    assert not queue.is_repeated(first, "")
    queue.add(first, 0.0)
    first.hide(1.0)
    again = Message(2, 299_999.0, group_id="b", deduplication_id="d")
    assert queue.is_repeated(again, "")
    assert not queue.is_repeated(again, "b")  # where groups are told apart
    assert not queue.is_repeated(Message(3, 300_000.0, deduplication_id="d"), "")


class Held:
    """A queue whose one message a function has; each clock moves by itself."""

    def __init__(self) -> None:
        self.machine_s = 50.0
        self.queue = QueueMessages(False, lambda: 1e9, lambda: self.machine_s)
        self.queue.add(Message(1, 0.0), 0.0)
        self.message = self.take(0.0, held_s=0.030)

    def take(self, now_ms: float, held_s: float = 0.0) -> Message | None:
        found, _ = self.queue.receive(
            1, now_ms, lambda m: m.hide(now_ms + HIDDEN_MS), lambda m: False, held_s
        )
        return found[0] if found else None

    @property
    def handle(self) -> str:
        assert self.message is not None
        assert self.message.receipt_handle is not None
        return self.message.receipt_handle


def test_a_held_message_is_hidden_however_far_the_clock_is_moved() -> None:
    held = Held()
    assert held.take(1e6) is None
    assert held.queue.counts(1e6) == (0, 0, 1)
    held.machine_s += 0.010
    assert held.queue.next_due_ms(2e6) == pytest.approx(2e6 + 20)


def test_a_held_message_is_back_when_it_would_be_had_nobody_moved_the_clock() -> None:
    held = Held()
    held.machine_s += HIDDEN_MS / 1000 + 0.001
    assert held.take(HIDDEN_MS - 1) is None
    assert held.take(HIDDEN_MS) is held.message


@pytest.mark.parametrize(("now_ms", "is_due"), [(29.0, False), (30.0, True), (1e6, True)])
def test_a_message_that_is_let_go_is_back_when_it_is_due(now_ms: float, is_due: bool) -> None:
    held = Held()
    assert held.take(now_ms) is None
    assert held.queue.let_go(held.handle, now_ms) is is_due
    if is_due:
        held.queue.hide_until(held.handle, now_ms, now_ms)
    assert (held.take(now_ms) is held.message) is is_due
    assert (held.take(HIDDEN_MS) is held.message) is not is_due


def test_who_changes_how_long_a_message_is_hidden_changes_how_long_it_is_held() -> None:
    held = Held()
    held.queue.hide_until(held.handle, 5.0, 0.0)
    assert held.take(1e6) is None
    held.machine_s += 0.006
    assert held.take(1e6 + 6) is held.message


def test_a_message_is_let_go_by_who_has_it_now_only() -> None:
    held = Held()
    first = held.handle
    held.machine_s += 1
    held.take(HIDDEN_MS, held_s=0.030)
    assert not held.queue.let_go(first, 1e6)
    assert held.take(1e6) is None


def test_what_is_over_takes_no_room() -> None:
    queue = QueueMessages(False, lambda: 1e9)
    for number in range(1_000):
        queue.add(Message(number, 0.0), 0.0)
        (received,), _ = queue.receive(1, 0.0, lambda m: m.hide(1e6), lambda m: False)
        queue.delete(received.receipt_handle)
    assert len(queue._waiting) < 100
    assert queue._places == {}
    assert queue._by_handle == {}
