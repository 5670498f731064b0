from collections import Counter

import pytest

from emulator.control.alias import Alias, check_routing, missing_version
from emulator.model import LambdaError


def alias(version: str = "1", **weights: float) -> Alias:
    shares = {name.removeprefix("v"): share for name, share in weights.items()}
    return Alias(name="live", version=version, weights=shares, revision_id="r")


@pytest.mark.parametrize(
    ("share", "chance", "version"),
    [
        (0.1, 0.0, "2"),
        (0.1, 0.0999, "2"),
        (0.1, 0.1, "1"),
        (0.1, 0.9999, "1"),
        (0.0, 0.0, "1"),
        (1.0, 0.9999, "2"),
    ],
)
def test_a_weight_is_the_share_of_the_other_version(
    share: float, chance: float, version: str
) -> None:
    assert alias(v2=share).routed(chance) == version


def test_evenly_spread_chances_lead_to_the_shares_themselves() -> None:
    routed = Counter(alias(v2=0.25).routed(number / 100) for number in range(100))
    assert routed == {"1": 75, "2": 25}


def test_an_alias_without_weights_has_one_version() -> None:
    assert {alias("7").routed(number / 10) for number in range(10)} == {"7"}


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (
            alias(v2=0.1, v3=0.1),
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ),
        (
            alias(v1=0.1),
            "Invalid function version 1. Function version 1 is already included in routing"
            " configuration.",
        ),
        (
            alias("$LATEST", v1=0.1),
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
    ],
)
def test_versions_that_cannot_share_an_alias_are_refused(made: Alias, text: str) -> None:
    with pytest.raises(LambdaError) as caught:
        check_routing(made)
    assert (caught.value.code, caught.value.message) == ("InvalidParameterValueException", text)


@pytest.mark.parametrize(
    ("made", "missing"),
    [(alias("$LATEST"), None), (alias(v2=0.5), None), (alias("3"), "3"), (alias(v3=0.0), "3")],
)
def test_both_versions_must_be_there(made: Alias, missing: str | None) -> None:
    assert missing_version(made, {"1", "2"}) == missing
