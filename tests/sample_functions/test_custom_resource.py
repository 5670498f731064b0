from typing import Any

import pytest

from tests.running_emulator import REPOSITORY, RunningEmulator

TEMPLATE = (REPOSITORY / "sample_functions/custom_resource/template.yaml").read_text()


def create(emulator: RunningEmulator) -> Any:
    stacks = emulator.client("cloudformation")
    stacks.create_stack(StackName="pages", TemplateBody=TEMPLATE)
    emulator.settle()
    return stacks


def stack(stacks: Any) -> Any:
    return stacks.describe_stacks(StackName="pages")["Stacks"][0]


def keys(emulator: RunningEmulator) -> list[str]:
    listed = emulator.client("s3").list_objects_v2(Bucket="greetings")
    return [each["Key"] for each in listed.get("Contents", [])]


def test_a_stack_makes_changes_and_removes_its_page(emulator: RunningEmulator) -> None:
    stacks = create(emulator)
    made = stack(stacks)
    assert (made["StackStatus"], made["Outputs"][0]["OutputValue"]) == (
        "CREATE_COMPLETE",
        "Ada.html",
    )
    assert keys(emulator) == ["Ada.html"]

    stacks.update_stack(
        StackName="pages",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "Name", "ParameterValue": "Grace"}],
    )
    emulator.settle()
    changed = stack(stacks)
    assert (changed["StackStatus"], changed["Outputs"][0]["OutputValue"]) == (
        "UPDATE_COMPLETE",
        "Grace.html",
    )
    # Another physical id is another resource: the old one was deleted.
    assert keys(emulator) == ["Grace.html"]

    stacks.delete_stack(StackName="pages")
    emulator.settle()
    with pytest.raises(stacks.exceptions.ClientError, match="does not exist"):
        stack(stacks)
    types = [each["event"]["RequestType"] for each in emulator.invocations("custom_resource")]
    assert types == ["Delete", "Delete", "Update", "Create"]
