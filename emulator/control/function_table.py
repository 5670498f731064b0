"""Functions by account, region and name; those of one region are kept in the order of names."""

from bisect import bisect_left, insort
from collections import UserDict

from typing_extensions import override

from emulator.control.function import Function
from emulator.control.kept_functions import FunctionKey


class FunctionTable(UserDict[FunctionKey, Function]):
    """A dict that need not sort 1,000 functions to show the next 50. Touched under one lock."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[tuple[str, str], list[str]] = {}

    @override
    def __setitem__(self, key: FunctionKey, item: Function) -> None:
        if key not in self.data:
            insort(self._names.setdefault(key[:2], []), key[2])
        self.data[key] = item

    @override
    def __delitem__(self, key: FunctionKey) -> None:
        del self.data[key]
        names = self._names[key[:2]]
        del names[bisect_left(names, key[2])]

    def in_order(
        self, account: str, region: str, *, start: str = "", most: int | None = None
    ) -> list[Function]:
        """At most `most` functions by name, from the name `start` on."""
        names = self._names.get((account, region), [])
        first = bisect_left(names, start)
        chosen = names[first : None if most is None else first + most]
        return [self.data[account, region, name] for name in chosen]
