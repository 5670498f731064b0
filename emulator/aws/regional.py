"""What moto has of one service in one account and region."""

from typing import Any

from emulator.model import AwsError


def regional(backends: Any, account: str, region: str) -> Any:
    """The backend; raises AwsError where there is no such region."""
    try:
        return backends[account][region]
    except KeyError:
        raise AwsError("InvalidRegion", f'There is no region "{region}"') from None
