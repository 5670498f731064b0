"""Loops, as the trace header tells them."""

import pytest

from emulator.invoke.identity import trace_header
from emulator.invoke.recursion import LIMIT, advanced, invocations, longest

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
ORDERS = "arn:aws:lambda:us-east-1:000000000000:function:orders"
RESIZE = "arn:aws:lambda:us-east-1:000000000000:function:resize"


def chain(*functions: str) -> str:
    header = TRACE
    for function in functions:
        header = advanced(header, function)
    return header


def test_a_new_chain_counts_one() -> None:
    header = chain(ORDERS)
    assert header.startswith(f"{TRACE};Lineage=")
    assert invocations(header, ORDERS) == 1
    assert invocations(header, RESIZE) == 0


def test_each_function_of_a_chain_has_its_own_count() -> None:
    header = chain(ORDERS, RESIZE, ORDERS, RESIZE, ORDERS)
    assert (invocations(header, ORDERS), invocations(header, RESIZE)) == (3, 2)
    assert header.count("Lineage=") == 1


@pytest.mark.parametrize("separator", ["|", "%7C", "%7c"])
def test_a_header_survives_what_sdks_make_of_it(separator: str) -> None:
    header = trace_header(chain(ORDERS, RESIZE, ORDERS).replace("|", separator), 0.0)
    assert (invocations(header, ORDERS), invocations(header, RESIZE)) == (2, 1)
    assert invocations(advanced(header, ORDERS), ORDERS) == 3


@pytest.mark.parametrize("lineage", ["nonsense", "a87bd80c:x", "1:24d08bfc:0", "||"])
def test_a_lineage_that_is_not_ours_counts_nothing(lineage: str) -> None:
    header = f"{TRACE};Lineage={lineage}"
    assert invocations(header, ORDERS) == 0
    assert invocations(advanced(header, ORDERS), ORDERS) == 1


def test_what_stands_behind_the_lineage_stays() -> None:
    header = advanced(f"{chain(ORDERS)};Self=1-2", ORDERS)
    assert header.endswith(";Self=1-2")
    assert invocations(header, ORDERS) == 2


def test_no_header_is_no_chain() -> None:
    assert invocations(None, ORDERS) == 0


def test_a_batch_is_as_far_as_the_message_that_went_round_most_often() -> None:
    far = chain(*[ORDERS] * LIMIT)
    assert longest([None, chain(ORDERS), far, chain(RESIZE)], ORDERS) == far
    assert longest([None], ORDERS) is None
    assert longest([], ORDERS) is None
