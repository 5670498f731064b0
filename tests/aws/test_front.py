"""Requests over a socket: who is asked, what is answered, what is refused."""

import http.client
import io
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws.conftest import Aws, Client

AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/{}/aws4_request, "
    "SignedHeaders=host, Signature=0"
)


def send(
    aws: Aws, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named, encode_chunked=body is not None)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


# --- routing, accounts, regions ---------------------------------------------------------


def test_a_query_presigned_call_reaches_its_service(aws: Aws, client: Client) -> None:
    url = client("sts").generate_presigned_url("get_caller_identity")
    _, _, body = send(aws, "GET", url.removeprefix(aws.url))
    assert b"<Account>000000000000</Account>" in body


def test_unsigned_calls_reach_their_service(aws: Aws, client: Client) -> None:
    client("sqs").create_queue(QueueName="it")
    _, _, listed = send(aws, "GET", "/?Action=ListQueues")
    assert b"000000000000/it</QueueUrl>" in listed
    form = urlencode({"Action": "ListQueues", "Version": "2012-11-05"})
    content = {"Content_Type": "application/x-www-form-urlencoded", "Content_Length": "999"}
    content["Content_Length"] = str(len(form))
    assert b"000000000000/it</QueueUrl>" in send(aws, "POST", "/", form, **content)[2]
    target = {"X_Amz_Target": "DynamoDB_20120810.ListTables", "Content_Length": "2"}
    assert json.loads(send(aws, "POST", "/", "{}", **target)[2]) == {"TableNames": []}


def test_the_access_key_chooses_the_account(client: Client) -> None:
    for key, account in (("test", "000000000000"), ("111111111111", "111111111111")):
        assert client("sts", key=key).get_caller_identity()["Account"] == account
    client("sqs", key="111111111111").create_queue(QueueName="theirs")
    assert "QueueUrls" not in client("sqs").list_queues()


def test_moto_agrees_on_the_default_account_everywhere(client: Client) -> None:
    arn = client("sns").create_topic(Name="it")["TopicArn"]
    assert arn == "arn:aws:sns:us-east-1:000000000000:it"
    assert ":000000000000:" in client("iam").create_user(UserName="it")["User"]["Arn"]


def test_role_credentials_act_as_their_session(aws: Aws, client: Client) -> None:
    issued = aws.moto.credentials.issue("000000000000", "arn:aws:iam::000000000000:role/r", "fn")
    identity = client("sts", key=issued.access_key).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::000000000000:assumed-role/r/fn"
    assert identity["UserId"] == issued.user_id


def test_a_region_that_does_not_exist_is_named_with_the_nearest_one(client: Client) -> None:
    for service, operation in (
        ("sqs", "list_queues"),
        ("iam", "list_users"),
        ("s3", "list_buckets"),
    ):
        with pytest.raises(ClientError) as error:
            getattr(client(service, region="eu-cenral-1"), operation)()
        assert code_of(error) == "InvalidRegion"
        assert 'Did you mean "eu-central-1"?' in str(error.value)


def test_regions_are_separate(client: Client) -> None:
    client("sqs", region="eu-west-1").create_queue(QueueName="there")
    assert "QueueUrls" not in client("sqs").list_queues()


# --- errors and moto's own API ----------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "call", "action"),
    [
        ("events", lambda c: c.describe_endpoint(Name="x"), "DescribeEndpoint"),
        ("sns", lambda c: c.list_origination_numbers(), "ListOriginationNumbers"),
        ("apigateway", lambda c: c.get_sdk_types(), "GET /sdktypes"),
        (
            "glue",
            lambda c: c.get_column_statistics_task_runs(DatabaseName="d", TableName="t"),
            "GetColumnStatisticsTaskRuns",
        ),
        (
            "cloudformation",
            lambda c: c.continue_update_rollback(StackName="s"),
            "ContinueUpdateRollback",
        ),
        ("cloudformation", lambda c: c.detect_stack_drift(StackName="s"), "DetectStackDrift"),
    ],
)
def test_what_moto_lacks_is_named_in_the_services_own_error(
    service: str, call: Callable[[Any], Any], action: str, client: Client
) -> None:
    with pytest.raises(ClientError) as error:
        call(client(service))
    assert code_of(error) == "NotImplemented"
    assert f"does not support {action} here" in str(error.value)


def test_a_crash_inside_moto_is_told_once_on_the_terminal(aws: Aws) -> None:
    crash = {
        "X_Amz_Target": "Kinesis_20131202.CreateStream",
        "Authorization": AUTHORIZATION.format("kinesis"),
        "Content_Type": "application/x-amz-json-1.1",
        "Content_Length": "19",
    }
    for _ in range(2):
        status, headers, body = send(aws, "POST", "/", '{"StreamName": "s"}', **crash)
        assert (status, headers["x-amzn-errortype"]) == (501, "NotImplemented")
        assert "CreateStream" in json.loads(body)["message"]
        assert "TypeError" not in json.loads(body)["message"]
    aws.reporter.stop()
    assert aws.terminal.getvalue().count("aws.failed service=kinesis") == 1


def test_motos_switches_cannot_be_turned(aws: Aws) -> None:
    status, _, body = send(aws, "POST", "/moto-api/config", "{}", Content_Length="2")
    assert status == 403
    assert b"cannot be changed here" in body


def test_motos_reset_is_ours(aws: Aws, client: Client) -> None:
    client("s3").create_bucket(Bucket="bkt")
    client("sqs", key="111111111111", region="eu-west-1").create_queue(QueueName="it")
    assert send(aws, "POST", "/moto-api/reset", "", Content_Length="0")[0] == 200
    assert client("s3").list_buckets()["Buckets"] == []
    assert "QueueUrls" not in client("sqs", key="111111111111", region="eu-west-1").list_queues()


# --- S3 bodies, keys and hosts ----------------------------------------------------------


@pytest.fixture
def s3(client: Client) -> Any:
    made = client("s3")
    made.create_bucket(Bucket="bkt")
    return made


def content(s3: Any, key: str) -> bytes:
    body: bytes = s3.get_object(Bucket="bkt", Key=key)["Body"].read()
    return body


@pytest.mark.parametrize(
    "key",
    [
        "a b+c/é.txt",
        "a%20b",
        "a//b",
        "/leading",
        "2015-03-31/functions/x",
        "?q=1&x",
        "x/",
        "a:b~c'(d)",
    ],
)
def test_a_key_comes_back_as_it_went_in(s3: Any, key: str) -> None:
    s3.put_object(Bucket="bkt", Key=key, Body=b"hello")
    assert content(s3, key) == b"hello"
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="bkt")["Contents"]] == [key]


def test_metadata_keeps_underscores_and_dashes(s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="k", Metadata={"a_b": "1", "c-d": "2"})
    assert s3.head_object(Bucket="bkt", Key="k")["Metadata"] == {"a_b": "1", "c-d": "2"}


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256", "SHA1"])
def test_streams_with_a_trailing_checksum_are_stored_decoded(s3: Any, algorithm: str) -> None:
    s3.put_object(Bucket="bkt", Key="k", Body=io.BytesIO(b"hello"), ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket="bkt", Key="k", ChecksumMode="ENABLED")
    assert content(s3, "k") == b"hello"
    assert head["ContentLength"] == 5
    assert head.get("ContentEncoding", "") == ""
    assert head[f"Checksum{algorithm}"]


@pytest.mark.parametrize("in_chunks", [False, True])
@pytest.mark.parametrize(
    ("sha", "size_line", "trailer"),
    [
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "5", "x-amz-checksum-crc32:NhCmhg==\r\n"),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "5;chunk-signature=ab", ""),
        (
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            "5;chunk-signature=ab",
            "x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:ab\r\n",
        ),
    ],
)
def test_aws_chunked_bodies_are_stored_decoded_with_and_without_length(
    aws: Aws, s3: Any, sha: str, size_line: str, trailer: str, in_chunks: bool
) -> None:
    end = size_line.replace("5", "0", 1)
    body = f"{size_line}\r\nhello\r\n{end}\r\n{trailer}\r\n".encode()
    headers = {
        "Authorization": AUTHORIZATION.format("s3"),
        "Content_Encoding": "aws-chunked",
        "x_amz_content_sha256": sha,
        "x_amz_decoded_content_length": "5",
    }
    if in_chunks:
        headers["Transfer_Encoding"] = "chunked"
    else:
        headers["Content_Length"] = str(len(body))
    assert send(aws, "PUT", "/bkt/k", iter([body]), **headers)[0] == 200
    assert content(s3, "k") == b"hello"


def test_an_aws_chunked_body_that_breaks_off_stores_nothing(aws: Aws, s3: Any) -> None:
    status, _, body = send(
        aws,
        "PUT",
        "/bkt/k",
        b"5\r\nhel",
        Authorization=AUTHORIZATION.format("s3"),
        Content_Length="6",
        x_amz_content_sha256="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    )
    assert status == 400
    assert b"<Code>IncompleteBody</Code>" in body
    assert "Contents" not in s3.list_objects_v2(Bucket="bkt")


def test_a_put_with_a_forms_content_type_is_an_object(aws: Aws, s3: Any) -> None:
    headers = {
        "Authorization": AUTHORIZATION.format("s3"),
        "Content_Type": "application/x-www-form-urlencoded",
        "Content_Length": "7",
    }
    send(aws, "PUT", "/bkt/k", b"key=a&b", **headers)
    assert content(s3, "k") == b"key=a&b"


def test_large_objects_and_ranges(s3: Any) -> None:
    body = bytes(range(256)) * 40_000
    s3.put_object(Bucket="bkt", Key="k", Body=body)
    assert content(s3, "k") == body
    part = s3.get_object(Bucket="bkt", Key="k", Range="bytes=1000-1999")
    assert part["Body"].read() == body[1000:2000]


@pytest.mark.parametrize(
    "host",
    [
        "bkt.localhost",
        "bkt.s3.localhost",
        "bkt.s3.us-east-1.amazonaws.com",
        "bkt.localhost.localstack.cloud",
    ],
)
def test_a_bucket_may_stand_in_the_host(aws: Aws, s3: Any, host: str) -> None:
    sent = {"Authorization": AUTHORIZATION.format("s3"), "Host": f"{host}:{aws.port}"}
    assert send(aws, "PUT", "/k", b"hello", Content_Length="5", **sent)[0] == 200
    assert content(s3, "k") == b"hello"
    assert send(aws, "GET", "/k", None, **sent)[2] == b"hello"


def test_other_dotted_hosts_name_no_bucket(aws: Aws, s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="k", Body=b"hello")
    for host in ("s3.localhost.localstack.cloud", "emulator.internal"):
        sent = {"Authorization": AUTHORIZATION.format("s3"), "Host": host}
        assert send(aws, "GET", "/bkt/k", None, **sent)[2] == b"hello"


def test_presigned_urls_work_without_headers(aws: Aws, client: Client, s3: Any) -> None:
    for version in ("s3v4", "s3"):
        signer = client("s3", config=Config(signature_version=version))
        put = signer.generate_presigned_url("put_object", {"Bucket": "bkt", "Key": "k"})
        assert send(aws, "PUT", put.removeprefix(aws.url), b"hello", Content_Length="5")[0] == 200
        get = signer.generate_presigned_url("get_object", {"Bucket": "bkt", "Key": "k"})
        assert send(aws, "GET", get.removeprefix(aws.url))[2] == b"hello"


def test_answers_carry_the_request_ids_of_their_service(aws: Aws, s3: Any, client: Client) -> None:
    meta = s3.put_object(Bucket="bkt", Key="k")["ResponseMetadata"]
    assert len(meta["RequestId"]) == 16
    assert len(meta["HostId"]) == 76
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="bkt", Key="missing")
    assert len(error.value.response["ResponseMetadata"]["RequestId"]) == 16
    assert len(client("sqs").list_queues()["ResponseMetadata"]["RequestId"]) == 36


def test_cors_of_a_bucket_is_the_buckets(aws: Aws, s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="k")
    sent = {"Authorization": AUTHORIZATION.format("s3"), "Origin": "http://app.example"}
    assert "Access-Control-Allow-Origin" not in send(aws, "GET", "/bkt/k", None, **sent)[1]
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["http://app.example"]}
    s3.put_bucket_cors(Bucket="bkt", CORSConfiguration={"CORSRules": [rule]})
    answered = send(aws, "GET", "/bkt/k", None, **sent)[1]
    assert answered["Access-Control-Allow-Origin"] == "http://app.example"


# --- threads ----------------------------------------------------------------------------


def in_threads(count: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run `work(0)` … `work(count - 1)` at once; return what they raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except Exception as error:  # noqa: BLE001  # the test reports whatever it was
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


def test_kinesis_loses_no_record_and_repeats_no_sequence_number(client: Client) -> None:
    kinesis = client("kinesis", config=Config(max_pool_connections=8))
    kinesis.create_stream(StreamName="it", ShardCount=1)
    numbers: list[str] = []

    def put(number: int) -> None:
        for _ in range(25):
            answer = kinesis.put_record(StreamName="it", Data=b"x", PartitionKey="p")
            numbers.append(answer["SequenceNumber"])

    assert in_threads(8, put) == []
    assert len(set(numbers)) == 200


def test_dynamodb_counts_exactly_while_transactions_fail(client: Client) -> None:
    dynamodb = client("dynamodb", config=Config(max_pool_connections=8))
    dynamodb.create_table(
        TableName="it",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    increment = {
        "TableName": "it",
        "Key": {"id": {"S": "counter"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    impossible = {
        "ConditionCheck": {
            "TableName": "it",
            "Key": {"id": {"S": "nobody"}},
            "ConditionExpression": "attribute_exists(id)",
        }
    }

    def work(number: int) -> None:
        for _ in range(20):
            if number % 2:
                dynamodb.update_item(**increment)
            else:
                with pytest.raises(ClientError, match="TransactionCanceled"):
                    dynamodb.transact_write_items(TransactItems=[{"Update": increment}, impossible])

    assert in_threads(8, work) == []
    item = dynamodb.get_item(TableName="it", Key={"id": {"S": "counter"}})["Item"]
    assert item["n"] == {"N": "80"}


def test_a_queue_delivers_each_message_once_to_competing_readers(client: Client) -> None:
    sqs = client("sqs", config=Config(max_pool_connections=8))
    queue = sqs.create_queue(QueueName="it")["QueueUrl"]
    received: list[str] = []
    done = threading.Event()

    def work(number: int) -> None:
        if number < 4:
            for count in range(25):
                sqs.send_message(QueueUrl=queue, MessageBody=f"{number}-{count}")
            return
        while not done.is_set():
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=5, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                received.append(message["Body"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            if len(received) >= 100:
                done.set()

    started = time.monotonic()
    assert in_threads(8, work) == []
    assert len(received) == len(set(received)) == 100
    assert time.monotonic() - started < 15


def test_s3_keeps_every_object_and_tells_of_each_once(aws: Aws, client: Client) -> None:
    s3 = client("s3", config=Config(max_pool_connections=8))
    s3.create_bucket(Bucket="bkt")

    def put(number: int) -> None:
        for count in range(20):
            s3.put_object(Bucket="bkt", Key=f"{number}-{count}", Body=b"x")

    assert in_threads(8, put) == []
    assert s3.list_objects_v2(Bucket="bkt")["KeyCount"] == 160
    assert len(aws.facts) == 160


def test_many_services_load_at_once(client: Client) -> None:
    services = ("kms", "firehose", "cognito-identity", "cloudwatch", "route53", "ecr")
    clients = [client(service) for service in services]
    calls = (
        "list_keys",
        "list_delivery_streams",
        None,
        "list_metrics",
        "list_hosted_zones",
        "describe_repositories",
    )

    def call(number: int) -> None:
        name = calls[number]
        if name is None:
            clients[number].list_identity_pools(MaxResults=1)
        else:
            getattr(clients[number], name)()

    assert in_threads(6, call) == []
