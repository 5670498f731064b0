"""The emulator's own way to objects in buckets."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.aws import Fact, ObjectFact
from emulator.model import AwsError
from tests.aws.conftest import Aws, Client


def test_an_object_is_fetched_in_any_version(aws: Aws, client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="bkt")
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="bkt", Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket="bkt", Key="k", Body=b"2")
    place = ("000000000000", "us-east-1", "bkt", "k")
    assert aws.moto.buckets.fetch(*place) == b"2"
    assert aws.moto.buckets.fetch(*place, first) == b"1"


@pytest.mark.parametrize(
    ("bucket", "version", "code"),
    [("missing", None, "NoSuchBucket"), ("bkt", None, "NoSuchKey"), ("bkt", "x", "NoSuchVersion")],
)
def test_an_object_that_is_not_there_says_why(
    aws: Aws, client: Client, bucket: str, version: str | None, code: str
) -> None:
    client("s3").create_bucket(Bucket="bkt")
    with pytest.raises(AwsError) as error:
        aws.moto.buckets.fetch("000000000000", "us-east-1", bucket, "k", version)
    assert error.value.code == code


def test_what_we_do_ourselves_is_told_when_no_lock_is_held(aws: Aws, client: Client) -> None:
    client("s3").create_bucket(Bucket="bkt")
    place = ("000000000000", "us-east-1", "bkt", "k")
    contents: list[bytes] = []

    def listen(fact: Fact) -> None:
        if isinstance(fact, ObjectFact) and fact.key == "k":
            with ThreadPoolExecutor(1) as other_thread:  # this one may enter its own locks
                found = other_thread.submit(aws.moto.buckets.fetch, *place)
                contents.append(found.result(5))

    aws.moto.subscribe(listen, ObjectFact)
    aws.moto.buckets.put(*place, b"{}", content_type="application/json")
    assert contents == [b"{}"]
