"""From a table's stream to the function."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from emulator.event_sources import Surroundings
from emulator.event_sources.mappings import Mappings
from emulator.event_sources.stream_triggers import TableTriggers
from emulator.event_sources.table_expiry import TableExpiry
from emulator.model.triggers.streams import StreamOptions, TableTrigger
from emulator.observe import Reporter
from tests.aws.conftest import Aws, Client
from tests.event_sources.conftest import FakeInvoker
from tests.event_sources.stream_lab import FUNCTION, Script, StreamLab, failing

SHARD = "shardId-00000001541626099285-f35f62ef"


@pytest.fixture(scope="module")
def source(surroundings: Surroundings) -> Iterator[Mappings]:
    made = Mappings(surroundings)
    surroundings.clock.freeze(True)
    yield made
    surroundings.clock.freeze(False)
    made.stop(5)


@pytest.fixture(scope="module")
def expiry(surroundings: Surroundings) -> Iterator[TableExpiry]:
    made = TableExpiry(surroundings)
    yield made
    made.stop(1)


@pytest.fixture
def dynamodb(client: Client, aws: Aws) -> Any:
    return client("dynamodb")


@pytest.fixture
def lab(
    dynamodb: Any, surroundings: Surroundings, invoker: FakeInvoker, source: Mappings
) -> Iterator[StreamLab]:
    yield StreamLab(surroundings, invoker, make_table(dynamodb))
    surroundings.mappings.reset()
    source.reset()


def make_table(dynamodb: Any) -> str:
    made = dynamodb.create_table(
        TableName="tbl",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return str(made["TableDescription"]["LatestStreamArn"])


def put(dynamodb: Any, name: str, **attributes: Any) -> None:
    dynamodb.put_item(TableName="tbl", Item={"id": {"S": name}, **attributes})


def ids(event: dict[str, Any]) -> list[str]:
    return [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]


def test_an_event_is_as_aws_sends_it(lab: StreamLab, dynamodb: Any, aws: Aws) -> None:
    lab.map()
    put(dynamodb, "1", v={"N": "5"}, b={"B": b"\x00\xff"})
    [event] = lab.events
    [record] = event["Records"]
    assert re.fullmatch(r"[0-9a-f]{32}", record.pop("eventID"))
    assert re.fullmatch(r"\d{21,40}", record["dynamodb"].pop("SequenceNumber"))
    assert re.search(r"/stream/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$", record["eventSourceARN"])
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": float(int(aws.clock.now())),
            "Keys": {"id": {"S": "1"}},
            "NewImage": {"id": {"S": "1"}, "v": {"N": "5"}, "b": {"B": "AP8="}},
            "SizeBytes": record["dynamodb"]["SizeBytes"],
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": lab.mapping.source_arn,
    }
    [call] = lab.invoker.calls
    assert (call.function, call.source) == (FUNCTION, "dynamodb")
    assert lab.result == "OK"


def test_changes_come_in_order_with_their_images(lab: StreamLab, dynamodb: Any) -> None:
    put(dynamodb, "1", v={"S": "a"})
    put(dynamodb, "1", v={"S": "a"})  # changes nothing
    put(dynamodb, "1", v={"S": "b"})
    dynamodb.delete_item(TableName="tbl", Key={"id": {"S": "1"}})
    lab.map()
    [event] = lab.events
    assert [record["eventName"] for record in event["Records"]] == ["INSERT", "MODIFY", "REMOVE"]
    modified = event["Records"][1]["dynamodb"]
    assert (modified["OldImage"]["v"], modified["NewImage"]["v"]) == ({"S": "a"}, {"S": "b"})
    assert not any("userIdentity" in record for record in event["Records"])


def test_a_trigger_whose_table_is_missing_says_so_and_waits(
    surroundings: Surroundings, dynamodb: Any
) -> None:
    dynamodb.list_tables()
    terminal = io.StringIO()
    reporter = Reporter(terminal)
    triggers = TableTriggers(replace(surroundings, reporter=reporter))
    trigger = TableTrigger(table="tbl", options=StreamOptions())
    triggers.bind(trigger, FUNCTION)
    reporter.stop()
    assert terminal.getvalue() == (
        f"dynamodb.table_awaited table=tbl function={FUNCTION.rpartition(':')[2]}"
        ' hint="there is none yet: list it as [resources.tables.tbl], or create it with a stream"\n'
    )
    arn = make_table(dynamodb)
    try:
        assert [each.source_arn for each in surroundings.mappings.all()] == [arn]
    finally:
        triggers.unbind(trigger, FUNCTION)


def test_latest_begins_with_the_mapping(lab: StreamLab, dynamodb: Any) -> None:
    put(dynamodb, "1")
    lab.map(starting_position="LATEST")
    put(dynamodb, "2")
    assert [ids(event) for event in lab.events] == [["2"]]


def test_filters_see_dynamodbs_own_json(lab: StreamLab, dynamodb: Any) -> None:
    new_image = {"NewImage": {"v": {"N": ["5"]}}}
    lab.map(filters=(json.dumps({"eventName": ["INSERT"], "dynamodb": new_image}),))
    put(dynamodb, "1", v={"N": "4"})
    put(dynamodb, "2", v={"N": "5"})
    put(dynamodb, "1", v={"N": "5"})  # no INSERT
    assert [ids(event) for event in lab.events] == [["2"]]


def test_a_batch_that_is_given_up_goes_to_the_topic(
    lab: StreamLab, dynamodb: Any, client: Client
) -> None:
    sqs, sns = client("sqs"), client("sns")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:q")
    lab.invoker.answer = failing(lambda event: "bad" in ids(event))
    lab.map(maximum_retries=1, on_failure_arn=topic, batch_size=1)
    for name in ("a", "bad", "b"):
        put(dynamodb, name)
    lab.advance(0.25)
    assert [ids(event) for event in lab.events] == [["a"], ["bad"], ["bad"], ["b"]]
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    record = json.loads(json.loads(message["Body"])["Message"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    details = record["DDBStreamBatchInfo"]
    at = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(at, details.pop("approximateArrivalOfFirstRecord"))
    assert re.fullmatch(at, details.pop("approximateArrivalOfLastRecord"))
    assert details.pop("startSequenceNumber") == details.pop("endSequenceNumber")
    assert details == {"shardId": SHARD, "batchSize": 1, "streamArn": lab.mapping.source_arn}


def test_lanes_keep_the_order_of_an_item(lab: StreamLab, dynamodb: Any) -> None:
    lab.invoker.answer = Script(*["error"] * 3)
    lab.map(parallelization_factor=5, batch_size=2)
    for value in range(30):
        put(dynamodb, str(value % 6), v={"N": str(value)})
    lab.advance(0.25)
    lab.advance(0.5)
    lab.advance(1)
    by_item: dict[str, list[int]] = {}
    for event in lab.events:
        for record in event["Records"]:
            value = int(record["dynamodb"]["NewImage"]["v"]["N"])
            found = by_item.setdefault(record["dynamodb"]["Keys"]["id"]["S"], [])
            if value not in found:
                found.append(value)
    assert by_item == {str(name): list(range(name, 30, 6)) for name in range(6)}


def test_an_item_goes_when_its_time_to_live_is_over(
    lab: StreamLab, dynamodb: Any, expiry: TableExpiry
) -> None:
    now = int(lab.around.clock.now())
    dynamodb.update_time_to_live(
        TableName="tbl", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )
    put(dynamodb, "first", ttl={"N": str(now + 60)})
    put(dynamodb, "second", ttl={"N": str(now + 200)})
    put(dynamodb, "text", ttl={"S": str(now + 60)})
    put(dynamodb, "ancient", ttl={"N": "1"})
    dynamodb.update_item(
        TableName="tbl",
        Key={"id": {"S": "third"}},
        UpdateExpression="SET #t = :t",
        ExpressionAttributeNames={"#t": "ttl"},
        ExpressionAttributeValues={":t": {"N": str(now + 100)}},
    )
    lab.map(starting_position="LATEST")
    lab.advance(59)
    assert lab.events == []
    for seconds in (2, 40, 200):
        lab.advance(seconds)
    assert [ids(event) for event in lab.events] == [["first"], ["third"], ["second"]]
    [record] = lab.events[0]["Records"]
    assert record["eventName"] == "REMOVE"
    assert record["userIdentity"] == {
        "type": "Service",
        "principalId": "dynamodb.amazonaws.com",
    }
    left = dynamodb.scan(TableName="tbl")["Items"]
    assert sorted(item["id"]["S"] for item in left) == ["ancient", "text"]


def test_an_update_without_an_expression_makes_the_item(lab: StreamLab, dynamodb: Any) -> None:
    lab.map()
    for _ in range(2):  # the second one changes nothing
        dynamodb.update_item(TableName="tbl", Key={"id": {"S": "1"}})
    assert [ids(event) for event in lab.events] == [["1"]]


@pytest.mark.parametrize("table", ["tbl", "arn:aws:dynamodb:us-east-1:000000000000:table/tbl"])
def test_a_failed_transaction_changes_and_invokes_nothing(
    lab: StreamLab, dynamodb: Any, table: str
) -> None:
    lab.map()
    put(dynamodb, "1")
    check = {"TableName": table, "Key": {"id": {"S": "1"}}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": {"id": {"S": "2"}}}},
                {"ConditionCheck": {**check, "ConditionExpression": "attribute_not_exists(id)"}},
            ]
        )
    put(dynamodb, "3")
    assert dynamodb.scan(TableName="tbl")["Count"] == 2
    assert [name for event in lab.events for name in ids(event)] == ["1", "3"]


def test_a_disabled_stream_is_read_to_its_end(lab: StreamLab, dynamodb: Any) -> None:
    lab.invoker.answer = Script("error")
    lab.map()
    put(dynamodb, "1")
    dynamodb.update_table(TableName="tbl", StreamSpecification={"StreamEnabled": False})
    put(dynamodb, "2")
    lab.advance(0.25)
    assert [ids(event) for event in lab.events] == [["1"], ["1"]]
    assert lab.result == "OK"
    dynamodb.delete_table(TableName="tbl")
    assert lab.result == "PROBLEM: Stream not found"


def test_a_table_that_is_made_again_has_another_stream(lab: StreamLab, dynamodb: Any) -> None:
    lab.map()
    put(dynamodb, "1")
    assert len(lab.events) == 1
    dynamodb.delete_table(TableName="tbl")
    make_table(dynamodb)
    put(dynamodb, "2")
    assert len(lab.events) == 1
