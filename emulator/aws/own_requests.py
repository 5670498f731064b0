"""Requests that the emulator itself makes inside moto: under the locks, and told like any other."""

import base64
import secrets
import string
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from emulator.aws.buffer import FactBuffer
from emulator.aws.facts import Fact, Requester
from emulator.aws.locks import ServiceLocks
from emulator.aws.patches.s3 import without_noise
from emulator.observe import Activity, Reporter

_REQUEST_ID_CHARS: Final = string.ascii_uppercase + string.digits


class OwnRequests:
    """Surrounds what we do inside moto, and hands on the facts of any request.

    Any thread may call, except one that holds a lock of a service of moto.
    """

    def __init__(
        self, buffer: FactBuffer, locks: ServiceLocks, activity: Activity, reporter: Reporter
    ) -> None:
        self._buffer = buffer
        self._locks = locks
        self._activity = activity
        self._reporter = reporter

    @contextmanager
    def make(self, service: str, account: str, trace_header: str | None = None) -> Iterator[None]:
        """Hold a service's locks; what happens in it is told when they are free again.

        What raises tells nothing. trace_header: that of the invocation behind it.
        """
        requester = Requester(
            account=account,
            principal="AWS:lambda.amazonaws.com",
            source_ip="127.0.0.1",
            request_id=s3_request_id() if service == "s3" else str(uuid.uuid4()),
            host_id=s3_host_id() if service == "s3" else "",
            trace_header=trace_header,
        )
        with self._buffer.request(requester) as facts, self._locks.hold(service):
            yield
        if facts:
            self.deliver(facts)

    def deliver(self, facts: list[Fact]) -> None:
        """Hand the facts of a successful request to who listens, with no lock held."""
        with self._activity.busy("facts"):
            for fact in without_noise(facts):
                try:
                    self._buffer.deliver([fact])
                except Exception:  # noqa: BLE001  # a listener's bug: producer, other facts go on
                    self._reporter.event("aws.facts_failed", traceback=traceback.format_exc())


def s3_request_id() -> str:
    """16 characters in the form of `x-amz-request-id`."""
    return "".join([_REQUEST_ID_CHARS[byte % 36] for byte in secrets.token_bytes(16)])


def s3_host_id() -> str:
    """Characters in the form of `x-amz-id-2`."""
    return base64.b64encode(secrets.token_bytes(56)).decode()
