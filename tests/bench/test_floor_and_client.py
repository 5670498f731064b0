import json
from collections.abc import Iterator

import pytest

from benchmarks import floor
from benchmarks.client import Connection, burst, invoke, rate
from benchmarks.report import Figure, as_json, row


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with floor.serving() as port:
        yield port


@pytest.mark.parametrize("size", [0, 1_000, 5_000_000])
def test_the_floor_answers_with_the_event(port: int, size: int) -> None:
    event = {"text": "x" * size}
    with Connection(port) as connection:
        assert connection.call(invoke("f", json.dumps(event).encode())).json() == event


def test_clients_share_a_number_of_requests(port: int) -> None:
    assert burst(port, [invoke("f")] * 50, clients=8) > 0


def test_a_rate_counts_answers_of_all_clients(port: int) -> None:
    assert rate(port, invoke("f"), clients=2, seconds=0.2) > 10


@pytest.mark.parametrize(
    ("value", "limit", "higher_is_better", "passes", "mark"),
    [
        (3.0, 3.5, False, True, "ok"),
        (4.0, 3.5, False, False, "MISSED"),
        (4.0, 3.5, True, True, "ok"),
        (4.0, None, False, None, ""),
        (None, 3.5, False, None, ""),
    ],
)
def test_a_figure_is_judged_by_its_aim(
    value: float | None, limit: float | None, higher_is_better: bool, passes: bool | None, mark: str
) -> None:
    figure = Figure(
        name="f", value=value, unit="ms", limit=limit, higher_is_better=higher_is_better
    )
    assert row(figure).split("|")[-2].strip() == mark
    assert as_json([figure])["figures"][0]["passes"] is passes
