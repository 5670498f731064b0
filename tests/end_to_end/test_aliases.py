"""Aliases in front of functions that run."""

import http.client
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.calls import invoke
from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

SOURCE = """
def handler(event, context):
    return [context.function_version, context.invoked_function_arn.split(":", 6)[6]]
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:greeter:live"
INVOKES, CALLERS = 2_000, 4
# Of 2,000 calls, each with a chance of a tenth, fewer or more than these lead to the other version
# less than twice in ten thousand million runs (binomial distribution).
FEWEST, MOST = 120, 290


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = ProjectFolder(tmp_path_factory.mktemp("aliases"))
    project.add("greeter", SOURCE)
    project.add("sender", SOURCE)
    return project.path


@pytest.fixture(scope="module")
def emulator(folder: Path) -> Iterator[RunningEmulator]:
    with running_emulator(folder) as emulator:
        functions = emulator.client("lambda")
        for timeout in (4, 5):
            functions.update_function_configuration(FunctionName="greeter", Timeout=timeout)
            functions.publish_version(FunctionName="greeter")
        yield emulator


@pytest.fixture(scope="module")
def functions(emulator: RunningEmulator) -> Any:
    return emulator.client("lambda")


@pytest.fixture
def point(functions: Any) -> Iterator[Callable[..., None]]:
    """Point alias `live` at a version of `greeter`; it goes at the end."""

    def point(version: str, **shares: float) -> None:
        weights = {name.removeprefix("v"): share for name, share in shares.items()}
        call = functions.update_alias
        if not functions.list_aliases(FunctionName="greeter")["Aliases"]:
            call = functions.create_alias
        call(
            FunctionName="greeter",
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )

    yield point
    functions.delete_alias(FunctionName="greeter", Name="live")


def calls(emulator: RunningEmulator, number: int) -> Counter[str | None]:
    """Call the alias so often, on one connection; count the versions that ran."""
    address = urlsplit(emulator.endpoint)
    assert address.hostname
    path = "/2015-03-31/functions/greeter/invocations?Qualifier=live"
    ran: Counter[str | None] = Counter()
    with closing(http.client.HTTPConnection(address.hostname, address.port)) as connection:
        for _ in range(number):
            connection.request("POST", path, b"{}")
            answer = connection.getresponse()
            version = answer.headers["X-Amz-Executed-Version"]
            assert answer.read().decode() == f'["{version}", "greeter:live"]'
            ran[version] += 1
    return ran


def test_a_function_learns_version_and_alias(functions: Any, point: Callable[..., None]) -> None:
    for version in ("1", "2", "$LATEST"):
        point(version)
        for name in ({"FunctionName": "greeter:live"}, {"Qualifier": "live"}):
            named = {"FunctionName": "greeter", **name}
            answer = functions.invoke(**named)
            assert answer["ExecutedVersion"] == version
            assert answer["Payload"].read().decode() == f'["{version}", "greeter:live"]'
    assert invoke(functions, "greeter", Qualifier="2").result == ["2", "greeter:2"]


def test_a_tenth_of_the_calls_goes_to_the_other_version(
    emulator: RunningEmulator, point: Callable[..., None]
) -> None:
    point("1", v2=0.1)
    with ThreadPoolExecutor(CALLERS) as callers:
        shares = callers.map(partial(calls, emulator), [INVOKES // CALLERS] * CALLERS)
        counts = sum(shares, Counter[str | None]())
    assert set(counts) == {"1", "2"}
    assert FEWEST <= counts["2"] <= MOST
    point("1")
    assert set(calls(emulator, 50)) == {"1"}


def test_no_call_fails_while_an_alias_moves(
    emulator: RunningEmulator, point: Callable[..., None]
) -> None:
    point("1")
    with ThreadPoolExecutor(CALLERS) as callers:
        called = [callers.submit(calls, emulator, 200) for _ in range(CALLERS)]
        for _ in range(25):
            point("1")
            point("2", v1=0.5)
            point("$LATEST")
        assert sum(sum(each.result().values()) for each in called) == 200 * CALLERS
    assert set(calls(emulator, 50)) == {"$LATEST"}


def store_object(emulator: RunningEmulator) -> None:
    buckets = emulator.client("s3")
    buckets.create_bucket(Bucket="photos")
    buckets.put_bucket_notification_configuration(
        Bucket="photos",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": ARN, "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    buckets.put_object(Bucket="photos", Key="k", Body=b"x")


def publish(emulator: RunningEmulator) -> None:
    topics = emulator.client("sns")
    topic = topics.create_topic(Name="topic")["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=ARN)
    topics.publish(TopicArn=topic, Message="m")


def put_event(emulator: RunningEmulator) -> None:
    events = emulator.client("events")
    events.put_rule(Name="rule", EventPattern='{"source": ["test"]}')
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": ARN}])
    events.put_events(Entries=[{"Source": "test", "DetailType": "d", "Detail": "{}"}])


def send_message(emulator: RunningEmulator) -> None:
    queues, functions = emulator.client("sqs"), emulator.client("lambda")
    queue = queues.create_queue(QueueName="queue")["QueueUrl"]
    mapping = functions.create_event_source_mapping(
        FunctionName="greeter:live", EventSourceArn="arn:aws:sqs:us-east-1:000000000000:queue"
    )
    assert mapping["FunctionArn"] == ARN
    queues.send_message(QueueUrl=queue, MessageBody="m")


def run_state_machine(emulator: RunningEmulator) -> None:
    machines = emulator.client("stepfunctions")
    task = {"Type": "Task", "Resource": ARN, "End": True}
    machine = machines.create_state_machine(
        name="machine",
        roleArn="arn:aws:iam::000000000000:role/r",
        definition=json.dumps({"StartAt": "T", "States": {"T": task}}),
    )
    machines.start_execution(stateMachineArn=machine["stateMachineArn"])


def succeed(emulator: RunningEmulator) -> None:
    functions = emulator.client("lambda")
    functions.publish_version(FunctionName="sender")
    functions.create_alias(FunctionName="sender", Name="live", FunctionVersion="1")
    functions.put_function_event_invoke_config(
        FunctionName="sender",
        Qualifier="live",
        DestinationConfig={"OnSuccess": {"Destination": ARN}},
    )
    functions.invoke(FunctionName="sender:live", InvocationType="Event")


@pytest.mark.parametrize(
    "cause", [store_object, publish, put_event, send_message, run_state_machine, succeed]
)
def test_every_source_reaches_an_alias(
    emulator: RunningEmulator, point: Callable[..., None], cause: Callable[[RunningEmulator], None]
) -> None:
    point("1")
    before = {record["request_id"] for record in emulator.invocations("greeter")}
    cause(emulator)
    emulator.settle()
    newest, *_ = emulator.invocations("greeter")
    assert newest["request_id"] not in before
    assert newest["response"] == ["1", "greeter:live"]
    if cause is succeed:
        assert newest["event"]["requestContext"]["functionArn"].endswith(":function:sender:live")


def test_events_go_where_the_alias_points(
    emulator: RunningEmulator, functions: Any, point: Callable[..., None]
) -> None:
    point("1", v2=1.0)
    functions.invoke(FunctionName="greeter", Qualifier="live", InvocationType="Event")
    emulator.settle()
    newest, *_ = emulator.invocations("greeter")
    assert newest["response"] == ["2", "greeter:live"]
