"""Has environments initialised as the versions of functions want it."""

from collections.abc import Callable, Iterable

from emulator.control.names import Target
from emulator.model import FunctionVersion

Wanted = Callable[[Target, str], tuple[FunctionVersion, int] | None]
"""A function and the number of a version -> the version, and its provisioned concurrency now."""
Provision = Callable[[FunctionVersion, int], None]
"""Has so many environments of a version initialised; 0: none any more."""


class Provisions:
    """Tells who starts environments what is wanted. Any thread may call; there is no lock."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._listeners: list[Provision] = []

    def subscribe(self, provision: Provision) -> None:
        """Call `provision` for each version whose provisioned concurrency was set."""
        self._listeners.append(provision)

    def follow(self, where: Target, numbers: Iterable[str]) -> None:
        """Tell what these versions of a function want; what is gone needs nothing."""
        for number in numbers:
            wanted, told = self._wanted(where, number), None
            while wanted is not None and wanted[1] != told:
                version, told = wanted
                for provision in self._listeners:
                    provision(version, told)
                # Once more when it has changed: who changed it may have told it before us.
                wanted = self._wanted(where, number)
