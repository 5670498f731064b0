"""Changes of stacks that fail, or that nobody wants any more half-way: nothing is left behind."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.end_to_end.stack_calls import ARN, Stacks, document, function
from tests.running_emulator import RunningEmulator, running_emulator

KEEPS_WAITING = "def handler(event, context):\n    pass\n"
ANSWERS_DELETIONS = (
    "import cfnresponse\n"
    "def handler(event, context):\n"
    "    if event['RequestType'] == 'Delete':\n"
    "        cfnresponse.send(event, context, 'SUCCESS', {}, 'thing')\n"
)
CANNOT_BE = function(FunctionName="bad", MemorySize=1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("waits", KEEPS_WAITING)
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def stacks(running: RunningEmulator) -> Stacks:
    running.reset()
    return Stacks(running)


def names(stacks: Stacks) -> set[str]:
    found = {each["FunctionName"] for each in stacks.functions.list_functions()["Functions"]}
    return found - {"waits"}


def thing(token: Any) -> dict[str, Any]:
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": token}}


def outer(stacks: Stacks, inner: str) -> dict[str, Any]:
    """Resources of a stack around another one."""
    bucket = stacks.emulator.client("s3")
    bucket.create_bucket(Bucket="templates")
    bucket.put_object(Bucket="templates", Key="inner.json", Body=inner.encode())
    url = "https://s3.amazonaws.com/templates/inner.json"
    return {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}}


def refused(call: Any, **named: Any) -> str:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(**named)
    return str(caught.value.response["Error"]["Message"])


def inner_id(stacks: Stacks) -> str:
    found = stacks.client.list_stacks()["StackSummaries"]
    return str(next(each["StackId"] for each in found if each["StackName"] != "s"))


def test_a_stack_in_a_stack_goes_with_it_also_while_it_is_made(stacks: Stacks) -> None:
    maker = function(ANSWERS_DELETIONS, FunctionName="maker")
    resources = {"Maker": maker, "Thing": thing({"Fn::GetAtt": ["Maker", "Arn"]})}
    assert stacks.create(outer(stacks, document(resources))) == "CREATE_IN_PROGRESS"
    inner = inner_id(stacks)
    assert stacks.delete() == "DELETE_COMPLETE"
    assert stacks.status(inner) == "DELETE_COMPLETE"
    assert names(stacks) == set()


def test_a_stack_in_a_stack_is_not_deleted_while_the_outer_one_makes_it(stacks: Stacks) -> None:
    resources = outer(stacks, document({"Thing": thing(f"{ARN}waits")}))
    assert stacks.create(resources) == "CREATE_IN_PROGRESS"
    inner = inner_id(stacks)
    text = refused(stacks.client.delete_stack, StackName=inner)
    assert text.endswith("cannot be deleted while in status CREATE_IN_PROGRESS")
    assert stacks.status(inner) == "CREATE_IN_PROGRESS"


def test_settle_does_not_wait_for_the_answer_to_a_deletion(stacks: Stacks) -> None:
    assert stacks.create({"Thing": thing(f"{ARN}waits")}) == "CREATE_IN_PROGRESS"
    assert stacks.delete() == "DELETE_IN_PROGRESS"


def test_what_a_failed_update_has_replaced_goes_with_the_next_one_or_with_the_stack(
    stacks: Stacks,
) -> None:
    before = {"F": function(FunctionName="one")}
    after = {"F": function(FunctionName="two"), "Bad": {**CANNOT_BE, "DependsOn": "F"}}
    keep = {"DisableRollback": True}
    for name in ("s", "t"):
        stacks.create(before, name)
        assert stacks.update(after, name, options=keep) == "UPDATE_FAILED"
        assert names(stacks) == {"one", "two"}
        if name == "s":
            assert stacks.update({"F": after["F"]}, name) == "UPDATE_COMPLETE"
            assert names(stacks) == {"two"}
        assert stacks.delete(name) == "DELETE_COMPLETE"
        assert names(stacks) == set()


def test_what_an_update_added_goes_with_a_stack_that_could_not_be_brought_back(
    stacks: Stacks,
) -> None:
    stacks.create({"F": function(FunctionName="f")})
    stacks.functions.delete_function(FunctionName="f")
    resources = {
        "New": function(FunctionName="new"),
        "F": {**function(FunctionName="f", Timeout=5), "DependsOn": "New"},
    }
    assert stacks.update(resources) == "UPDATE_ROLLBACK_FAILED"
    assert names(stacks) == {"new"}
    assert stacks.delete() == "DELETE_COMPLETE"
    assert names(stacks) == set()


def test_a_reset_leaves_no_function_of_a_stack_that_is_being_made(stacks: Stacks) -> None:
    body = document({f"F{number}": function() for number in range(150)})
    options = {"StackName": "s", "TemplateBody": body}
    making = threading.Thread(target=stacks.client.create_stack, kwargs=options)
    making.start()
    while making.is_alive() and not names(stacks):
        pass  # each look is a request
    stacks.emulator.reset()
    making.join()
    assert names(stacks) == set()
    assert stacks.client.list_stacks()["StackSummaries"] == []


def test_a_parameter_that_exists_is_not_taken_over(stacks: Stacks) -> None:
    parameters = stacks.emulator.client("ssm")
    parameters.put_parameter(Name="p", Type="String", Value="mine")
    properties = {"Name": "p", "Type": "String", "Value": "1", "Tags": {"a": "b"}}
    resource = {"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}}
    assert stacks.create(resource) == "ROLLBACK_COMPLETE"
    assert parameters.get_parameter(Name="p")["Parameter"]["Value"] == "mine"
    properties["Name"] = "q"
    assert stacks.create(resource, "t") == "CREATE_COMPLETE", stacks.reasons("t")
    tags = parameters.list_tags_for_resource(ResourceType="Parameter", ResourceId="q")["TagList"]
    assert tags == [{"Key": "a", "Value": "b"}]
    properties["Value"] = "2"
    assert stacks.update(resource, "t") == "UPDATE_COMPLETE", stacks.reasons("t")
    assert parameters.get_parameter(Name="q")["Parameter"]["Value"] == "2"


def test_a_policy_that_some_queues_got_is_taken_back(stacks: Stacks) -> None:
    queues = stacks.emulator.client("sqs")
    url = queues.create_queue(QueueName="there")["QueueUrl"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    allowed = {"Version": "2012-10-17", "Statement": [statement]}
    policy = {"Queues": [url, f"{url}-not"], "PolicyDocument": allowed}
    status = stacks.create({"P": {"Type": "AWS::SQS::QueuePolicy", "Properties": policy}})
    assert status == "ROLLBACK_COMPLETE"
    found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    assert "Policy" not in found.get("Attributes", {})


def change_set(stacks: Stacks, name: str, resources: Any, kind: str, stack: str = "s") -> str:
    made = stacks.client.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType=kind,
        TemplateBody=document(resources),
    )
    return str(made["StackId"])


def test_an_executed_change_set_ends_when_its_stack_does(stacks: Stacks) -> None:
    stacks.create({"F": function()})
    waits = thing(f"{ARN}waits")
    waits["Properties"]["ServiceTimeout"] = 5
    stack_id = stacks.describe()["StackId"]
    change_set(stacks, "c", {"F": function(), "Thing": waits}, "UPDATE", stack=stack_id)
    stacks.client.execute_change_set(StackName="s", ChangeSetName="c")

    def status() -> str:
        shown = stacks.client.describe_change_set(StackName="s", ChangeSetName="c")
        return str(shown["ExecutionStatus"])

    assert (stacks.status(), status()) == ("UPDATE_IN_PROGRESS", "EXECUTE_IN_PROGRESS")
    for _ in ("to make it", "to delete it"):
        stacks.emulator.advance(6)
        stacks.emulator.settle()
    assert (stacks.status(), status()) == ("UPDATE_ROLLBACK_COMPLETE", "EXECUTE_COMPLETE")


def test_every_change_set_of_a_stack_under_review_makes_that_stack(stacks: Stacks) -> None:
    first = change_set(stacks, "one", {"F": function(FunctionName="f1")}, "CREATE")
    bad = document({"F": {"Type": "AWS::No::Such"}})
    options = {"StackName": "s", "ChangeSetType": "CREATE", "TemplateBody": bad}
    refused(stacks.client.create_change_set, ChangeSetName="bad", **options)
    assert stacks.status() == "REVIEW_IN_PROGRESS"
    assert change_set(stacks, "two", {"F": function(FunctionName="f2")}, "CREATE") == first
    stacks.client.execute_change_set(StackName="s", ChangeSetName="one")
    assert (stacks.status(), names(stacks)) == ("CREATE_COMPLETE", {"f1"})
    refused(stacks.client.execute_change_set, StackName="s", ChangeSetName="two")
    assert stacks.delete() == "DELETE_COMPLETE"
    assert names(stacks) == set()


@pytest.mark.parametrize(
    ("resource", "sections", "text"),
    [
        ({"DependsOn": 5}, {}, "unsupported structure (TypeError"),
        ({"Condition": "No"}, {}, "Unresolved condition dependency No in the Resources block"),
        ({}, {"Parameters": {"A": 5}}, "unsupported structure (TypeError"),
        ({}, {"Conditions": {"A": {"Fn::Equals": []}}}, "unsupported structure (ValueError"),
        ({}, {"Conditions": {"A": {"Condition": "A"}}}, "unsupported structure (RecursionError"),
        ({}, {"Outputs": {"A": 5}}, "unsupported structure (AttributeError"),
    ],
)
def test_a_template_of_a_wrong_form_is_refused(
    stacks: Stacks, resource: Any, sections: Any, text: str
) -> None:
    body = document({"F": {**function(), **resource}}, **sections)
    said = refused(stacks.client.create_stack, StackName="s", TemplateBody=body)
    assert said.startswith("Template format error: ")
    assert text in said
