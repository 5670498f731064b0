from benchmarks import floor
from benchmarks.client import Connection
from benchmarks.streaming import BLOCK, connected, read_stream, stream_request


def test_the_floor_streams_as_much_as_is_asked_for() -> None:
    with floor.serving("benchmarks.streaming") as port:
        with connected(port) as connection:
            for blocks in (1, 3):
                first_s, whole_s, total = read_stream(connection, stream_request("f", blocks))
                assert first_s <= whole_s
                assert 0 < total - blocks * len(BLOCK) < 20 * (blocks * len(BLOCK) // 512 + 10)
        with Connection(port) as client:
            assert client.call(stream_request("f", 2)).body == BLOCK * 2
