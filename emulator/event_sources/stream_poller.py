"""Reads a stream for one event source mapping: a reader for each shard, parents before children."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from typing_extensions import override

from emulator.aws import StreamDescription, StreamShard
from emulator.event_sources.poller import Poller
from emulator.event_sources.shard_reader import ShardReader
from emulator.event_sources.stream_delivery import StreamDelivery, StreamWork
from emulator.event_sources.stream_positions import MappingPositions, Position
from emulator.model.mapping import EventSourceMapping

_MISSING: Final = "PROBLEM: Stream not found"


class StreamPoller(Poller):
    """Keeps a reader for each shard whose records are not all done.

    Any thread may call. `_looking` lets one look at the stream follow the other, and is held while
    the stream is described; `_lock` guards the table of readers.
    """

    def __init__(
        self,
        work: StreamWork,
        mapping: EventSourceMapping,
        positions: MappingPositions,
        predecessor: "StreamPoller | None",
    ) -> None:
        """predecessor: read for the same mapping; what it still runs comes first."""
        self._work = work
        self._mapping = mapping
        self._positions = positions
        self._predecessor = predecessor
        self.stream_arn = stream_arn_of(mapping)
        self._looking = threading.Lock()
        self._lock = threading.Lock()
        self._readers: dict[str, ShardReader] = {}
        self._last_result: str | None = None
        self._is_missing = False
        self._saw_nothing = False  # when it began: whatever comes is newer than the mapping
        self._is_stopped = False
        self._on_rest: Callable[[], None] | None = None

    def begin(self) -> None:
        """Find the stream, and the place to start at; all that comes afterwards is read."""
        if self._work.reader.when_loaded(partial(self.look_later, is_first=True)):
            self._saw_nothing = True  # the service is not even there
        else:
            self._look(is_first=True)

    @property
    @override
    def last_result(self) -> str | None:
        """`LastProcessingResult` as the API shows it; None: it has processed nothing."""
        return _MISSING if self._is_missing else self._last_result

    @property
    def is_running(self) -> bool:
        """True while a batch is with the function."""
        return any(reader.is_running for reader in list(self._readers.values()))

    def wake(self, shard_id: str) -> None:
        """There are new records in a shard."""
        reader = self._readers.get(shard_id)
        if reader is not None:
            reader.wake()

    def look_later(self, *, is_first: bool = False) -> None:
        """Look at the stream on a thread of its own: it has changed."""
        self._work.start(partial(self._look, is_first=is_first), self.look_later)

    @override
    def update(self, mapping: EventSourceMapping) -> None:
        """Go on with other options; a batch that runs ends with those it began with."""
        with self._lock:
            self._mapping = mapping
            readers = list(self._readers.values())
        for reader in readers:
            reader.update(mapping)

    @override
    def stop(self, grace_s: float) -> None:
        """Begin no further batch; wait up to `grace_s` for those that run."""
        with self._lock:
            self._is_stopped = True
            readers = list(self._readers.values())
        for reader in readers:
            reader.stop(grace_s)

    def call_at_rest(self, listener: Callable[[], None]) -> None:
        """Call `listener` when nothing runs any more; for a stopped poller."""
        self._on_rest = listener
        if not self.is_running:
            listener()

    def _look(self, *, is_first: bool = False) -> None:
        """Begin, close and end readers as the stream is now."""
        with self._looking:
            if self._is_stopped or self._waits_for_predecessor():
                return
            stream = self._work.reader.describe(self.stream_arn)
            self._is_missing = stream is None
            if stream is None or stream.identity != self._positions.identity:
                self._end_readers()
            if stream is None:
                self._saw_nothing = self._saw_nothing or is_first
                return
            if stream.identity != self._positions.identity:
                self._begin_stream(stream)
            for shard in stream.shards:
                self._adjust(shard, stream)

    def _waits_for_predecessor(self) -> bool:
        """Whether an earlier poller still runs a batch; forgets those that do not."""
        predecessor = self._predecessor
        while predecessor is not None and not predecessor.is_running:
            predecessor = predecessor._predecessor  # it may have begun nothing for the same reason
        self._predecessor = predecessor
        if predecessor is None:
            return False
        predecessor.call_at_rest(self.look_later)
        return True

    def _begin_stream(self, stream: StreamDescription) -> None:
        """Say where to begin; shards that are not there yet are read from their beginning."""
        is_newer = self._saw_nothing or self._positions.identity is not None
        self._positions.begin(stream.identity)
        for shard in stream.shards:
            after = 0 if is_newer else self._start_after(shard)
            position = Position(after=after, is_done=self._is_past(shard, is_newer))
            self._positions.save(shard.id, stream.identity, position)

    def _start_after(self, shard: StreamShard) -> int:
        mapping = self._mapping
        if mapping.starting_position == "LATEST":
            return self._work.reader.last_number(self.stream_arn, shard.id)
        if mapping.starting_position == "AT_TIMESTAMP":
            return self._work.reader.last_number(self.stream_arn, shard.id, mapping.starting_at)
        return 0

    def _is_past(self, shard: StreamShard, is_newer: bool) -> bool:
        return shard.is_closed and not is_newer and self._mapping.starting_position == "LATEST"

    def _adjust(self, shard: StreamShard, stream: StreamDescription) -> None:
        position = self._positions.get(shard.id) or Position(after=0)
        if position.is_done:
            with self._lock:
                self._readers.pop(shard.id, None)
            return
        with self._lock:
            reader = self._readers.get(shard.id)
            if reader is None and not self._is_stopped and self._is_ready(shard, stream):
                reader = self._readers[shard.id] = self._make_reader(shard, stream, position)
        if reader is not None:
            if shard.is_closed:
                reader.close()
            reader.wake()

    def _is_ready(self, shard: StreamShard, stream: StreamDescription) -> bool:
        """True when everything is done that was split or merged into this shard."""
        there = {one.id for one in stream.shards}
        parents = [self._positions.get(parent) for parent in shard.parents if parent in there]
        return all(parent is not None and parent.is_done for parent in parents)

    def _make_reader(
        self, shard: StreamShard, stream: StreamDescription, position: Position
    ) -> ShardReader:
        return ShardReader(
            self._work,
            self._mapping,
            StreamDelivery(self._work, self.stream_arn, shard.id, self._note_result),
            retention_s=stream.retention_s,
            position=position,
            save=partial(self._save, shard.id, stream.identity),
            on_rest=self._reader_rests,
        )

    def _note_result(self, result: str) -> None:
        self._last_result = result

    def _save(self, shard_id: str, identity: str, position: Position) -> None:
        self._positions.save(shard_id, identity, position)

    def _reader_rests(self) -> None:
        """A shard is done, and its children wait for that; or a stopped poller runs no more."""
        if not self._is_stopped:
            self.look_later()
        elif self._on_rest is not None and not self.is_running:
            self._on_rest()

    def _end_readers(self) -> None:
        with self._lock:
            readers = list(self._readers.values())
            self._readers.clear()
        for reader in readers:
            reader.stop()


def stream_arn_of(mapping: EventSourceMapping) -> str:
    """ARN of the stream, also where the mapping names one of its consumers."""
    return mapping.source_arn.partition("/consumer/")[0]
