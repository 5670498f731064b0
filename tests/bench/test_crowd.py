import pytest

from benchmarks.crowd import SIZES, Growth


@pytest.mark.parametrize(("each", "ratio"), [(0.0, 0.0), (0.001, 0.5), (0.002, 1.0)])
def test_growth_is_what_a_thousand_functions_add(each: float, ratio: float) -> None:
    grown = Growth(seconds={size: 2.0 + each * size for size in SIZES})
    assert grown.ratio == pytest.approx(ratio)
    assert grown.last == pytest.approx(2.0 + each * 1_000)
