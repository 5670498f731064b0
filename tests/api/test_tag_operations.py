"""Tags of functions and event source mappings."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.model.mapping import SourceDescription
from tests.api.lab import ACCOUNT, Lab

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
NO_MAPPING = "00000000-0000-4000-8000-000000000000"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"

Create = Callable[..., Any]


def refused(call: Callable[..., Any], **members: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return status, error["Code"], error["Message"]


@pytest.fixture
def mapping(lab: Lab, create: Create, client: Any) -> Any:
    """A mapping that was made with a tag."""
    create()
    lab.sources[QUEUE] = SourceDescription(visibility_timeout_s=30)
    return client.create_event_source_mapping(
        FunctionName="hello", EventSourceArn=QUEUE, Tags={"team": "red"}
    )


def test_tags_are_added_changed_and_removed(create: Create, client: Any) -> None:
    create(Tags={"team": "red"})
    added = client.tag_resource(Resource=ARN, Tags={"team": "blue", "Cost centre": "a/1+2=3"})
    assert added["ResponseMetadata"]["HTTPStatusCode"] == 204
    tags = {"team": "blue", "Cost centre": "a/1+2=3"}
    assert client.list_tags(Resource=ARN)["Tags"] == tags
    assert client.get_function(FunctionName="hello")["Tags"] == tags
    removed = client.untag_resource(Resource=ARN, TagKeys=["team", "nothing"])
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_tags(Resource=ARN)["Tags"] == {"Cost centre": "a/1+2=3"}


def test_without_tags_the_list_is_empty_and_get_function_has_none(
    create: Create, client: Any
) -> None:
    create()
    assert client.list_tags(Resource=ARN)["Tags"] == {}
    assert "Tags" not in client.get_function(FunctionName="hello")


def test_a_tag_changes_neither_the_function_nor_its_revision(create: Create, client: Any) -> None:
    create()
    before = client.get_function_configuration(FunctionName="hello")
    client.tag_resource(Resource=ARN, Tags={"team": "red"})
    after = client.get_function_configuration(FunctionName="hello")
    before.pop("ResponseMetadata"), after.pop("ResponseMetadata")
    assert after == before


def test_the_tags_of_a_mapping_are_shown_and_changed(mapping: Any, client: Any) -> None:
    arn = mapping["EventSourceMappingArn"]
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "red"}
    client.tag_resource(Resource=arn, Tags={"stage": "test"})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "test"}
    assert client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled"


def test_a_resource_has_at_most_50_tags(create: Create, client: Any) -> None:
    create(Tags={f"k{number}": "" for number in range(50)})
    client.tag_resource(Resource=ARN, Tags={"k0": "another value"})
    too_many = (400, "InvalidParameterValueException", "Number of tags exceeds resource tag limit.")
    assert refused(client.tag_resource, Resource=ARN, Tags={"one": "more"}) == too_many
    assert len(client.list_tags(Resource=ARN)["Tags"]) == 50


REFUSALS: list[tuple[str, dict[str, Any], int, str, str]] = [
    (
        "tag_resource",
        {"Resource": f"{ARN}:1", "Tags": {"a": "b"}},
        400,
        "InvalidParameterValueException",
        "Tags on function aliases and versions are not supported. Please specify a function ARN.",
    ),
    (
        "list_tags",
        {"Resource": f"{ARN}:$LATEST"},
        400,
        "InvalidParameterValueException",
        "Tags on function aliases and versions are not supported. Please specify a function ARN.",
    ),
    (
        "tag_resource",
        {"Resource": ARN, "Tags": {}},
        400,
        "InvalidParameterValueException",
        "An error occurred and the request cannot be processed.",
    ),
    (
        "untag_resource",
        {"Resource": ARN},
        400,
        "ValidationException",
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member"
        " must not be null",
    ),
    (
        "list_tags",
        {"Resource": ARN.replace("hello", "missing")},
        404,
        "ResourceNotFoundException",
        f"Function not found: {ARN.replace('hello', 'missing')}",
    ),
    (
        "tag_resource",
        {
            "Resource": f"{ARN[:-14]}event-source-mapping:{NO_MAPPING}",
            "Tags": {"a": "b"},
        },
        404,
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    ),
]


@pytest.mark.parametrize(("operation", "members", "status", "code", "text"), REFUSALS)
def test_what_cannot_be_tagged(
    create: Create,
    client: Any,
    operation: str,
    members: dict[str, Any],
    status: int,
    code: str,
    text: str,
) -> None:
    create()
    assert refused(getattr(client, operation), **members) == (status, code, text)


@pytest.mark.parametrize("arn", ["hello", f"{ARN[:-14]}layer:shared", "arn:aws:sqs:::orders"])
def test_what_is_no_arn_of_a_taggable_resource_breaks_the_model(client: Any, arn: str) -> None:
    status, code, text = refused(client.list_tags, Resource=arn)
    assert (status, code) == (400, "ValidationException")
    assert text.startswith(f"1 validation error detected: Value '{arn}' at 'resource' failed")


@pytest.mark.parametrize(
    "tags", [{"k" * 129: ""}, {"k": "v" * 257}, {"": "v"}, {"k": "a;b"}], ids=str
)
def test_keys_and_values_have_limits(create: Create, client: Any, tags: dict[str, str]) -> None:
    create()
    status, code, _ = refused(client.tag_resource, Resource=ARN, Tags=tags)
    assert (status, code) == (400, "ValidationException")
    assert client.list_tags(Resource=ARN)["Tags"] == {}


def test_keys_of_aws_are_not_set_by_callers(create: Create, client: Any) -> None:
    create()
    for call, more in (
        (client.tag_resource, {"Tags": {"aws:stack": "x"}}),
        (client.untag_resource, {"TagKeys": ["aws:stack"]}),
    ):
        status, code, _ = refused(call, Resource=ARN, **more)
        assert (status, code) == (400, "InvalidParameterValueException")


def test_another_account_neither_sees_nor_sets_tags(
    lab: Lab, create: Create, client: Any, mapping: Any
) -> None:
    other = lab.client(account="111111111111")
    for arn in (ARN, mapping["EventSourceMappingArn"]):
        assert refused(other.list_tags, Resource=arn)[:2] == (403, "AccessDeniedException")
        status, *_ = refused(other.tag_resource, Resource=arn, Tags={"a": "b"})
        assert status == 403
    assert client.list_tags(Resource=ARN)["Tags"] == {}
