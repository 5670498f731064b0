"""Which rule a request takes, and where a redirect leads."""

import pytest

from emulator.aws.load_balancers import Condition, Listener
from emulator.event_sources.http_messages import HttpRequest
from emulator.event_sources.load_balancer_rules import choose_listener, holds, redirect

REQUEST = HttpRequest(
    method="GET",
    path="/orders/a%20b",
    query="x=1&x=%262&flag&y=",
    headers={"host": "web.example:8080", "user-agent": "Agent/1.0", "x-forwarded-for": "10.0.0.5"},
    source_ip="10.0.0.5",
)


@pytest.mark.parametrize(
    ("field_", "values", "header", "expected"),
    [
        ("path-pattern", ["/none", "/orders/*"], "", True),
        ("path-pattern", ["/Orders/*"], "", False),
        ("path-pattern", ["/orders/a%20?"], "", True),
        ("host-header", ["*.EXAMPLE"], "", True),
        ("host-header", ["example"], "", False),
        ("http-header", ["agent/*"], "User-Agent", True),
        ("http-header", ["*"], "X-None", False),
        ("http-request-method", ["POST", "GET"], "", True),
        ("http-request-method", ["get"], "", False),
        ("query-string", ["x=1"], "", True),
        ("query-string", ["x=3"], "", False),
        ("query-string", ["%262"], "", True),
        ("source-ip", ["10.0.0.0/8"], "", True),
        ("source-ip", ["10.0.1.0/24"], "", False),
    ],
)
def test_a_condition_holds_where_one_value_matches(
    field_: str, values: list[str], header: str, expected: bool
) -> None:
    condition = Condition(field=field_, values=tuple(values), header=header)
    assert holds(condition, REQUEST) is expected


@pytest.mark.parametrize(("port", "chosen"), [(8080, 8080), (80, 80), (None, 80), (4566, 80)])
def test_the_port_that_the_client_names_chooses_the_listener(port: int | None, chosen: int) -> None:
    listeners = [Listener(port=port, protocol="HTTP", rules=()) for port in (80, 8080)]
    listener = choose_listener(listeners, port)
    assert listener is not None
    assert listener.port == chosen


def test_without_port_80_the_first_listener_answers() -> None:
    only = Listener(port=8080, protocol="HTTP", rules=())
    assert choose_listener([only], 4566) is only
    assert choose_listener([], 80) is None


@pytest.mark.parametrize(
    ("config", "location"),
    [
        ({"Protocol": "HTTPS", "Port": "443"}, "https://web.example/orders/a%20b?x=1&x=%262&flag&y="),
        ({"Path": "/new/#{path}", "Query": "a=1"}, "http://web.example:8080/new/orders/a%20b?a=1"),
        ({"Host": "other.#{host}", "Port": "80", "Query": "q"}, "http://other.web.example/orders/a%20b?q"),
    ],
)  # fmt: skip
def test_a_redirect_keeps_what_it_does_not_change(config: dict[str, str], location: str) -> None:
    assert redirect(config | {"StatusCode": "HTTP_302"}, REQUEST) == (302, location)
