"""PublishVersion, ListVersionsByFunction and Publish=true."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.api.lab import ACCOUNT, Lab, archive

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"

Create = Callable[..., Any]


def test_create_with_publish_answers_with_version_1(create: Create, client: Any) -> None:
    answer = create(Publish=True)
    assert (answer["Version"], answer["FunctionArn"]) == ("1", f"{ARN}:1")
    assert answer["State"] == "Pending"
    assert "LastUpdateStatus" not in answer
    found = client.get_function(FunctionName="hello", Qualifier="1")["Configuration"]
    assert (found["State"], found["Version"]) == ("Active", "1")
    assert found["FunctionArn"] == f"{ARN}:1"


def test_update_code_with_publish_answers_with_the_new_version(create: Create, client: Any) -> None:
    create(Publish=True)
    answer = client.update_function_code(
        FunctionName="hello", ZipFile=archive(app="new"), Publish=True
    )
    assert (answer["Version"], answer["FunctionArn"]) == ("2", f"{ARN}:2")
    assert answer["State"] == "Pending"
    assert "LastUpdateStatus" not in answer
    same = client.update_function_code(
        FunctionName="hello", ZipFile=archive(app="new"), Publish=True
    )
    assert same["Version"] == "2"


def test_a_version_keeps_its_code_and_settings(lab: Lab, create: Create, client: Any) -> None:
    create(Description="first")
    published = client.publish_version(FunctionName="hello")
    assert published["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert published["Version"] == "1"
    client.update_function_code(FunctionName="hello", ZipFile=archive(app="new"))
    client.update_function_configuration(FunctionName="hello", Timeout=9, Description="second")
    version = client.get_function_configuration(FunctionName="hello:1")
    assert (version["Timeout"], version["Description"]) == (3, "first")
    assert version["CodeSha256"] == published["CodeSha256"]
    resolved = lab.store.resolve(ACCOUNT, "us-east-1", "hello", "1").version
    assert (resolved.code.folder / "app.py").read_text().startswith("def handler")


def test_a_version_of_a_live_folder_keeps_the_code_it_was_made_of(
    lab: Lab, create: Create, client: Any, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "app.py").write_text("old")
    create(Code={"S3Bucket": "hot-reload", "S3Key": str(source)}, Publish=True)
    assert client.publish_version(FunctionName="hello")["Version"] == "1"
    (source / "app.py").write_text("new")
    version = lab.store.resolve(ACCOUNT, "us-east-1", "hello", "1").version
    assert not version.code.is_live
    assert (version.code.folder / "app.py").read_text() == "old"
    assert client.publish_version(FunctionName="hello")["Version"] == "2"


def test_nothing_changed_means_no_new_version(create: Create, client: Any) -> None:
    create()
    first = client.publish_version(FunctionName="hello", Description="mine")
    again = client.publish_version(FunctionName="hello", Description="other")
    assert (again["Version"], again["Description"]) == ("1", "mine")
    assert again["RevisionId"] == first["RevisionId"]
    client.update_function_configuration(FunctionName="hello", Timeout=9)
    assert client.publish_version(FunctionName="hello")["Version"] == "2"


def test_many_who_publish_the_same_at_once_get_one_version(create: Create, client: Any) -> None:
    create()
    with ThreadPoolExecutor(16) as publishers:
        calls = [publishers.submit(client.publish_version, FunctionName="hello") for _ in range(16)]
        made = {call.result()["Version"] for call in calls}
    assert made == {"1"}
    assert len(client.list_versions_by_function(FunctionName="hello")["Versions"]) == 2


def test_numbers_are_never_used_twice(create: Create, client: Any) -> None:
    create(Publish=True)
    client.delete_function(FunctionName="hello", Qualifier="1")
    assert client.publish_version(FunctionName="hello")["Version"] == "2"
    client.delete_function(FunctionName="hello")
    assert create(Publish=True)["Version"] == "1"


def test_publishing_changes_the_revision_of_latest(create: Create, client: Any) -> None:
    create()
    before = client.get_function_configuration(FunctionName="hello")["RevisionId"]
    published = client.publish_version(FunctionName="hello", RevisionId=before)
    after = client.get_function_configuration(FunctionName="hello")["RevisionId"]
    assert len({before, published["RevisionId"], after}) == 3


def test_publishing_checks_the_hash_of_the_code(create: Create, client: Any) -> None:
    current = create()["CodeSha256"]
    with pytest.raises(ClientError) as caught:
        client.publish_version(FunctionName="hello", CodeSha256="other")
    assert caught.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": f"CodeSHA256 (other) is different from current CodeSHA256 in $LATEST"
        f" ({current}). Please try again with the CodeSHA256 in $LATEST.",
    }
    assert client.publish_version(FunctionName="hello", CodeSha256=current)["Version"] == "1"


def test_versions_are_listed_after_latest_in_ascending_order(create: Create, client: Any) -> None:
    create(Publish=True)
    for timeout in range(10, 20):
        client.update_function_configuration(FunctionName="hello", Timeout=timeout)
        client.publish_version(FunctionName="hello")
    pages = client.get_paginator("list_versions_by_function").paginate(
        FunctionName="hello", PaginationConfig={"PageSize": 5}
    )
    versions = [version for page in pages for version in page["Versions"]]
    assert [version["Version"] for version in versions] == ["$LATEST", *map(str, range(1, 12))]
    assert versions[0]["FunctionArn"] == f"{ARN}:$LATEST"
    assert versions[1]["FunctionArn"] == f"{ARN}:1"
    assert "State" not in versions[1]
