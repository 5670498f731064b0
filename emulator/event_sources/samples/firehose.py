"""Samples of Firehose transformations."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import FirehoseRecord
from emulator.event_sources.firehose_rules import event
from emulator.event_sources.samples import constants

_ID: Final = "49546986683135544286507457936321625675700192471156785154"


def records(
    *,
    data: str = "Hello from Firehose.",
    stream: str = "orders",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """One record of a delivery stream, to be transformed."""
    record = FirehoseRecord(id=_ID, data=data.encode(), at_s=constants.AT_S)
    stream_arn = f"arn:aws:firehose:{region}:{account}:deliverystream/{stream}"
    return event(stream_arn, [record], "d0aa8f6b-34ee-4cfa-8a34-2f8c1b8d9c11")


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"records": records}
