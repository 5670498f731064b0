"""Which rule of a load balancer's listener a request takes, and where a redirect leads."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from emulator.aws.load_balancers import Condition, Listener, ListenerRule
from emulator.event_sources.http_messages import HttpRequest
from emulator.model.wildcard import wildcard, wildcard_regex

_REDIRECTS: Final = {"HTTP_301": 301, "HTTP_302": 302}


def choose_listener(listeners: Sequence[Listener], port: int | None) -> Listener | None:
    """The listener on the port that the client named, else on 80, else the first."""
    by_port = {listener.port: listener for listener in listeners}
    return by_port.get(port or 80) or by_port.get(80) or next(iter(listeners), None)


def choose_rule(listener: Listener, request: HttpRequest) -> ListenerRule:
    """The first rule whose conditions all hold; the last one has none."""
    return next(
        rule
        for rule in listener.rules
        if all(holds(condition, request) for condition in rule.conditions)
    )


def holds(condition: Condition, request: HttpRequest) -> bool:
    """Whether a request has one of the values that a condition asks for."""
    check = _CHECKS[condition.field]
    return any(check(value, condition, request) for value in condition.values)


def redirect(config: Mapping[str, Any], request: HttpRequest) -> tuple[int, str]:
    """Status and location of a redirect action."""
    host, _, port = request.headers.get("host", "").partition(":")
    given = {
        "protocol": "HTTP",
        "host": host,
        "port": port or "80",
        "path": request.path.removeprefix("/"),
        "query": request.query,
    }

    def fill(member: str, default: str) -> str:
        text = str(config.get(member) or default)
        for name, value in given.items():
            text = text.replace(f"#{{{name}}}", value)
        return text

    protocol, wanted_port = fill("Protocol", "#{protocol}").lower(), fill("Port", "#{port}")
    is_usual = (protocol, wanted_port) in (("http", "80"), ("https", "443"))
    place = "" if is_usual else f":{wanted_port}"
    query = fill("Query", "#{query}")
    location = f"{protocol}://{fill('Host', '#{host}')}{place}{fill('Path', '/#{path}')}"
    return _REDIRECTS[config["StatusCode"]], f"{location}?{query}" if query else location


def _host(pattern: str, _condition: Condition, request: HttpRequest) -> bool:
    return _like(pattern, request.headers.get("host", "").partition(":")[0], re.IGNORECASE)


def _path(pattern: str, _condition: Condition, request: HttpRequest) -> bool:
    return _like(pattern, request.path)


def _header(pattern: str, condition: Condition, request: HttpRequest) -> bool:
    text = request.headers.get(condition.header.lower())
    return text is not None and _like(pattern, text, re.IGNORECASE)


def _method(wanted: str, _condition: Condition, request: HttpRequest) -> bool:
    return wanted == request.method


def _query(pattern: str, _condition: Condition, request: HttpRequest) -> bool:
    if "=" in pattern:
        return any(_like(pattern, pair, re.IGNORECASE) for pair in request.query.split("&"))
    values = (pair.partition("=")[2] for pair in request.query.split("&"))
    return any(_like(pattern, value, re.IGNORECASE) for value in values)


def _source(block: str, _condition: Condition, request: HttpRequest) -> bool:
    return ipaddress.ip_address(request.source_ip) in ipaddress.ip_network(block)


def _like(pattern: str, text: str, flags: int = 0) -> bool:
    return wildcard_regex(wildcard(pattern), flags).fullmatch(text) is not None


_CHECKS: Final[Mapping[str, Callable[[str, Condition, HttpRequest], bool]]] = {
    "host-header": _host,
    "http-header": _header,
    "http-request-method": _method,
    "path-pattern": _path,
    "query-string": _query,
    "source-ip": _source,
}
