"""What an operation of the Lambda API gets, and which function it is about."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.control.names import Target, target
from emulator.control.store import FunctionStore
from emulator.control.violations import invalid
from emulator.model import LATEST


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestContext:
    """Who asks, and how they reach us."""

    account: str
    region: str
    endpoint: str  # http://host:port, as the caller sees it
    request_id: str


Request = Mapping[str, Any]  # in botocore's member names; what was absent or null is not there
Response = dict[str, Any]
Operation = Callable[[RequestContext, Request], Response]
FetchObject = Callable[[str, str, str, str, str | None], bytes]
"""account, region, bucket, key, version id -> content; raises `model.AwsError`."""
TargetExists = Callable[[str], bool]
"""ARN of a queue or a topic -> whether it is there and takes messages in any order."""


def operations_of(owner: object) -> Mapping[str, Operation]:
    """Its public methods, each by the operation it is: `create_alias` is CreateAlias."""
    methods = [name for name in vars(type(owner)) if not name.startswith("_")]
    return {name.title().replace("_", ""): getattr(owner, name) for name in methods}


def addressed(
    store: FunctionStore, context: RequestContext, request: Request, action: str
) -> Target:
    """The function and qualifier a request names, if the caller may do `action` on it."""
    where = target(
        context.account, context.region, request["FunctionName"], request.get("Qualifier")
    )
    store.check_access(context.account, where, f"lambda:{action}")
    return where


def addressed_unqualified(
    store: FunctionStore, context: RequestContext, request: Request, action: str
) -> Target:
    """As `addressed`, for what can be done to `$LATEST` only."""
    where = addressed(store, context, request, action)
    if where.qualifier not in {None, LATEST}:
        raise invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not"
            " support this operation. Please specify either a function name or an unqualified"
            " function ARN."
        )
    return Target(where.account, where.region, where.name)
