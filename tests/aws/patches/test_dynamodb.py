"""A table's stream: one record for each change that stays, with the images of its view."""

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.aws import RecordsAppendedFact, StreamChangedFact, TableRecord
from tests.aws.conftest import Aws, Client

SHARD = "shardId-00000001541626099285-f35f62ef"  # the one of every table
KEYS = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
ATTRIBUTES = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}


def make_table(dynamodb: Any, view: str = "NEW_AND_OLD_IMAGES") -> str:
    made = dynamodb.create_table(
        TableName="tbl",
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
        **KEYS,
        **ATTRIBUTES,
    )
    return str(made["TableDescription"]["LatestStreamArn"])


@pytest.fixture
def dynamodb(client: Client) -> Any:
    return client("dynamodb")


@pytest.fixture
def arn(dynamodb: Any) -> str:
    return make_table(dynamodb)


def put(dynamodb: Any, name: str, value: str = "x") -> None:
    dynamodb.put_item(TableName="tbl", Item={"id": {"S": name}, "v": {"S": value}})


def read(aws: Aws, arn: str) -> list[Any]:
    described = aws.moto.tables.describe(arn)
    assert described is not None
    records = aws.moto.tables.read(arn, described.shards[0].id, 0, 1000)
    return [record.document for record in records if isinstance(record, TableRecord)]


def names(aws: Aws, arn: str) -> list[str]:
    return [document["eventName"] for document in read(aws, arn)]


def test_a_write_that_changes_nothing_tells_nothing(dynamodb: Any, arn: str, aws: Aws) -> None:
    put(dynamodb, "1")
    aws.facts.clear()
    put(dynamodb, "1")
    dynamodb.update_item(
        TableName="tbl",
        Key={"id": {"S": "1"}},
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"S": "x"}},
    )
    dynamodb.delete_item(TableName="tbl", Key={"id": {"S": "2"}})
    assert aws.facts == []
    assert names(aws, arn) == ["INSERT"]


def test_an_update_that_makes_an_item_is_one_insert(dynamodb: Any, arn: str, aws: Aws) -> None:
    update = {
        "TableName": "tbl",
        "Key": {"id": {"S": "1"}},
        "UpdateExpression": "SET v = :v",
        "ExpressionAttributeValues": {":v": {"S": "x"}},
    }
    dynamodb.update_item(**update)
    [document] = read(aws, arn)
    assert document["eventName"] == "INSERT"
    assert document["dynamodb"]["NewImage"] == {"id": {"S": "1"}, "v": {"S": "x"}}
    failing = update | {"Key": {"id": {"S": "2"}}, "UpdateExpression": "SET v = w + :v"}
    with pytest.raises(ClientError):
        dynamodb.update_item(**failing)
    assert "Item" not in dynamodb.get_item(TableName="tbl", Key={"id": {"S": "2"}})
    assert len(read(aws, arn)) == 1


def test_later_changes_do_not_change_what_was_told(dynamodb: Any, arn: str, aws: Aws) -> None:
    item = {"id": {"S": "1"}, "m": {"M": {"a": {"L": [{"N": "1"}]}}}}
    dynamodb.put_item(TableName="tbl", Item=item)
    dynamodb.update_item(
        TableName="tbl",
        Key={"id": {"S": "1"}},
        UpdateExpression="SET m.a[0] = :v",
        ExpressionAttributeValues={":v": {"N": "2"}},
    )
    first, second = (document["dynamodb"] for document in read(aws, arn))
    assert first["NewImage"] == item == second["OldImage"]
    assert second["NewImage"]["m"] == {"M": {"a": {"L": [{"N": "2"}]}}}


def test_a_failed_transaction_leaves_no_trace_and_the_stream_goes_on(
    dynamodb: Any, arn: str, aws: Aws
) -> None:
    put(dynamodb, "1")
    aws.facts.clear()
    new = {"Put": {"TableName": "tbl", "Item": {"id": {"S": "2"}}}}
    check = {
        "ConditionCheck": {
            "TableName": "tbl",
            "Key": {"id": {"S": "1"}},
            "ConditionExpression": "attribute_not_exists(id)",
        }
    }
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamodb.transact_write_items(TransactItems=[new, check])
    assert (aws.facts, names(aws, arn)) == ([], ["INSERT"])
    dynamodb.transact_write_items(TransactItems=[new])
    assert aws.facts == [RecordsAppendedFact(stream_arn=arn, shard_id=SHARD)]
    put(dynamodb, "3")
    numbers = [document["dynamodb"]["SequenceNumber"] for document in read(aws, arn)]
    assert len(set(numbers)) == 3
    assert sorted(numbers) == numbers


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", [set(), set(), set()]),
        ("NEW_IMAGE", [{"NewImage"}, {"NewImage"}, set()]),
        ("OLD_IMAGE", [set(), {"OldImage"}, {"OldImage"}]),
        ("NEW_AND_OLD_IMAGES", [{"NewImage"}, {"NewImage", "OldImage"}, {"OldImage"}]),
    ],
)
def test_a_view_has_its_images(dynamodb: Any, aws: Aws, view: str, images: list[set[str]]) -> None:
    arn = make_table(dynamodb, view)
    put(dynamodb, "1")
    put(dynamodb, "1", "y")
    dynamodb.delete_item(TableName="tbl", Key={"id": {"S": "1"}})
    documents = read(aws, arn)
    assert [document["eventName"] for document in documents] == ["INSERT", "MODIFY", "REMOVE"]
    changes = [document["dynamodb"] for document in documents]
    assert [set(change) & {"NewImage", "OldImage"} for change in changes] == images
    assert all(change["Keys"] == {"id": {"S": "1"}} for change in changes)
    assert all(change["StreamViewType"] == view for change in changes)
    assert [change["SizeBytes"] for change in changes] == [3 + 5 * len(kept) for kept in images]


def test_a_record_names_its_region(client: Client, aws: Aws) -> None:
    dynamodb = client("dynamodb", region="eu-west-1")
    arn = make_table(dynamodb)
    put(dynamodb, "1")
    [document] = read(aws, arn)
    assert (document["awsRegion"], document["eventVersion"]) == ("eu-west-1", "1.1")


def test_a_disabled_stream_gets_nothing_and_another_one_begins(
    dynamodb: Any, arn: str, aws: Aws
) -> None:
    put(dynamodb, "1")
    aws.facts.clear()
    dynamodb.update_table(TableName="tbl", StreamSpecification={"StreamEnabled": False})
    assert aws.facts == [StreamChangedFact(stream_arn=arn)]
    put(dynamodb, "2")
    assert names(aws, arn) == ["INSERT"]
    described = aws.moto.tables.describe(arn)
    assert described is not None
    assert described.shards[0].is_closed
    enabled = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    table = dynamodb.update_table(TableName="tbl", StreamSpecification=enabled)
    newer = table["TableDescription"]["LatestStreamArn"]
    assert newer > arn
    assert aws.moto.tables.describe(arn) is None
    told: list[str | None] = []
    aws.moto.tables.when_streaming(table["TableDescription"]["TableArn"], told.append)
    assert told == [newer]


def test_iterators_of_the_streams_api_name_places(dynamodb: Any, arn: str, client: Client) -> None:
    streams = client("dynamodbstreams")
    for name in "123":
        put(dynamodb, name)
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    source = {"StreamArn": arn, "ShardId": shard}
    iterator = streams.get_shard_iterator(**source, ShardIteratorType="TRIM_HORIZON")
    page = streams.get_records(ShardIterator=iterator["ShardIterator"], Limit=2)
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in page["Records"]] == ["1", "2"]
    for _ in range(2):  # an iterator can be used again
        rest = streams.get_records(ShardIterator=page["NextShardIterator"])
        assert [record["dynamodb"]["Keys"]["id"]["S"] for record in rest["Records"]] == ["3"]
    number = page["Records"][1]["dynamodb"]["SequenceNumber"]
    at = streams.get_shard_iterator(
        **source, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=number
    )
    assert len(streams.get_records(ShardIterator=at["ShardIterator"])["Records"]) == 2


def test_numbers_are_unique_and_ordered_under_threads(
    dynamodb: Any, arn: str, aws: Aws, client: Client
) -> None:
    def produce(one: Any, prefix: str) -> None:
        for index in range(40):
            put(one, f"{prefix}{index}")

    threads = [
        threading.Thread(target=produce, args=(client("dynamodb"), prefix)) for prefix in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [int(document["dynamodb"]["SequenceNumber"]) for document in read(aws, arn)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 160
