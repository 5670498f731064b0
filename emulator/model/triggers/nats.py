"""Messages on a NATS subject that invoke a function."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

DEFAULT_PORT: Final = 4222
DOCUMENTS: Final = "nats binding"  # the kind under which bindings made by command are kept
DEFAULT_URL: Final = f"nats://127.0.0.1:{DEFAULT_PORT}"

_NAME_CHARS: Final = 255
_NAME: Final = r"[^\s.*>/\\]{1,255}"  # of a stream or a consumer


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsTrigger:
    """One subscription. With `stream` it reads from JetStream, by a durable consumer."""

    subject: str  # `*` stands for one token, `>` at the end for one or more
    queue: str = ""  # of those in one group, one gets each message; "" is no group
    stream: str = ""
    consumer: str = ""  # "": see `consumer_for`
    max_deliver: int | None = None  # None: until it succeeds
    ack_wait_s: float | None = None  # None: the consumer's own, by default 30 s
    dead_letter: str = ""  # subject for what was delivered `max_deliver` times in vain

    @property
    def summary(self) -> str:
        """`nats orders.* (queue workers)`, for tables and log lines."""
        source = f" (stream {self.stream})" if self.stream else ""
        return f"nats {self.subject}" + (f" (queue {self.queue})" if self.queue else source)

    def consumer_for(self, function: str) -> str:
        """The durable consumer's name; a function has one of its own for each subject."""
        words = self.subject.replace(".", "-").replace("*", "any").replace(">", "all")
        return self.consumer or f"{function}-{words}"[:_NAME_CHARS]

    def problems(self) -> Iterator[tuple[str, str]]:
        """Each mistake as the name of the field and what is wrong with it."""
        if not is_subject(self.subject, wildcards=True):
            yield "subject", f'"{self.subject}" is not a subject like orders.new, orders.* or log.>'
        if self.queue and re.search(r"\s", self.queue):
            yield "queue", f'"{self.queue}" is not the name of a queue group: no spaces'
        for field in ("stream", "consumer"):
            name = getattr(self, field)
            if name and not re.fullmatch(_NAME, name):
                yield field, f'"{name}" is not a name: no spaces and none of . * > / \\'
        if self.dead_letter and not is_subject(self.dead_letter, wildcards=False):
            yield "dead_letter", f'"{self.dead_letter}" is not a subject to publish to'
        yield from self._combinations()

    def _combinations(self) -> Iterator[tuple[str, str]]:
        if self.stream and self.queue:
            text = "does not go with stream: those that name the same consumer share its messages"
            yield "queue", text
        if not self.stream:
            for field in ("consumer", "max_deliver", "ack_wait_s", "dead_letter"):
                if getattr(self, field):
                    yield field, "needs a stream: only JetStream delivers again"
        elif self.dead_letter and self.max_deliver is None:
            yield "dead_letter", "needs max_deliver: without it a message is tried for ever"


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsBinding:
    """A trigger with its function, as `nats list` shows it."""

    trigger: NatsTrigger
    function_arn: str
    is_declared: bool  # by emulator.toml
    state: str = ""  # "listening", or what it waits for


@dataclass(frozen=True, kw_only=True, slots=True)
class NatsStatus:
    """The server and everything bound to it."""

    url: str  # without a password
    is_connected: bool
    dropped: int  # messages that came faster than they could be taken over
    bindings: tuple[NatsBinding, ...]


def is_subject(text: str, *, wildcards: bool) -> bool:
    """Whether `text` can be subscribed to, or without wildcards be published to."""
    tokens = text.split(".")
    if any(not token or re.search(r"\s", token) for token in tokens):
        return False
    if not wildcards:
        return not any("*" in token or ">" in token for token in tokens)
    return all(
        token == "*" or (token == ">" and place == len(tokens) - 1) or not set(token) & {"*", ">"}
        for place, token in enumerate(tokens)
    )


def as_document(trigger: NatsTrigger) -> dict[str, Any]:
    """The fields that are set, by name."""
    fields = {name: getattr(trigger, name) for name in trigger.__slots__}
    return {name: value for name, value in fields.items() if value not in ("", None)}


def parse_url(text: str) -> str | None:
    """The address of a server, or of several of one cluster with commas between, in full.

    `localhost` is short for nats://localhost:4222. None: it is no address.
    """
    urls = [_full_url(part) for part in text.split(",")]
    return ",".join(url for url in urls if url) if all(urls) else None


def _full_url(text: str) -> str | None:
    try:
        parts = urlsplit(text if "://" in text else f"nats://{text}")
        port = parts.port or DEFAULT_PORT
    except ValueError:
        return None
    if parts.scheme not in ("nats", "tls") or not parts.hostname or re.search(r"\s", text):
        return None
    user, at, _ = parts.netloc.rpartition("@")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{user}{at}{host}:{port}"


def shown_url(url: str) -> str:
    """The address without user and password, for everybody's eyes."""
    return re.sub(r"//[^/,]*@", "//", url)
