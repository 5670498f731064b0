"""Requests to S3 over a socket: bodies in pieces, keys of any kind, buckets in hosts."""

import io
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws.conftest import AUTHORIZATION, Aws, Client, send


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


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
