"""Stack policies, by a real emulator: what they deny stays as it is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.stack_calls import Stacks, document, refused
from tests.running_emulator import RunningEmulator, running_emulator

KINDS = ("Update:Modify", "Update:Replace", "Update:Delete")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder: Path = tmp_path_factory.mktemp("project")
    (folder / "emulator.toml").write_text("")
    with running_emulator(folder) as emulator:
        yield emulator


@pytest.fixture
def stacks(running: RunningEmulator) -> Stacks:
    running.reset()
    return Stacks(running)


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def policy(*denied: str) -> str:
    statements = [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]
    for action in denied:
        resource = "LogicalResourceId/Kept"
        deny = {"Effect": "Deny", "Action": action, "Principal": "*", "Resource": resource}
        statements.append(deny)
    return json.dumps({"Statement": statements})


BEFORE = {"Kept": queue(VisibilityTimeout=5), "Other": queue(VisibilityTimeout=5)}
UPDATES = {
    "Update:Modify": {"Kept": queue(VisibilityTimeout=6), "Other": queue(VisibilityTimeout=6)},
    "Update:Replace": {"Kept": queue(QueueName="new"), "Other": queue(VisibilityTimeout=6)},
    "Update:Delete": {"Other": queue(VisibilityTimeout=6)},
}


def timeouts(stacks: Stacks) -> list[str]:
    sqs = stacks.emulator.client("sqs")
    return [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"][
            "VisibilityTimeout"
        ]
        for url in sqs.list_queues().get("QueueUrls", [])
    ]


@pytest.mark.parametrize("action", KINDS)
def test_what_a_policy_denies_fails_the_update_and_nothing_has_changed(
    stacks: Stacks, action: str
) -> None:
    stacks.create(BEFORE)
    stacks.client.set_stack_policy(StackName="s", StackPolicyBody=policy(action))
    assert stacks.update(UPDATES[action]) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Action denied by stack policy" in stacks.reasons()
    assert timeouts(stacks) == ["5", "5"]
    others = [each for each in KINDS if each != action]
    stacks.client.set_stack_policy(StackName="s", StackPolicyBody=policy(*others))
    assert stacks.update(UPDATES[action]) == "UPDATE_COMPLETE"


def test_a_policy_comes_with_the_stack_and_may_be_lifted_for_one_update(stacks: Stacks) -> None:
    stacks.create(BEFORE, options={"StackPolicyBody": policy("Update:Modify")})
    assert stacks.update(UPDATES["Update:Modify"]) == "UPDATE_ROLLBACK_COMPLETE"
    lifted = {"StackPolicyDuringUpdateBody": policy()}
    assert stacks.update(UPDATES["Update:Modify"], options=lifted) == "UPDATE_COMPLETE"
    assert stacks.update(BEFORE) == "UPDATE_ROLLBACK_COMPLETE"
    known = stacks.client.get_stack_policy(StackName="s")["StackPolicyBody"]
    assert known == policy("Update:Modify")
    new = {"StackPolicyBody": policy(), "StackPolicyDuringUpdateBody": policy()}
    assert stacks.update(BEFORE, options=new) == "UPDATE_COMPLETE"
    assert stacks.client.get_stack_policy(StackName="s")["StackPolicyBody"] == policy()


def test_a_policy_acts_on_change_sets_and_not_on_deletions(stacks: Stacks) -> None:
    stacks.create(BEFORE, options={"StackPolicyBody": policy("Update:*")})
    body = document(UPDATES["Update:Modify"])
    made = stacks.client.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=body)
    stacks.client.execute_change_set(ChangeSetName=made["Id"])
    stacks.emulator.settle()
    assert stacks.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.delete() == "DELETE_COMPLETE"
    assert timeouts(stacks) == []


def test_a_policy_may_come_from_a_bucket_and_is_read_before_anything_happens(
    stacks: Stacks,
) -> None:
    s3 = stacks.emulator.client("s3")
    s3.create_bucket(Bucket="policies")
    s3.put_object(Bucket="policies", Key="p.json", Body=policy("Update:Modify").encode())
    url = "https://s3.amazonaws.com/policies/p.json"
    stacks.create(BEFORE, options={"StackPolicyURL": url})
    assert stacks.update(UPDATES["Update:Modify"]) == "UPDATE_ROLLBACK_COMPLETE"
    wrong = "Error validating stack policy"
    set_policy = stacks.client.set_stack_policy
    assert wrong in refused(set_policy, StackName="s", StackPolicyBody="{}")
    body = document(BEFORE)
    create = stacks.client.create_stack
    assert wrong in refused(create, StackName="t", TemplateBody=body, StackPolicyBody="{}")
    names = [each["StackName"] for each in stacks.client.list_stacks()["StackSummaries"]]
    assert "t" not in names
