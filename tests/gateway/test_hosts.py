import pytest

from emulator.gateway.hosts import HostKind, Hosts


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1:4566", HostKind.PLAIN),
        ("127.1.2.3", HostKind.PLAIN),
        ("localhost:4566", HostKind.PLAIN),
        ("LocalHost.:4566", HostKind.PLAIN),
        ("[::1]:4566", HostKind.PLAIN),
        ("[::1]", HostKind.PLAIN),
        ("host.docker.internal:4566", HostKind.PLAIN),
        ("localhost.localstack.cloud:4566", HostKind.PLAIN),
        ("", HostKind.PLAIN),
        ("lambda.us-east-1.amazonaws.com", HostKind.LAMBDA),
        ("lambda.us-east-1.localhost.localstack.cloud:4566", HostKind.LAMBDA),
        ("abc.lambda-url.us-east-1.on.aws", HostKind.FUNCTION_URL),
        ("abc.lambda-url.us-east-1.localhost:4566", HostKind.FUNCTION_URL),
        ("a1.execute-api.localhost:4566", HostKind.FRONT_END),
        ("a1.execute-api.us-east-1.amazonaws.com", HostKind.FRONT_END),
        ("web.elb.localhost:4566", HostKind.FRONT_END),
        ("web-1.us-east-1.elb.amazonaws.com", HostKind.FRONT_END),
        ("photos.s3.localhost:4566", HostKind.OTHER_SERVICE),
        ("photos.localhost:4566", HostKind.OTHER_SERVICE),
        ("s3.eu-west-1.amazonaws.com", HostKind.OTHER_SERVICE),
        ("evil.example", HostKind.FOREIGN),
        ("localhost.evil.example", HostKind.FOREIGN),
        ("127.evil.example", HostKind.FOREIGN),
        ("notlocalhost", HostKind.FOREIGN),
        ("amazonaws.com.evil.example", HostKind.FOREIGN),
        ("192.168.1.5:4566", HostKind.FOREIGN),
        ("[2001:db8::1]:4566", HostKind.FOREIGN),
    ],
)
def test_a_host_is_ours_or_foreign(host: str, kind: HostKind) -> None:
    hosts = Hosts()
    assert hosts.kind(host) is kind
    assert hosts.kind(host) is kind  # as remembered


def test_the_name_listened_on_and_allowed_names_are_ours() -> None:
    hosts = Hosts("box.lan", ["emulator", "*.test"])
    for host in ("box.lan:4566", "Emulator:4566", "photos.test"):
        assert hosts.kind(host) is HostKind.PLAIN
    for host in ("other.lan", "x.emulator", "test"):
        assert hosts.kind(host) is HostKind.FOREIGN


@pytest.mark.parametrize("listen", ["0.0.0.0", "::"])
def test_listening_everywhere_lets_addresses_through_but_no_names(listen: str) -> None:
    hosts = Hosts(listen)
    assert hosts.kind("192.168.1.5:4566") is HostKind.PLAIN
    assert hosts.kind("[2001:db8::1]:4566") is HostKind.PLAIN
    assert hosts.kind("evil.example") is HostKind.FOREIGN


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:8080", True),
        ("https://[::1]", True),
        ("http://app.localhost:3000", True),
        ("http://allowed.test", True),
        ("http://evil.example", False),
        ("http://evil.s3.amazonaws.com", False),
        ("http://localhost.evil.example", False),
        ("null", False),
        ("", False),
        ("file://", False),
        ("http://[broken", False),
    ],
)
def test_only_local_and_allowed_pages_may_send_requests(origin: str, ours: bool) -> None:
    assert Hosts(allowed=["allowed.test"]).is_ours(origin) is ours


def test_made_up_hosts_do_not_fill_the_memory() -> None:
    hosts = Hosts()
    for number in range(10_000):
        hosts.kind(f"{number}.localhost")
    assert len(hosts._kinds) < 5_000


def test_listening_everywhere_lets_no_page_in_that_is_served_from_an_address() -> None:
    hosts = Hosts("0.0.0.0")
    assert hosts.kind("192.168.1.5:4566") is HostKind.PLAIN
    assert not hosts.is_ours("http://203.0.113.9")
