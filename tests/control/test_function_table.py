import random
from typing import Any

from emulator.control.function_table import FunctionTable

KEYS = [
    (account, region, name)
    for account in ("000000000000", "111111111111")
    for region in ("us-east-1", "eu-west-1")
    for name in ("a", "a-b", "a_b", "ab", "b", "B", "c1", "c10", "c2")
]


def test_whatever_is_added_and_removed_stays_in_the_order_of_names() -> None:
    choice = random.Random(5)
    table, plain = FunctionTable(), dict[Any, Any]()
    for number in range(2_000):
        key = choice.choice(KEYS)
        if choice.random() < 0.5:
            table.pop(key, None)
            plain.pop(key, None)
        else:
            table[key] = plain[key] = number  # type: ignore[assignment]  # any value will do
        account, region, start = choice.choice(KEYS)
        most = choice.choice([None, 0, 1, 3])
        here = sorted(key for key in plain if key[:2] == (account, region) and key[2] >= start)
        shown: list[Any] = table.in_order(account, region, start=start, most=most)
        assert shown == [plain[key] for key in here][:most]
    table.clear()
    assert [table.in_order(*key[:2]) for key in KEYS] == [[]] * len(KEYS)


def test_a_region_without_functions_has_none() -> None:
    assert FunctionTable().in_order("000000000000", "us-east-1") == []
