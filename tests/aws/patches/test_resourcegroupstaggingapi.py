"""The Resource Groups Tagging API over the tags of an emulator's own resources."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.lab import ACCOUNT, ROLE, archive
from tests.running_emulator import RunningEmulator, running_emulator

FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """One with a tagged queue, a tagged function and one without tags."""
    folder: Path = tmp_path_factory.mktemp("project")
    with running_emulator(folder) as started:
        for name, tags in (("orders", {"team": "red"}), ("untagged", {})):
            started.client("lambda").create_function(
                FunctionName=name,
                Runtime="python3.12",
                Role=ROLE,
                Handler="app.handler",
                Code={"ZipFile": archive()},
                Tags=tags,
            )
        started.client("sqs").create_queue(QueueName="orders", tags={"team": "red"})
        yield started


@pytest.fixture
def tagging(emulator: RunningEmulator) -> Any:
    return emulator.client("resourcegroupstaggingapi")


def found(tagging: Any, **members: Any) -> dict[str, dict[str, str]]:
    return {
        each["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in each["Tags"]}
        for each in tagging.get_resources(**members)["ResourceTagMappingList"]
    }


def test_functions_are_found_by_their_tags_beside_resources_of_other_services(
    tagging: Any,
) -> None:
    red = [{"Key": "team", "Values": ["red"]}]
    assert set(found(tagging, TagFilters=red)) == {FUNCTION, QUEUE}
    assert found(tagging, ResourceTypeFilters=["lambda:function"]) == {FUNCTION: {"team": "red"}}
    assert found(tagging, TagFilters=[{"Key": "team", "Values": ["blue"]}]) == {}
    assert set(tagging.get_tag_values(Key="team")["TagValues"]) == {"red"}


def test_tags_set_there_are_the_functions_own(emulator: RunningEmulator, tagging: Any) -> None:
    missing = FUNCTION.replace("orders", "missing")
    arns = [FUNCTION, missing]
    failed = tagging.tag_resources(ResourceARNList=arns, Tags={"stage": "test"})
    assert list(failed["FailedResourcesMap"]) == [missing]
    assert failed["FailedResourcesMap"][missing]["StatusCode"] == 404
    listed = emulator.client("lambda").list_tags
    assert listed(Resource=FUNCTION)["Tags"] == {"team": "red", "stage": "test"}
    gone = tagging.untag_resources(ResourceARNList=[FUNCTION], TagKeys=["stage"])
    assert gone["FailedResourcesMap"] == {}
    assert listed(Resource=FUNCTION)["Tags"] == {"team": "red"}
