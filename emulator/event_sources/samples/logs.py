"""Samples of CloudWatch Logs subscriptions."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.aws import LogEventsFact, LoggedEvent
from emulator.event_sources.logs import data_message, event
from emulator.event_sources.samples import constants

_EVENT_ID: Final = "40036043170471386127829046416325633180480303441412096001"


def data(
    *,
    message: str = "ERROR the order 17 has no address",
    log_group: str = "/aws/lambda/hello",
    log_stream: str = "2026/11/21/[$LATEST]7f3a1c0e9b5d4e2f8a6b3c1d0e9f8a7b",
    filter_name: str = "errors",
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """A line that a subscription filter matches, compressed as functions get it."""
    fact = LogEventsFact(
        function_arn=f"arn:aws:lambda:{constants.REGION}:{account}:function:hello",
        account=account,
        region=constants.REGION,
        group=log_group,
        stream=log_stream,
        filter_name=filter_name,
        events=(LoggedEvent(id=_EVENT_ID, at_ms=int(constants.AT_S * 1000), message=message),),
    )
    return event(data_message(fact, fact.events))


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {"data": data}
