"""What S3 tells of its objects, request by request."""

import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.aws import NotificationsSavedFact, ObjectFact
from tests.aws.conftest import Aws, Client

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:resize"
CREATED = "s3:ObjectCreated:*"


@pytest.fixture
def s3(client: Client) -> Any:
    made = client("s3")
    made.create_bucket(Bucket="bkt")
    return made


@pytest.fixture
def versioned(s3: Any) -> Any:
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    return s3


def told(aws: Aws) -> list[tuple[str, str]]:
    """Events and keys since the last call."""
    facts = [fact for fact in aws.facts if isinstance(fact, ObjectFact)]
    aws.facts.clear()
    return [(fact.name, fact.key) for fact in facts]


def last(aws: Aws) -> ObjectFact:
    fact = aws.facts[-1]
    assert isinstance(fact, ObjectFact)
    return fact


def test_a_put_is_one_event_even_with_tags(aws: Aws, s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="a b/é", Body=b"hello", Tagging="x=y")
    fact = last(aws)
    assert told(aws) == [("ObjectCreated:Put", "a b/é")]
    assert (fact.size, fact.etag, fact.version_id) == (5, "5d41402abc4b2a76b9719d911017c592", None)
    assert (fact.bucket, fact.account, fact.region) == ("bkt", "000000000000", "us-east-1")
    assert fact.requester.source_ip == "127.0.0.1"


def test_an_event_carries_the_ids_of_the_answer(aws: Aws, s3: Any) -> None:
    meta = s3.put_object(Bucket="bkt", Key="k")["ResponseMetadata"]
    assert last(aws).requester.request_id == meta["RequestId"]
    assert last(aws).requester.host_id == meta["HostId"]


def test_a_multipart_upload_is_one_event_when_complete(aws: Aws, s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket="bkt", Key="k", Tagging="x=y")["UploadId"]
    part = {"Bucket": "bkt", "Key": "k", "UploadId": upload, "PartNumber": 1, "Body": b"hello"}
    etag = s3.upload_part(**part)["ETag"]
    assert told(aws) == []
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket="bkt", Key="k", UploadId=upload, MultipartUpload=parts)
    assert last(aws).etag == s3.head_object(Bucket="bkt", Key="k")["ETag"].strip('"')
    assert told(aws) == [("ObjectCreated:CompleteMultipartUpload", "k")]


def test_an_aborted_upload_tells_nothing(aws: Aws, s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket="bkt", Key="k")["UploadId"]
    s3.upload_part(Bucket="bkt", Key="k", UploadId=upload, PartNumber=1, Body=b"hello")
    s3.abort_multipart_upload(Bucket="bkt", Key="k", UploadId=upload)
    assert told(aws) == []


def test_a_copy_is_one_event_on_the_new_key(aws: Aws, s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="from", Tagging="x=y")
    told(aws)
    s3.copy_object(Bucket="bkt", Key="to", CopySource="bkt/from")
    assert told(aws) == [("ObjectCreated:Copy", "to")]
    s3.copy_object(
        Bucket="bkt", Key="to", CopySource="bkt/from", TaggingDirective="REPLACE", Tagging="z=1"
    )
    assert told(aws) == [("ObjectCreated:Copy", "to")]


def test_a_form_upload_is_a_post(aws: Aws, s3: Any) -> None:
    post = s3.generate_presigned_post("bkt", "form.txt")
    boundary = "b0undary"
    fields = [*post["fields"].items()]
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    )
    body += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        f"hello\r\n--{boundary}--\r\n"
    )
    request = urllib.request.Request(
        post["url"],
        data=body.encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    urllib.request.urlopen(request).close()
    assert told(aws) == [("ObjectCreated:Post", "form.txt")]
    assert s3.get_object(Bucket="bkt", Key="form.txt")["Body"].read() == b"hello"


def test_deleting_one_or_many_tells_of_each_that_was_there(aws: Aws, s3: Any) -> None:
    for key in ("a", "b", "c"):
        s3.put_object(Bucket="bkt", Key=key)
    told(aws)
    s3.delete_object(Bucket="bkt", Key="a")
    assert (last(aws).size, last(aws).etag, last(aws).version_id) == (None, None, None)
    assert told(aws) == [("ObjectRemoved:Delete", "a")]
    s3.delete_objects(
        Bucket="bkt", Delete={"Objects": [{"Key": "b"}, {"Key": "c"}, {"Key": "nothing"}]}
    )
    assert told(aws) == [("ObjectRemoved:Delete", "b"), ("ObjectRemoved:Delete", "c")]
    s3.delete_object(Bucket="bkt", Key="nothing")
    assert told(aws) == []


def test_deleting_in_a_versioned_bucket_makes_a_marker(aws: Aws, versioned: Any) -> None:
    version = versioned.put_object(Bucket="bkt", Key="k", Body=b"1")["VersionId"]
    assert last(aws).version_id == version
    versioned.put_object(Bucket="bkt", Key="k", Body=b"2")
    told(aws)
    marker = versioned.delete_object(Bucket="bkt", Key="k")["VersionId"]
    assert last(aws).version_id == marker
    assert told(aws) == [("ObjectRemoved:DeleteMarkerCreated", "k")]
    versioned.delete_object(Bucket="bkt", Key="k", VersionId=version)
    assert last(aws).version_id == version
    assert told(aws) == [("ObjectRemoved:Delete", "k")]
    versioned.delete_object(Bucket="bkt", Key="k", VersionId="no-such-version")
    assert told(aws) == []


def test_tags_of_an_existing_object(aws: Aws, s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="k")
    told(aws)
    tags = {"TagSet": [{"Key": "x", "Value": "y"}]}
    s3.put_object_tagging(Bucket="bkt", Key="k", Tagging=tags)
    assert told(aws) == [("ObjectTagging:Put", "k")]
    s3.delete_object_tagging(Bucket="bkt", Key="k")
    assert told(aws) == [("ObjectTagging:Delete", "k")]


def test_an_acl_counts_only_when_it_changes(aws: Aws, s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="k")
    told(aws)
    s3.put_object_acl(Bucket="bkt", Key="k", ACL="public-read")
    assert told(aws) == [("ObjectAcl:Put", "k")]
    s3.put_object_acl(Bucket="bkt", Key="k", ACL="public-read")
    assert told(aws) == []


def test_a_restore_begins_and_completes(aws: Aws, s3: Any) -> None:
    s3.put_object(Bucket="bkt", Key="k", StorageClass="GLACIER", Body=b"ice")
    told(aws)
    s3.restore_object(Bucket="bkt", Key="k", RestoreRequest={"Days": 1})
    assert last(aws).storage_class == "GLACIER"
    assert (last(aws).restored_until or "").endswith("Z")
    assert told(aws) == [("ObjectRestore:Post", "k"), ("ObjectRestore:Completed", "k")]


def test_a_refused_request_tells_nothing(aws: Aws, s3: Any) -> None:
    with pytest.raises(ClientError):
        s3.put_object(Bucket="bkt", Key="k", StorageClass="CARDBOARD")
    with pytest.raises(ClientError):
        s3.put_object(Bucket="missing-bucket", Key="k")
    assert told(aws) == []


def test_sequencers_of_a_key_grow(aws: Aws, s3: Any) -> None:
    for _ in range(20):
        s3.put_object(Bucket="bkt", Key="k")
    sequencers = [fact.sequencer for fact in aws.facts if isinstance(fact, ObjectFact)]
    assert sequencers == sorted(set(sequencers))
    assert len(sequencers) == 20


# --- configuration ------------------------------------------------------------------------


def configure(s3: Any, skip: bool = False, **configuration: Any) -> None:
    s3.put_bucket_notification_configuration(
        Bucket="bkt",
        NotificationConfiguration=configuration,
        SkipDestinationValidation=skip,
    )


def function_rule(arn: str = FUNCTION, **more: Any) -> dict[str, Any]:
    return {"LambdaFunctionArn": arn, "Events": [CREATED], **more}


def read(s3: Any) -> dict[str, Any]:
    answer: dict[str, Any] = s3.get_bucket_notification_configuration(Bucket="bkt")
    del answer["ResponseMetadata"]
    return answer


def refused(s3: Any, **configuration: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        configure(s3, **configuration)
    problem: dict[str, Any] = dict(error.value.response["Error"])
    return problem


def test_a_configuration_replaces_the_one_before(aws: Aws, s3: Any) -> None:
    aws.functions.arns.add(FUNCTION)
    assert read(s3) == {}
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "SuFFix", "Value": ".jpg"}]
    configure(
        s3,
        LambdaFunctionConfigurations=[
            function_rule(Id="mine", Filter={"Key": {"FilterRules": rules}})
        ],
        EventBridgeConfiguration={},
    )
    found = read(s3)
    assert found["EventBridgeConfiguration"] == {}
    [rule] = found["LambdaFunctionConfigurations"]
    assert rule["Id"] == "mine"
    assert rule["Filter"]["Key"]["FilterRules"] == [
        {"Name": "Prefix", "Value": "in/"},
        {"Name": "Suffix", "Value": ".jpg"},
    ]
    configure(s3, LambdaFunctionConfigurations=[function_rule()])
    [rule] = read(s3)["LambdaFunctionConfigurations"]
    assert len(rule["Id"]) == 36
    configure(s3)
    assert read(s3) == {}


def test_a_bucket_that_is_missing_is_said_to_be(s3: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.get_bucket_notification_configuration(Bucket="missing-bucket")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.put_bucket_notification_configuration(
            Bucket="missing-bucket", NotificationConfiguration={}
        )


def test_every_target_that_cannot_take_an_event_is_listed(aws: Aws, s3: Any) -> None:
    aws.functions.arns.add(FUNCTION)
    aws.functions.policies[FUNCTION] = False
    queue = "arn:aws:sqs:us-east-1:000000000000:missing"
    problem = refused(
        s3,
        LambdaFunctionConfigurations=[function_rule()],
        QueueConfigurations=[{"QueueArn": queue, "Events": ["s3:ObjectRemoved:*"]}],
    )
    assert problem["Code"] == "InvalidArgument"
    assert problem["Message"] == "Unable to validate the following destination configurations"
    assert problem["ArgumentName1"] == f"{queue}, null"
    assert problem["ArgumentValue1"] == "The destination queue does not exist"
    assert problem["ArgumentName2"] == f"{FUNCTION}, null"
    assert problem["ArgumentValue2"] == f"Not authorized to invoke function [{FUNCTION}]"
    assert read(s3) == {}


def test_the_header_skips_the_targets_but_not_the_rest(s3: Any) -> None:
    configure(s3, skip=True, LambdaFunctionConfigurations=[function_rule()])
    assert len(read(s3)["LambdaFunctionConfigurations"]) == 1
    assert (
        "could not be parsed"
        in refused(s3, skip=True, LambdaFunctionConfigurations=[function_rule("resize")])["Message"]
    )


def test_a_function_that_does_not_exist_is_refused(s3: Any) -> None:
    problem = refused(s3, LambdaFunctionConfigurations=[function_rule()])
    assert problem["ArgumentValue1"] == "The destination Lambda function does not exist"


def test_a_function_with_a_policy_that_allows_it_is_accepted(aws: Aws, s3: Any) -> None:
    aws.functions.arns.add(FUNCTION)
    aws.functions.policies[FUNCTION] = True
    configure(s3, LambdaFunctionConfigurations=[function_rule()])
    assert len(read(s3)["LambdaFunctionConfigurations"]) == 1


def test_overlap_is_refused_with_the_events_in_it(aws: Aws, s3: Any) -> None:
    aws.functions.arns.add(FUNCTION)
    problem = refused(s3, LambdaFunctionConfigurations=[function_rule(), function_rule()])
    assert problem["Message"].startswith("Configurations overlap.")
    assert problem["ArgumentValue"] == f"{CREATED}, {CREATED}"


def test_saving_is_told_so_that_targets_get_a_test_event(aws: Aws, s3: Any) -> None:
    configure(s3, EventBridgeConfiguration={})
    assert isinstance(aws.facts[-1], NotificationsSavedFact)


def test_a_function_without_policy_is_let_through_with_one_warning(aws: Aws, s3: Any) -> None:
    unheard_of = f"{FUNCTION}-without-policy"
    aws.functions.arns.add(unheard_of)
    for _ in range(2):
        configure(s3, LambdaFunctionConfigurations=[function_rule(unheard_of)])
    aws.reporter.stop()
    lines = aws.terminal.getvalue().splitlines()
    warnings = [line for line in lines if f"function={unheard_of} " in line]
    assert len(warnings) == 1
    assert "s3.permission_missing" in warnings[0]
    assert "add-permission" in warnings[0]
