"""What the console shows and moves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from emulator.invoke import Backlog
from emulator.model import Clock, FunctionVersion
from emulator.model.triggers.nats import NatsBinding, NatsStatus, NatsTrigger
from emulator.observe import Activity, LogBook, Records


class Nats(Protocol):
    """Which NATS subject invokes which function."""

    def status(self) -> NatsStatus:
        """The server and all bindings."""

    def add(self, trigger: NatsTrigger, function_arn: str) -> bool:
        """Bind; returns whether it was not bound before."""

    def remove(self, subject: str, function: str) -> list[NatsBinding]:
        """Unbind what `add` bound to a function of that name; returns all that the subject had."""


class RoleKeys(Protocol):
    """Credentials of an execution role's session."""

    @property
    def access_key(self) -> str:
        """AccessKeyId."""

    @property
    def secret_key(self) -> str:
        """SecretAccessKey."""

    @property
    def token(self) -> str:
        """SessionToken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rooms:
    """The rooms of one running emulator, as far as the console needs them.

    functions: `$LATEST` of every function. services: state of each AWS service by its name, as
    the health document shows it. archive_for: the zip of a code package by its token, None when
    there is none. reset: empties everything and loads the project again;
    raises ValueError before that when the project cannot be loaded. catch_up: returns when
    every file saved, and every message sent, before the call has been noticed. backlog: what the
    asynchronous queues hold. container_credentials: what a function's token stands for, None for
    one that nobody was given.
    """

    version: str
    functions: Callable[[], Sequence[FunctionVersion]]
    services: Callable[[], Mapping[str, str]]
    archive_for: Callable[[str], bytes | None]
    reset: Callable[[], None]
    catch_up: Callable[[], None]
    backlog: Callable[[], Backlog]
    container_credentials: Callable[[str], RoleKeys | None]
    activity: Activity
    clock: Clock
    log_book: LogBook
    records: Records
    nats: Callable[[], Nats]
