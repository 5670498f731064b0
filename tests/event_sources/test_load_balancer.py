"""Requests through a load balancer, from its rules to the answers of functions."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import boto3
import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.health_checks import is_expected
from emulator.event_sources.load_balancer import LoadBalancerFront
from tests.aws.conftest import Aws
from tests.event_sources.api_gateway_lab import FUNCTION, Answer, HttpClient, answers, served
from tests.event_sources.conftest import FakeInvoker

_numbers = count()


@pytest.fixture(scope="module")
def running(surroundings: Surroundings) -> Iterator[HttpClient]:
    front = LoadBalancerFront(surroundings)
    with served(front.wsgi) as call:
        yield call
    front.stop(1)


@dataclass
class Balancer:
    """A load balancer with one listener."""

    client: Any
    subnets: list[str]
    http: HttpClient
    name: str
    arn: str = ""
    dns_name: str = ""
    listener: str = ""
    groups: dict[str, str] = field(default_factory=dict)

    def make(self) -> None:
        (made,) = self.client.create_load_balancer(Name=self.name, Subnets=self.subnets)[
            "LoadBalancers"
        ]
        self.arn, self.dns_name = made["LoadBalancerArn"], made["DNSName"]

    def group(self, function: str, **options: Any) -> str:
        """The ARN of a target group that holds a function."""
        (made,) = self.client.create_target_group(
            Name=f"{self.name}-{function}", TargetType="lambda", **options
        )["TargetGroups"]
        arn: str = made["TargetGroupArn"]
        self.client.register_targets(TargetGroupArn=arn, Targets=[{"Id": FUNCTION + function}])
        self.groups[function] = arn
        return arn

    def listen(self, *actions: dict[str, Any], port: int = 80) -> None:
        """Make a listener with these default actions."""
        (made,) = self.client.create_listener(
            LoadBalancerArn=self.arn, Protocol="HTTP", Port=port, DefaultActions=list(actions)
        )["Listeners"]
        self.listener = made["ListenerArn"]

    def rule(self, priority: int, action: dict[str, Any], *conditions: dict[str, Any]) -> None:
        """Make a rule."""
        self.client.create_rule(
            ListenerArn=self.listener,
            Priority=priority,
            Conditions=list(conditions),
            Actions=[action],
        )

    def __call__(self, path: str, method: str = "GET", **more: Any) -> Answer:
        headers = {"Host": f"{self.name}.elb.localhost"} | more.pop("headers", {})
        return self.http(path, method, headers=headers, **more)


@pytest.fixture(scope="module")
def client(running_aws: Aws, session: boto3.Session) -> Any:
    """A client of the load balancers; emptying EC2 takes moto long, so nothing is emptied."""
    with closing(session.client("elbv2", **settings(running_aws))) as client:
        yield client


@pytest.fixture(scope="module")
def subnets(running_aws: Aws, session: boto3.Session) -> list[str]:
    with closing(session.client("ec2", **settings(running_aws))) as ec2:
        return [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]


def settings(aws: Aws) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return {"endpoint_url": aws.url, "region_name": "us-east-1", **keys}


@pytest.fixture
def balancer(
    client: Any, subnets: list[str], invoker: FakeInvoker, running: HttpClient
) -> Balancer:
    invoker.answer = answers(lambda event: {"statusCode": 200, "body": json.dumps(event)})
    balancer = Balancer(client, subnets, running, f"web{next(_numbers)}")
    balancer.make()
    return balancer


def forward(arn: str) -> dict[str, Any]:
    return {"Type": "forward", "TargetGroupArn": arn}


def fixed(status: str, body: str = "") -> dict[str, Any]:
    config = {"StatusCode": status, "MessageBody": body, "ContentType": "text/plain"}
    return {"Type": "fixed-response", "FixedResponseConfig": config}


def test_a_function_is_reached_by_name_and_by_dns_name(
    balancer: Balancer, invoker: FakeInvoker
) -> None:
    arn = balancer.group("f")
    balancer.listen(forward(arn))
    for host in (
        f"{balancer.name}.elb.localhost:4566",
        balancer.dns_name,
        balancer.dns_name.upper(),
    ):
        event = json.loads(balancer("/a?x=%26", headers={"Host": host}).body)
        assert event["requestContext"] == {"elb": {"targetGroupArn": arn}}
        assert event["queryStringParameters"] == {"x": "%26"}
        assert event["headers"]["x-forwarded-port"] == "80"
    assert {(call.function, call.source) for call in invoker.calls} == {(f"{FUNCTION}f", "elb")}


def test_rules_are_asked_by_priority_and_the_default_comes_last(balancer: Balancer) -> None:
    balancer.listen(fixed("404", "default"))
    path = {"Field": "path-pattern", "Values": ["/a/*"]}
    post = {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}}
    balancer.rule(20, fixed("200", "any"), path)
    balancer.rule(10, fixed("200", "post"), path, post)
    asked = (("/a/1", "GET"), ("/a/1", "POST"), ("/b", "GET"))
    assert [balancer(*one).body for one in asked] == [b"any", b"post", b"default"]
    assert balancer("/b").status == 404


def test_a_changed_default_action_shows_at_once(balancer: Balancer) -> None:
    balancer.listen(fixed("200", "before"))
    balancer.client.modify_listener(
        ListenerArn=balancer.listener, DefaultActions=[fixed("200", "after")]
    )
    assert balancer("/").body == b"after"


def test_a_redirect_answers_with_its_location(balancer: Balancer) -> None:
    config = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    balancer.listen({"Type": "redirect", "RedirectConfig": config})
    answer = balancer("/a?b=1")
    assert (answer.status, answer.headers["Location"]) == (
        301,
        f"https://{balancer.name}.elb.localhost/a?b=1",
    )


def test_weights_share_the_requests_between_groups(
    balancer: Balancer, invoker: FakeInvoker
) -> None:
    groups = [
        {"TargetGroupArn": balancer.group("never"), "Weight": 0},
        {"TargetGroupArn": balancer.group("always"), "Weight": 5},
    ]
    balancer.listen({"Type": "forward", "ForwardConfig": {"TargetGroups": groups}})
    for _ in range(5):
        balancer("/")
    assert {call.function for call in invoker.calls} == {f"{FUNCTION}always"}


def test_the_attribute_asks_for_multiple_values(balancer: Balancer, invoker: FakeInvoker) -> None:
    arn = balancer.group("f")
    attribute = {"Key": "lambda.multi_value_headers.enabled", "Value": "true"}
    balancer.client.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[attribute])
    balancer.listen(forward(arn))
    cookies = {"Set-Cookie": ["a=1", "b=2"]}
    invoker.answer = answers(
        lambda event: {"statusCode": 200, "multiValueHeaders": cookies, "body": json.dumps(event)}
    )
    answer = balancer("/?x=1&x=2")
    assert json.loads(answer.body)["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def _fail(event: Any) -> None:
    raise RuntimeError("boom")


@pytest.mark.parametrize("make", [_fail, lambda event: "text", lambda event: {"body": "x"}])
def test_a_failed_function_and_a_malformed_answer_are_a_bad_gateway(
    balancer: Balancer, invoker: FakeInvoker, make: Callable[[Any], Any]
) -> None:
    balancer.listen(forward(balancer.group("f")))
    invoker.answer = answers(make)
    answer = balancer("/")
    assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html")
    assert b"<h1>502 Bad Gateway</h1>" in answer.body
    assert answer.headers["Server"] == "awselb/2.0"


def test_a_body_over_a_megabyte_is_refused(balancer: Balancer, invoker: FakeInvoker) -> None:
    balancer.listen(forward(balancer.group("f")))
    assert balancer("/", "POST", body=bytes(1_048_577)).status == 413
    assert balancer("/", "POST", body=bytes(700_000)).status == 200
    assert len(invoker.calls) == 1


def test_a_group_without_target_is_unavailable(balancer: Balancer) -> None:
    arn = balancer.group("f")
    balancer.listen(forward(arn))
    balancer.client.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": f"{FUNCTION}f"}])
    assert balancer("/").status == 503


def test_an_unknown_load_balancer_says_so(balancer: Balancer) -> None:
    answer = balancer("/", headers={"Host": "none.elb.localhost"})
    assert (answer.status, answer.json) == (
        404,
        {"message": "no load balancer 'none' with a listener"},
    )


@pytest.mark.parametrize(
    ("status", "wanted", "expected"),
    [(200, "200", True), (404, "200", False), (204, "200-299", True), (202, "200,202", True)],
)
def test_a_check_expects_a_status(status: int, wanted: str, expected: bool) -> None:
    assert is_expected(status, wanted) is expected


def test_a_group_that_asks_for_it_is_checked_at_intervals(
    balancer: Balancer, invoker: FakeInvoker, surroundings: Surroundings
) -> None:
    def health() -> str:
        (found,) = balancer.client.describe_target_health(TargetGroupArn=arn)[
            "TargetHealthDescriptions"
        ]
        return str(found["TargetHealth"]["State"])

    def let_pass(seconds: float) -> None:
        surroundings.clock.advance(seconds)
        assert surroundings.activity.wait_idle(5) or not surroundings.activity.pending()

    arn = balancer.group(
        "f",
        HealthCheckEnabled=True,
        HealthCheckPath="/ping",
        HealthCheckIntervalSeconds=40,
        HealthyThresholdCount=2,
    )
    let_pass(0)
    assert (health(), len(invoker.calls)) == ("initial", 1)
    assert json.loads(invoker.calls[0].payload) == {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": "GET",
        "path": "/ping",
        "queryStringParameters": {},
        "headers": {"user-agent": "ELB-HealthChecker/2.0"},
        "body": "",
        "isBase64Encoded": False,
    }
    let_pass(39)
    assert len(invoker.calls) == 1
    let_pass(1)
    assert (health(), len(invoker.calls)) == ("healthy", 2)
    invoker.answer = answers(lambda event: {"statusCode": 500})
    let_pass(40)
    assert health() == "healthy"
    let_pass(40)
    assert health() == "unhealthy"
    balancer.client.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": f"{FUNCTION}f"}])
    let_pass(40)
    let_pass(40)
    assert len(invoker.calls) == 4


def test_a_functions_group_is_not_checked_unless_asked(balancer: Balancer) -> None:
    arn = balancer.group("f")
    (group,) = balancer.client.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    assert (group["HealthCheckEnabled"], group["HealthCheckIntervalSeconds"]) == (False, 35)
    (found,) = balancer.client.describe_target_health(TargetGroupArn=arn)[
        "TargetHealthDescriptions"
    ]
    assert found["TargetHealth"]["State"] == "unavailable"
