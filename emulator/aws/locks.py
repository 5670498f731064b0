"""One lock for each service of moto, because moto loses writes when threads share it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Services that read or write another service's state directly, and that other service.
_REACHES: Final = {
    "dynamodbstreams": ("dynamodb",),
    "events": ("secretsmanager",),
    "firehose": ("kinesis", "s3"),
    "logs": ("firehose", "kinesis", "s3"),
    "s3control": ("s3",),
    "s3tables": ("s3",),
    "signer": ("s3",),
    "sns": ("firehose", "sqs"),
    "ssm": ("secretsmanager",),
    "sts": ("iam",),
}
# They reach into any service.
_REACHES_ALL: Final = frozenset({"cloudformation", "config", "resourcegroupstaggingapi"})
_OWN_LOCK: Final = (
    "apigateway",
    "cloudformation",
    "cognitoidp",
    "dynamodb",
    "dynamodbstreams",
    "events",
    "firehose",
    "iam",
    "kinesis",
    "kms",
    "logs",
    "s3",
    "s3control",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
)
_SHARED: Final = "~other"  # every service that is not in the list


class ServiceLocks:
    """Lets one thread at a time into each service.

    A service has one lock for all accounts and regions: a bucket of another account, or a topic
    whose queue is in another region, is reached from inside moto, so a narrower lock would not
    protect it; and with one GIL it would not be faster.

    Any thread may call. A thread takes all it needs in one `hold`, in alphabetical order, so no
    two wait for each other. Whatever may last (a function, a long poll, an HTTP call) runs inside
    `released`.
    """

    def __init__(self) -> None:
        self._locks = {name: threading.RLock() for name in (*_OWN_LOCK, _SHARED)}
        self._held = threading.local()

    @contextmanager
    def hold(self, *services: str) -> Iterator[None]:
        """Keep other threads out of `services` and of what they reach into."""
        names = self._names(services)
        stack = self._stack()
        self._acquire(names)
        stack.append(names)
        try:
            yield
        finally:
            stack.pop()
            self._release(names)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give up all locks of this thread for a while, and take them back afterwards."""
        stack = self._stack()
        given_up, stack[:] = list(stack), []
        every = sorted(name for names in given_up for name in names)
        self._release(every)
        try:
            yield
        finally:
            self._acquire(every)
            stack[:] = given_up

    def _names(self, services: tuple[str, ...]) -> list[str]:
        if not _REACHES_ALL.isdisjoint(services):
            return sorted(self._locks)
        wanted = {reached for name in services for reached in (name, *_REACHES.get(name, ()))}
        return sorted({name if name in self._locks else _SHARED for name in wanted})

    def _acquire(self, names: list[str]) -> None:
        for name in names:
            self._locks[name].acquire()

    def _release(self, names: list[str]) -> None:
        for name in reversed(names):
            self._locks[name].release()

    def _stack(self) -> list[list[str]]:
        try:
            return self._held.stack  # type: ignore[no-any-return]  # a thread-local attribute
        except AttributeError:
            stack: list[list[str]] = []
            self._held.stack = stack
            return stack
