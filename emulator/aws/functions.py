"""What moto's services and S3 notifications need to know of our functions."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.model import Call, InvocationResult


def _no_function(arn: str) -> bool:
    return False


def _no_policy(function_arn: str, service: str, source_arn: str, account: str) -> bool | None:
    return None


def _nothing_tagged(account: str, region: str) -> Iterable[tuple[str, Mapping[str, str]]]:
    return ()


def _nothing_to_tag(account: str, region: str, arn: str, changed: object) -> None:
    raise LookupError(f"no resource {arn}")


def _no_queue(call: Call) -> str:
    raise LookupError(f"no function {call.function}")


def _no_answer(call: Call) -> InvocationResult:
    raise LookupError(f"no function {call.function}")


def _no_log_group(function_arn: str) -> str | None:
    return None


def _no_operation(
    account: str, region: str, operation: str, members: Mapping[str, Any]
) -> Mapping[str, Any]:
    raise LookupError(f"no operation {operation}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Functions:
    """The door from here to the functions; the default one leads to none.

    `exists` takes a function ARN with or without qualifier. `policy_allows` takes a function ARN,
    a service principal, the ARN and the account of the source; None: there is no policy at all.
    `invoke` runs a function and waits, `accept` queues an asynchronous invocation; both raise
    LambdaError when there is nothing to run. `log_group` is where a function logs. `tagged` has ARN
    and tags of all that Lambda keeps in an account and region; `tag` and `untag` take the caller's
    account and region, an ARN, and tags or keys, and raise LambdaError. `operate` does what a
    request for an operation of the Lambda API does, checks included; raises LambdaError.
    """

    exists: Callable[[str], bool] = _no_function
    log_group: Callable[[str], str | None] = _no_log_group
    policy_allows: Callable[[str, str, str, str], bool | None] = _no_policy
    tagged: Callable[[str, str], Iterable[tuple[str, Mapping[str, str]]]] = _nothing_tagged
    tag: Callable[[str, str, str, Mapping[str, str]], None] = _nothing_to_tag
    untag: Callable[[str, str, str, Collection[str]], None] = _nothing_to_tag
    invoke: Callable[[Call], InvocationResult] = _no_answer
    accept: Callable[[Call], str] = _no_queue
    operate: Callable[[str, str, str, Mapping[str, Any]], Mapping[str, Any]] = _no_operation
