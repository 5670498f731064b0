"""What a service of moto refuses, as an exception."""

from typing import Any


class AwsError(Exception):
    """A service said no: its code, its message, the status of its answer."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def regional(backends: Any, account: str, region: str) -> Any:
    """A service's backend of an account and region. Raises AwsError: there is no such region."""
    try:
        return backends[account][region]
    except KeyError:
        raise AwsError("InvalidRegion", f'There is no region "{region}"') from None
