"""Loops of functions through other services, seen in the `Lineage` of the trace header.

Lambda counts in it how often each function was invoked in one chain; SDKs inside a function and
the services behind them hand it on: `Lineage=a87bd80c:1|68fd508a:5`. Source:
spec/async-and-destinations.md section 5; X-Ray Developer Guide, tracing header.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from emulator.model import LambdaError

LIMIT: Final = 16  # invocations of a function in one chain; the next one is stopped
_MEMBER: Final = ";Lineage="


def advanced(header: str, function_arn: str) -> str:
    """The trace header that one more invocation of a function gets; `header` is well-formed."""
    before, _, lineage = header.partition(_MEMBER)
    if not lineage:
        return f"{header}{_MEMBER}{_digest(function_arn)}:1"
    lineage, semicolon, rest = lineage.partition(";")
    counts = _counts(lineage)
    own = _digest(function_arn)
    counts[own] = counts.get(own, 0) + 1
    joined = "|".join(f"{function}:{count}" for function, count in counts.items())
    return f"{before}{_MEMBER}{joined}{semicolon}{rest}"


def invocations(header: str | None, function_arn: str) -> int:
    """How many invocations of a function the chain behind a trace header has seen."""
    lineage = (header or "").partition(_MEMBER)[2].partition(";")[0]
    own = _digest(function_arn)
    if lineage == f"{own}:1":
        return 1  # nearly always
    return _counts(lineage).get(own, 0)


def longest(headers: Iterable[str | None], function_arn: str) -> str | None:
    """Of the trace headers of a batch, the one whose chain has seen a function most often."""
    return max(headers, key=lambda header: invocations(header, function_arn), default=None)


def stopped() -> LambdaError:
    """What a caller in a loop is told."""
    return LambdaError(
        "RecursiveInvocationException",
        "Lambda has detected your function being invoked in a recursive loop with other Amazon Web"
        " Services resources and stopped your function's invocation.",
    )


def _counts(lineage: str) -> dict[str, int]:
    parts = (part.rpartition(":") for part in lineage.split("|"))
    return {function: int(count) for function, _, count in parts if count.isdecimal()}


@lru_cache(maxsize=4096)
def _digest(function_arn: str) -> str:
    return hashlib.sha256(function_arn.encode()).hexdigest()[:8]
