"""Samples of invocation records, which a function that is a destination gets as its event."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from emulator.event_sources.samples import constants
from emulator.invoke.ending import Answer, Ending, record
from emulator.invoke.event_queue import QueuedEvent
from emulator.invoke.retry import Condition
from emulator.model import LATEST, Call, function_arn


def success(
    *,
    function: str = "async_task",
    request: str = '{"task":"sum-1"}',
    response: str = '{"total":10}',
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """What OnSuccess gets; request and response are JSON."""
    answer = Answer(payload=response.encode(), executed_version=LATEST, function_error=None)
    ending = Ending(condition=Condition.SUCCESS, answer=answer)
    return _record(function, request, region, account, ending, attempts=1)


def failure(
    *,
    function: str = "async_task",
    request: str = '{"task":"sum-1"}',
    error: str = "'numbers'",
    region: str = constants.REGION,
    account: str = constants.ACCOUNT,
) -> dict[str, Any]:
    """What OnFailure gets after two retries; request is JSON, error the exception's text."""
    fault = {
        "errorMessage": error,
        "errorType": "KeyError",
        "requestId": constants.REQUEST_ID,
        "stackTrace": [],
    }
    answer = Answer(
        payload=json.dumps(fault).encode(), executed_version=LATEST, function_error="Unhandled"
    )
    ending = Ending(condition=Condition.RETRIES_EXHAUSTED, answer=answer)
    return _record(function, request, region, account, ending, attempts=3)


def _record(
    function: str, request: str, region: str, account: str, ending: Ending, *, attempts: int
) -> dict[str, Any]:
    arn = function_arn(account, region, function)
    call = Call(account=account, region=region, function=function, payload=request.encode())
    event = QueuedEvent(
        request_id=constants.REQUEST_ID,
        call=call,
        function_arn=arn,
        trace_header="",
        accepted_at=constants.AT_S,
        accepted_s=0.0,
        attempts=attempts,
    )
    return record(event, f"{arn}:{LATEST}", ending, constants.AT_S)


SAMPLES: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "success": success,
    "failure": failure,
}
