"""Which regions there are."""

from functools import cached_property
from typing import Final

from emulator.model import DEFAULT_REGION
from emulator.model.nearest import nearest

_ALWAYS: Final = frozenset({DEFAULT_REGION, "aws-global", "global", "*"})


class Regions:
    """The regions botocore knows; read when somebody uses another one than the default."""

    def problem(self, region: str) -> str | None:
        """What is wrong with a region; None when it exists."""
        if region in _ALWAYS or region in self._known:
            return None
        return f'There is no region "{region}"{nearest(region, sorted(self._known))}'

    @cached_property
    def _known(self) -> frozenset[str]:
        from botocore.session import Session

        session = Session()
        return frozenset(
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions("ec2", partition)
        )
