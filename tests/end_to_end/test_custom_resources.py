"""Stacks with custom resources, from the template to what their function is asked."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.running_emulator import RunningEmulator, running_emulator

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:maker"
SOURCE = """
import json, urllib.request

def handler(event, context):
    if "Records" in event:
        event = json.loads(event["Records"][0]["Sns"]["Message"])
    wanted = event["ResourceProperties"]
    if wanted.get("Mode") == event["RequestType"] + " crash":
        raise ValueError("crashed")
    if wanted.get("Mode") == event["RequestType"] + " silent":
        return
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": wanted.get("Id", "thing"),
        "Data": {"Size": wanted.get("Size"), "Attempts": 1},
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    if wanted.get("Mode") == event["RequestType"] + " refuse":
        answer |= {"Status": "FAILED", "Reason": "no room"}
    if event["RequestType"] == "Create" and "Data" in wanted:
        answer["Data"] = wanted["Data"]
    if wanted.get("Mode") == event["RequestType"] + " nameless":
        del answer["PhysicalResourceId"]
    body = json.dumps(answer).encode()
    put = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    urllib.request.urlopen(put).close()
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("maker", SOURCE)
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def emulator(running: RunningEmulator) -> RunningEmulator:
    running.reset()
    return running


def template(kind: str = "Custom::Thing", **properties: Any) -> str:
    return json.dumps(
        {
            "Resources": {
                "Thing": {"Type": kind, "Properties": {"ServiceToken": FUNCTION, **properties}},
                "Queue": {
                    "Type": "AWS::SQS::Queue",
                    "Properties": {"QueueName": {"Fn::Sub": "q-${Thing.Size}"}},
                },
            },
            "Outputs": {"Id": {"Value": {"Ref": "Thing"}, "Export": {"Name": "thing-id"}}},
        }
    )


def create(emulator: RunningEmulator, body: str) -> Any:
    stacks = emulator.client("cloudformation")
    stacks.create_stack(StackName="s", TemplateBody=body)
    emulator.settle()
    return stacks


def status(stacks: Any) -> str:
    found: str = stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"]
    return found


def reasons(stacks: Any) -> list[str]:
    events = stacks.describe_stack_events(StackName="s")["StackEvents"]
    return [each["ResourceStatusReason"] for each in events if each.get("ResourceStatusReason")]


def requests(emulator: RunningEmulator) -> list[dict[str, Any]]:
    """What the function was asked, oldest first."""
    return [each["event"] for each in reversed(emulator.invocations("maker"))]


@pytest.mark.parametrize("kind", ["Custom::Thing", "AWS::CloudFormation::CustomResource"])
def test_a_function_is_asked_as_in_aws_and_its_data_is_used(
    emulator: RunningEmulator, kind: str
) -> None:
    stacks = create(emulator, template(kind, Size=5, Deep={"On": True, "List": [1, "a"]}))
    assert status(stacks) == "CREATE_COMPLETE"
    [event] = requests(emulator)
    assert event.pop("ResponseURL").startswith(emulator.endpoint)
    assert len(event.pop("RequestId")) == 36
    assert event.pop("StackId").startswith("arn:aws:cloudformation:us-east-1:000000000000:stack/s/")
    assert event == {
        "RequestType": "Create",
        "ServiceToken": FUNCTION,
        "LogicalResourceId": "Thing",
        "ResourceType": kind,
        "ResourceProperties": {
            "ServiceToken": FUNCTION,
            "Size": "5",
            "Deep": {"On": "true", "List": ["1", "a"]},
        },
    }
    assert emulator.client("sqs").get_queue_url(QueueName="q-5")
    assert stacks.list_exports()["Exports"][0]["Value"] == "thing"
    [described] = stacks.describe_stack_resources(StackName="s", LogicalResourceId="Thing")[
        "StackResources"
    ]
    assert (described["PhysicalResourceId"], described["ResourceType"]) == ("thing", kind)


def test_an_update_carries_old_and_new_properties(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1))
    stacks.update_stack(StackName="s", TemplateBody=template(Size=2))
    emulator.settle()
    assert status(stacks) == "UPDATE_COMPLETE"
    update = requests(emulator)[-1]
    assert update["RequestType"] == "Update"
    assert update["PhysicalResourceId"] == "thing"
    assert update["ResourceProperties"]["Size"] == "2"
    assert update["OldResourceProperties"] == {"ServiceToken": FUNCTION, "Size": "1"}


def test_another_physical_id_replaces_the_resource(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1, Id="one"))
    stacks.update_stack(StackName="s", TemplateBody=template(Size=1, Id="two"))
    emulator.settle()
    asked = [(each["RequestType"], each.get("PhysicalResourceId")) for each in requests(emulator)]
    assert asked == [("Create", None), ("Update", "one"), ("Delete", "one")]
    stacks.delete_stack(StackName="s")
    emulator.settle()
    assert requests(emulator)[-1]["PhysicalResourceId"] == "two"
    assert stacks.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("Create refuse", "no room"), ("Create nameless", "Invalid PhysicalResourceId")],
)
def test_a_refusal_rolls_the_stack_back(emulator: RunningEmulator, mode: str, reason: str) -> None:
    stacks = create(emulator, template(Size=1, Mode=mode))
    assert status(stacks) == "ROLLBACK_COMPLETE"
    assert any(reason in each for each in reasons(stacks))
    assert [each["RequestType"] for each in requests(emulator)] == ["Create", "Delete"]


def test_a_refused_update_brings_the_old_properties_back(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1))
    stacks.update_stack(StackName="s", TemplateBody=template(Size=2, Mode="Update refuse"))
    emulator.settle()
    assert status(stacks) == "UPDATE_ROLLBACK_COMPLETE"
    assert [each["RequestType"] for each in requests(emulator)].count("Update") >= 1
    assert (
        stacks.describe_stacks(StackName="s")["Stacks"][0]["Outputs"][0]["OutputValue"] == "thing"
    )


def test_a_function_that_never_answers_fails_the_stack_after_its_timeout(
    emulator: RunningEmulator,
) -> None:
    stacks = create(emulator, template(Size=1, Mode="Create silent", ServiceTimeout=600))
    assert status(stacks) == "CREATE_IN_PROGRESS"
    assert "Outputs" not in stacks.describe_stacks(StackName="s")["Stacks"][0]
    emulator.advance(601)
    emulator.settle()
    assert status(stacks) == "ROLLBACK_COMPLETE"
    assert any("did not receive a response" in each for each in reasons(stacks))


def test_a_function_that_raises_is_asked_again_as_any_asynchronous_one(
    emulator: RunningEmulator,
) -> None:
    stacks = create(emulator, template(Size=1, Mode="Create crash", ServiceTimeout=3600))
    for delay_s in (61, 121):
        emulator.advance(delay_s)
        emulator.settle()
    assert [each["RequestType"] for each in requests(emulator)] == ["Create"] * 3
    assert len({each["RequestId"] for each in requests(emulator)}) == 1
    assert status(stacks) == "CREATE_IN_PROGRESS"


def test_a_missing_function_fails_the_stack(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1).replace(":maker", ":nobody"))
    assert status(stacks).startswith("ROLLBACK")
    assert any("Function not found" in each for each in reasons(stacks))


def test_a_topic_hands_the_request_on_while_the_stack_waits(emulator: RunningEmulator) -> None:
    topics = emulator.client("sns")
    topic = topics.create_topic(Name="makers")["TopicArn"]
    topics.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=FUNCTION)
    stacks = create(emulator, template(Size=1).replace(FUNCTION, topic))
    assert status(stacks) == "CREATE_COMPLETE"
    stacks.delete_stack(StackName="s")
    emulator.settle()
    assert stacks.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"ServiceToken": "maker"}, "Invalid service token"),
        ({"ServiceToken": "arn:aws:sqs:us-east-1:000000000000:q"}, "Invalid service token"),
        ({"ServiceTimeout": "soon"}, "ServiceTimeout"),
        ({"ServiceTimeout": 3601}, "ServiceTimeout"),
    ],
)
def test_properties_with_which_nobody_can_be_asked_fail_the_stack(
    emulator: RunningEmulator, properties: dict[str, Any], reason: str
) -> None:
    stacks = create(emulator, template(Size=1, **properties))
    assert status(stacks) == "ROLLBACK_COMPLETE"
    assert any(reason in each for each in reasons(stacks))
    assert requests(emulator) == []


def test_data_that_is_no_object_fails_the_stack(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1, Data=["a"]))
    assert status(stacks) == "ROLLBACK_COMPLETE"
    assert any("Data is not a JSON object" in each for each in reasons(stacks))


def test_a_stack_is_changed_by_one_at_a_time(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1, Mode="Create silent"))
    with pytest.raises(stacks.exceptions.ClientError, match="is in CREATE_IN_PROGRESS state"):
        stacks.update_stack(StackName="s", TemplateBody=template(Size=2))
    assert status(stacks) == "CREATE_IN_PROGRESS"


def test_a_stack_that_is_being_made_can_be_deleted(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1, Mode="Create silent"))
    stacks.delete_stack(StackName="s")
    emulator.settle()
    [gone] = stacks.list_stacks()["StackSummaries"]
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    assert [each["RequestType"] for each in requests(emulator)] == ["Create", "Delete"]
    emulator.advance(3601)
    emulator.settle()
    assert emulator.client("sqs").list_queues().get("QueueUrls", []) == []


def test_a_stack_that_is_being_updated_cannot_be_deleted(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1))
    stacks.update_stack(StackName="s", TemplateBody=template(Size=1, Mode="Update silent"))
    emulator.settle()
    with pytest.raises(stacks.exceptions.ClientError, match="cannot be deleted while in status"):
        stacks.delete_stack(StackName="s")


def test_what_a_stack_made_is_told_while_it_waits(emulator: RunningEmulator) -> None:
    """A rule of the stack fires although a custom resource has not answered yet."""
    rule = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Name": "tick",
            "ScheduleExpression": "rate(1 minute)",
            "Targets": [{"Id": "1", "Arn": FUNCTION}],
        },
    }
    waiting = json.loads(template(Size=1, Mode="Create silent"))
    del waiting["Resources"]["Queue"]
    waiting["Resources"]["Tick"] = rule
    waiting["Resources"]["Thing"]["DependsOn"] = "Tick"
    create(emulator, json.dumps(waiting))
    emulator.advance(61)
    emulator.settle()
    assert "aws.events" in [each.get("source") for each in requests(emulator)]


def test_a_stack_makes_resources_of_a_service_that_nobody_asked_before(
    emulator: RunningEmulator,
) -> None:
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "k", "ShardCount": 1}}
    create(emulator, json.dumps({"Resources": {"Stream": stream}}))
    streams = emulator.client("kinesis")
    assert streams.put_record(StreamName="k", Data=b"1", PartitionKey="a")["SequenceNumber"]


def test_a_change_set_does_the_same(emulator: RunningEmulator) -> None:
    stacks = emulator.client("cloudformation")
    for kind, size, done in (("CREATE", 3, "CREATE_COMPLETE"), ("UPDATE", 4, "UPDATE_COMPLETE")):
        made = stacks.create_change_set(
            StackName="s",
            ChangeSetName=f"c{size}",
            ChangeSetType=kind,
            TemplateBody=template(Size=size),
        )
        stacks.execute_change_set(ChangeSetName=made["Id"])
        emulator.settle()
        assert status(stacks) == done
    assert [each["RequestType"] for each in requests(emulator)] == ["Create", "Update"]
    stacks.delete_stack(StackName="s")
    emulator.settle()
    assert requests(emulator)[-1]["RequestType"] == "Delete"


def test_a_reset_ends_the_wait_and_asks_nothing_more(emulator: RunningEmulator) -> None:
    create(emulator, template(Size=1, Mode="Create silent"))
    emulator.reset()
    emulator.advance(3601)
    emulator.settle()
    assert requests(emulator) == []


def test_an_answer_nobody_waits_for_is_refused(emulator: RunningEmulator) -> None:
    stacks = create(emulator, template(Size=1))
    [event] = requests(emulator)
    late = urllib.request.Request(event["ResponseURL"], b"{}", method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(late)
    assert status(stacks) == "CREATE_COMPLETE"
