from dataclasses import replace

import pytest

from emulator.event_sources.sqs_pace import Pace
from emulator.model.mapping import EventSourceMapping

MAPPING = EventSourceMapping(
    uuid="u", account="0", region="r", source_arn="a:b:sqs", function_arn="f", batch_size=10
)


@pytest.mark.parametrize(
    ("options", "first", "most"),
    [
        ({}, 5, 1250),
        ({"maximum_concurrency": 2}, 2, 2),
        ({"maximum_concurrency": 7}, 5, 7),
        ({"minimum_pollers": 2, "maximum_pollers": 3}, 20, 30),
    ],
)
def test_how_many_batches_run_at_once(options: dict[str, int], first: int, most: int) -> None:
    pace = Pace(replace(MAPPING, **options))  # type: ignore[arg-type]  # all of them are integers
    assert pace.limit == first
    while pace.can_grow:
        before = pace.limit
        pace.grow()
        assert before < pace.limit <= before + 5
    assert pace.limit == most
    pace.rest()
    assert pace.limit == first


def test_a_refusal_leaves_what_runs_beside_it() -> None:
    pace = Pace(MAPPING)
    for running, left in ((4, 3), (3, 2), (1, 1), (1, 1)):
        pace.shrink(running)
        assert pace.limit == left
