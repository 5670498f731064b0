"""Random lives of a lane against a small model of the rules in spec/event-source-mappings.md."""

import random
from dataclasses import dataclass, field, replace
from typing import Any

from emulator.event_sources.stream_lane import GiveUp, Invoke, Lane, Moment, Wait
from emulator.event_sources.stream_rules import Outcome, count_done
from emulator.model.mapping import EventSourceMapping
from tests.event_sources.stream_lab import MAPPING, entry, numbers

RETENTION_S = 86_400.0
SEQUENCES = 150
STEPS = 60


@dataclass
class Tried:
    """A batch that is to be tried again."""

    numbers: list[int]
    attempts: int = 0
    throttles: int = 0
    due: float = 0.0


@dataclass
class Model:
    """The rules, written down as plainly as they can be."""

    arrived: dict[int, float] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    again: list[Tried] = field(default_factory=list)
    running: Tried | None = None
    exhausted: Tried | None = None

    def decide(self, options: EventSourceMapping, now: float) -> tuple[Any, ...] | None:
        if self.exhausted:
            given_up, self.exhausted = self.exhausted, None
            return ("RetryAttemptsExhausted", given_up.numbers, given_up.attempts)
        age = options.maximum_record_age_s
        limit = RETENTION_S if age == -1 else min(age, RETENTION_S)
        head = self.again[0].numbers if self.again else self.waiting[: options.batch_size]
        old = [number for number in head if now - self.arrived[number] > limit]
        if old:
            attempts = self.again[0].attempts if self.again else 0
            del head[: len(old)]
            if self.again and not head:
                self.again.pop(0)
            self.waiting = [number for number in self.waiting if number not in old]
            return ("RecordAgeExceeded", old, max(attempts, 1))
        if self.again:
            if now < self.again[0].due:
                return None
            self.running = self.again.pop(0)
        else:
            size = options.batch_size
            is_due = bool(self.waiting) and now >= self.arrived[self.waiting[0]] + options.window_s
            if not self.waiting or (len(self.waiting) < size and not is_due):
                return None
            self.running = Tried(self.waiting[:size])
            del self.waiting[:size]
        return ("invoke", list(self.running.numbers))

    def finish(self, kind: str, place: int, options: EventSourceMapping, now: float) -> None:
        assert self.running is not None
        batch, self.running = self.running, None
        if kind == "throttle":
            batch.throttles += 1
            self._try_later(batch, now)
        elif kind == "partial" and place > 0:
            self.again.insert(0, Tried(batch.numbers[place:], due=now))
        elif kind == "error" and options.bisects_batch and len(batch.numbers) > 1:
            middle = len(batch.numbers) // 2
            halves = batch.numbers[:middle], batch.numbers[middle:]
            self.again[:0] = [Tried(half, batch.attempts, due=now) for half in halves]
        elif kind != "ok":
            batch.attempts += 1
            if options.maximum_retries != -1 and batch.attempts > options.maximum_retries:
                self.exhausted = batch
            else:
                self._try_later(batch, now)

    def _try_later(self, batch: Tried, now: float) -> None:
        batch.due = now + min(0.25 * 2 ** (batch.attempts + batch.throttles - 1), 60)
        self.again.insert(0, batch)


class Life:
    """A lane and the model side by side."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.options = self.any_options()
        self.lane = Lane(RETENTION_S)
        self.model = Model()
        self.now = 1_000_000.0
        self.count = 0
        self.fates: list[int] = []  # in the order in which records were done with
        self.due: float | None = None

    def any_options(self) -> EventSourceMapping:
        choose = self.random.choice
        return replace(
            MAPPING,
            batch_size=choose([1, 2, 5, 10]),
            window_s=choose([0, 0, 5]),
            maximum_retries=choose([-1, 0, 1, 3]),
            maximum_record_age_s=choose([-1, -1, 60, 120]),
            bisects_batch=choose([False, True]),
        )

    @property
    def moment(self) -> Moment:
        return Moment(monotonic_s=self.now, now_s=self.now)

    def step(self) -> None:
        self.random.choice([self.append, self.move, self.ring, self.update, self.answer])()
        self.compare()

    def append(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            self.count += 1
            self.lane.offer(entry(self.count, arrived_at=self.now), self.moment)
            self.model.arrived[self.count] = self.now
            self.model.waiting.append(self.count)

    def move(self) -> None:
        self.now += self.random.choice([0.25, 0.5, 1, 5, 60.25])

    def ring(self) -> None:
        """Go to the time for which the lane asked."""
        if self.due is not None:
            self.now = max(self.due, self.now)

    def update(self) -> None:
        self.options = self.any_options()

    def answer(self) -> None:
        batch = self.model.running
        if batch is not None:
            kind = self.random.choice(["ok", "ok", "error", "throttle", "partial"])
            self.give(kind, self.random.randrange(len(batch.numbers)), batch.numbers)

    def give(self, kind: str, place: int, given: list[int]) -> None:
        outcomes = {
            "ok": Outcome(done=len(given), is_success=True),
            "error": Outcome(done=0, is_success=False, function_error="Unhandled"),
            "throttle": Outcome(done=0, is_success=False, has_run=False),
            "partial": Outcome(done=place, is_success=False, names_failure=True),
        }
        done = outcomes[kind].done
        self.fates += given[:done]
        self.lane.finish(outcomes[kind], self.options, self.moment)
        self.model.finish(kind, place, self.options, self.now)

    def compare(self) -> None:
        while not self.lane.is_busy:
            action = self.lane.decide(self.options, self.moment)
            assert self.described(action) == self.model.decide(self.options, self.now)
            if isinstance(action, Wait):
                self.due = action.due_s
                self.check_due()
                return
            if isinstance(action, GiveUp):
                self.fates += numbers(action.batch)
                self.lane.told()

    def check_due(self) -> None:
        """The lane must ask again when its oldest record becomes too old, or before."""
        left = [number for batch in self.model.again for number in batch.numbers]
        left += self.model.waiting
        assert (self.due is None) == (not left)
        if self.due is not None:
            age = self.options.maximum_record_age_s
            limit = RETENTION_S if age == -1 else age
            assert self.due <= self.model.arrived[left[0]] + limit + 0.002

    def described(self, action: Invoke | GiveUp | Wait) -> tuple[Any, ...] | None:
        if isinstance(action, Wait):
            return None
        if isinstance(action, Invoke):
            return ("invoke", numbers(action.batch))
        attempts = max(action.batch.attempts, 1)
        assert (action.outcome is None) == (action.condition == "RecordAgeExceeded")
        return (action.condition, numbers(action.batch), attempts)

    def drain(self) -> None:
        """Let everything succeed from now on; the lane's own due times must suffice."""
        for _ in range(1_000):
            if self.model.running is not None:
                self.give("ok", 0, self.model.running.numbers)
            self.ring()
            self.compare()
            if self.lane.is_empty:
                return
        raise AssertionError("the lane does not come to rest")


def test_a_lane_does_what_the_rules_say() -> None:
    start = random.randrange(10**9)
    for seed in range(start, start + SEQUENCES):
        life = Life(seed)
        try:
            for _ in range(STEPS):
                life.step()
            life.drain()
            # Each record is done with exactly once, and in order.
            assert life.fates == list(range(1, life.count + 1))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_the_pause_of_a_batch_that_became_too_old_is_not_that_of_the_next() -> None:
    options = replace(MAPPING, bisects_batch=True, maximum_record_age_s=60)
    lane = Lane(RETENTION_S)
    lane.offer(entry(1, arrived_at=0.0), Moment(monotonic_s=0.0, now_s=0.0))
    lane.offer(entry(2, arrived_at=59.0), Moment(monotonic_s=59.0, now_s=59.0))
    moment = Moment(monotonic_s=59.0, now_s=59.0)
    for expected, has_run in (([1, 2], True), ([1], False)):
        action = lane.decide(options, moment)
        assert isinstance(action, Invoke)
        assert numbers(action.batch) == expected
        lane.finish(Outcome(done=0, is_success=False, has_run=has_run), options, moment)
    for _ in range(3):
        moment = replace(moment, monotonic_s=moment.monotonic_s + 0.5)
        action = lane.decide(options, moment)
        if isinstance(action, Invoke):
            lane.finish(Outcome(done=0, is_success=False, has_run=False), options, moment)
    late = Moment(monotonic_s=moment.monotonic_s, now_s=61.0)  # the second try is far away
    action = lane.decide(options, late)
    assert isinstance(action, GiveUp)
    lane.told()
    action = lane.decide(options, late)
    assert isinstance(action, Invoke)
    assert numbers(action.batch) == [2]


def test_a_batch_is_given_up_when_it_becomes_too_old_and_not_at_its_next_attempt() -> None:
    options = replace(MAPPING, maximum_record_age_s=60)
    lane = Lane(RETENTION_S)
    now = 0.0
    lane.offer(entry(1, arrived_at=now), Moment(monotonic_s=now, now_s=now))
    attempts = 0
    while isinstance(
        action := lane.decide(options, Moment(monotonic_s=now, now_s=now)), Invoke | Wait
    ):
        if isinstance(action, Invoke):
            attempts += 1
            failed = Outcome(done=0, is_success=False)
            lane.finish(failed, options, Moment(monotonic_s=now, now_s=now))
        else:
            assert action.due_s is not None
            now = action.due_s
    assert attempts == 8
    assert 60 < now < 60.1
    assert action.batch.attempts == 8


class Windows:
    """A function that counts the records of each tumbling window in its state."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        size = self.random.choice([1, 3, 10])
        self.options = replace(MAPPING, tumbling_window_s=30, batch_size=size)
        self.lane = Lane(RETENTION_S)
        self.now = 1_000_000.0
        self.count = 0
        self.expected: dict[float, int] = {}  # by the start of the window
        self.final: dict[float, int] = {}

    def append(self) -> None:
        for _ in range(self.random.randint(0, 4)):
            self.count += 1
            self.lane.offer(entry(self.count, arrived_at=self.now), self.moment)
            start = self.now // 30 * 30
            self.expected[start] = self.expected.get(start, 0) + 1

    @property
    def moment(self) -> Moment:
        return Moment(monotonic_s=self.now, now_s=self.now)

    def work(self) -> float | None:
        """Do all that is due, with failures; return when to look again."""
        while isinstance(action := self.lane.decide(self.options, self.moment), Invoke):
            fails = self.random.random() < 0.3
            outcome = Outcome(done=0, is_success=False) if fails else self.counted(action)
            self.lane.finish(outcome, self.options, self.moment)
        assert isinstance(action, Wait)
        return action.due_s

    def counted(self, action: Invoke) -> Outcome:
        batch, window = action.batch, action.batch.window
        assert window is not None
        assert action.state is not None
        count = action.state.get("n", 0) + len(batch.entries)
        if not batch.entries:
            assert window.start not in self.final, "a window ended twice"
            assert self.now >= window.end - 0.001
            self.final[window.start] = count
        arrivals = [one.record.arrived_at for one in batch.entries]
        assert all(window.start <= at < window.end for at in arrivals)
        return Outcome(done=len(batch.entries), is_success=True, state={"n": count})


def test_a_tumbling_window_counts_every_record_once() -> None:
    start = random.randrange(10**9)
    for seed in range(start, start + SEQUENCES):
        windows = Windows(seed)
        for _ in range(STEPS):
            windows.append()
            windows.work()
            windows.now += windows.random.choice([0.25, 1, 7, 40])
        while (due := windows.work()) is not None:
            windows.now = max(windows.now, due)
        assert windows.final == windows.expected, f"seed {seed}"
        assert windows.lane.is_empty


def test_any_response_is_understood_or_refused_without_an_accident() -> None:
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    pieces = ["{", "}", "[", "]", '"', ":", ",", "batchItemFailures", "itemIdentifier", "1", "null"]
    for _ in range(2_000):
        text = "".join(chance.choices(pieces, k=chance.randint(0, 12)))
        assert count_done(text.encode(), [1, 2, 3]) in {None, 0, 1, 2, 3}, (seed, text)
