from pathlib import Path

from emulator.event_sources.stream_positions import Position, Positions
from emulator.storage import Documents


def test_positions_outlive_the_process_but_not_their_stream_or_mapping(tmp_path: Path) -> None:
    file = tmp_path / "documents"
    documents = Documents(file)
    mine = Positions(documents, "kinesis").of("u")
    mine.begin("first")
    mine.save("shard-0", "first", Position(after=2**185))
    mine.save("shard-1", "first", Position(after=5, is_done=True))
    Positions(documents, "dynamodb").of("u").begin("other service")
    documents.close()

    documents = Documents(file)
    positions = Positions(documents, "kinesis")
    again = positions.of("u")
    assert again.identity == "first"
    assert again.get("shard-0") == Position(after=2**185)
    assert again.get("shard-1") == Position(after=5, is_done=True)
    assert again.get("shard-2") is None
    again.begin("second")
    assert again.get("shard-0") is None
    again.save("shard-0", "first", Position(after=9))  # a batch of the stream before
    assert again.get("shard-0") is None
    again.save("shard-0", "second", Position(after=9))
    again.save("shard-0", "second", Position(after=8))  # the later of two came first
    assert again.get("shard-0") == Position(after=9)
    positions.forget("u")
    again.save("shard-0", "second", Position(after=10))
    assert positions.of("u").identity is None
    assert documents.all("kinesis position") == {}
    documents.close()
