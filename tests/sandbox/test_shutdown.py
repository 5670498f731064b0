"""How much time the shutdown phase gives to whom."""

import pytest

from emulator.sandbox.shutdown import budget


@pytest.mark.parametrize(
    ("are_registered", "are_external", "total_s", "runtime_s"),
    [
        (False, False, 0.0, 0.0),
        (False, True, 0.0, 0.0),  # none of those that were started has registered
        (True, False, 0.5, 0.5),
        (True, True, 2.0, 0.3),
    ],
)
def test_the_budget_depends_on_the_kinds_of_extensions(
    are_registered: bool, are_external: bool, total_s: float, runtime_s: float
) -> None:
    given = budget(are_registered=are_registered, are_external=are_external)
    assert (given.total_s, given.runtime_s) == (total_s, runtime_s)
