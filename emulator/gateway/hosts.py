"""Whom a request may be addressed to and come from, so that no web page runs code here."""

import ipaddress
from collections.abc import Collection
from enum import Enum, auto
from typing import Final, TypeVar

T = TypeVar("T")


class HostKind(Enum):
    """What the `Host` of a request says about where it goes."""

    PLAIN = auto()  # the emulator itself; the path or the signature decides
    LAMBDA = auto()  # lambda.us-east-1.amazonaws.com and its like
    FUNCTION_URL = auto()  # <id>.lambda-url.<region>.on.aws and its like
    FRONT_END = auto()  # <id>.execute-api.…, <name>.elb.…: an API's or a load balancer's
    OTHER_SERVICE = auto()  # s3.amazonaws.com, bucket.s3.localhost, …
    FOREIGN = auto()  # not ours: a name that was made to point at this machine


_PLAIN: Final = frozenset({"", "localhost", "host.docker.internal", "localhost.localstack.cloud"})
_LOCAL_SUFFIXES: Final = (".localhost", ".localhost.localstack.cloud")
_AWS_SUFFIXES: Final = (".amazonaws.com", ".on.aws")
_BY_PART: Final = (
    (".lambda-url.", HostKind.FUNCTION_URL),
    (".execute-api.", HostKind.FRONT_END),
    (".elb.", HostKind.FRONT_END),
)
_REMEMBERED: Final = 4_096


class Hosts:
    """Decides about the values of `Host` and `Origin`. Any thread may call.

    listen: the host the server listens on; a wildcard address lets every IP address through (a
    web page can make a name point here, but not an address). allowed: further names, as given
    with --allow-host; `*.name` stands for every name that ends so.
    Decisions are remembered in dictionaries, whose single reads and writes are atomic.
    """

    def __init__(self, listen: str = "127.0.0.1", allowed: Collection[str] = ()) -> None:
        self._any_address = listen in ("", "0.0.0.0", "::")
        names = {listen, *allowed}
        self._names = _PLAIN | {name.lower() for name in names if not name.startswith("*")}
        self._suffixes = tuple(name[1:].lower() for name in names if name.startswith("*"))
        self._kinds: dict[str, HostKind] = {}
        self._origins: dict[str, bool] = {}

    def kind(self, host: str) -> HostKind:
        """What a `Host` header means; an absent one ("") is plain, as browsers always send it."""
        kind = self._kinds.get(host)
        if kind is None:
            kind = _remember(self._kinds, host, self._decide(_without_port(host)))
        return kind

    def is_ours(self, origin: str) -> bool:
        """True when a page of this `Origin` (or `Referer`) may send requests here.

        Pages under amazonaws.com and on.aws may not: anyone can publish there.
        """
        ours = self._origins.get(origin)
        if ours is None:
            name = _without_port(origin.partition("://")[2].partition("/")[0])
            # Sandboxed frames and files have the origin "null" and so no name at all.
            ours = name != "" and (self._is_named(name) or name.endswith(_LOCAL_SUFFIXES))
            _remember(self._origins, origin, ours)
        return ours

    def _decide(self, name: str) -> HostKind:
        if self._is_plain(name):
            return HostKind.PLAIN
        if not name.endswith(_LOCAL_SUFFIXES + _AWS_SUFFIXES):
            return HostKind.FOREIGN
        if name.startswith("lambda."):
            return HostKind.LAMBDA
        return next((kind for part, kind in _BY_PART if part in name), HostKind.OTHER_SERVICE)

    def _is_plain(self, name: str) -> bool:
        return self._is_named(name) or (self._any_address and _address(name) is not None)

    def _is_named(self, name: str) -> bool:
        if name in self._names or (self._suffixes and name.endswith(self._suffixes)):
            return True
        address = _address(name)
        return address is not None and address.is_loopback


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _remember(known: dict[str, T], key: str, value: T) -> T:
    if len(known) >= _REMEMBERED:  # names made up by a client do not fill the memory
        known.clear()
    known[key] = value
    return value


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()
