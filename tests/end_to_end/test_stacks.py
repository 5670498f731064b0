"""Stacks with functions: created, updated, rolled back, deleted."""

import json
from typing import Any

import pytest

from tests.end_to_end.stack_calls import ARN, Stacks, att, document, function, ref, refused


def test_a_function_is_made_runs_and_goes_with_its_stack(stacks: Stacks) -> None:
    outputs = {"Arn": {"Value": att("F", "Arn")}, "Name": {"Value": ref("F")}}
    assert stacks.create({"F": function()}, Outputs=outputs) == "CREATE_COMPLETE"
    name = stacks.outputs()["Name"]
    assert name.startswith("s-F-")
    assert len(name) == len("s-F-") + 12
    assert stacks.outputs()["Arn"] == ARN + name
    assert stacks.invoke(name, {"a": 1}) == {"a": 1}
    assert stacks.delete() == "DELETE_COMPLETE"
    assert "Function not found" in refused(stacks.functions.get_function, FunctionName=name)


def test_every_property_of_a_function_is_what_the_api_shows(stacks: Stacks) -> None:
    properties: dict[str, Any] = {
        "FunctionName": "all",
        "Description": "d",
        "Timeout": "7",  # as a parameter of a template is: a text
        "MemorySize": 256,
        "EphemeralStorage": {"Size": 1024},
        "Environment": {"Variables": {"AB": "b", "NN": 5, "TT": True}},
        "Architectures": ["x86_64"],
        "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"},
        "ReservedConcurrentExecutions": 3,
        "RecursiveLoop": "Allow",
        "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
        "Tags": [{"Key": "team", "Value": "blue"}],
    }
    options = {"Tags": [{"Key": "stack", "Value": "s1"}]}
    status = stacks.create({"F": function(**properties)}, options=options)
    assert status == "CREATE_COMPLETE", stacks.reasons()
    found = stacks.functions.get_function(FunctionName="all")
    shown = found["Configuration"]
    assert (shown["Timeout"], shown["MemorySize"]) == (7, 256)
    assert shown["Environment"]["Variables"] == {"AB": "b", "NN": "5", "TT": "true"}
    assert shown["EphemeralStorage"] == {"Size": 1024}
    assert shown["LoggingConfig"]["ApplicationLogLevel"] == "WARN"
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    assert found["Tags"] == {"team": "blue", "stack": "s1"}
    loop = stacks.functions.get_function_recursion_config(FunctionName="all")
    assert loop["RecursiveLoop"] == "Allow"
    managed = stacks.functions.get_runtime_management_config(FunctionName="all")
    assert managed["UpdateRuntimeOn"] == "FunctionUpdate"


def test_an_update_changes_the_function_in_place_and_takes_back_what_the_template_drops(
    stacks: Stacks,
) -> None:
    first = function(
        FunctionName="f",
        Timeout=9,
        Environment={"Variables": {"AB": "1"}},
        ReservedConcurrentExecutions=2,
        Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}],
    )
    stacks.create({"F": first})
    source = 'import os\ndef handler(event, context):\n    return [2, os.environ.get("AB")]\n'
    second = function(source, FunctionName="f", Tags=[{"Key": "b", "Value": "2"}])
    assert stacks.update({"F": second}) == "UPDATE_COMPLETE"
    assert stacks.invoke("f") == [2, None]
    found = stacks.functions.get_function(FunctionName="f")
    assert found["Configuration"]["Timeout"] == 3
    assert "Concurrency" not in found
    assert found["Tags"] == {"b": "2"}


def test_what_did_not_change_is_not_touched(stacks: Stacks) -> None:
    resources = {"F": function(FunctionName="f"), "G": function(FunctionName="g")}
    stacks.create(resources)
    before = stacks.functions.get_function_configuration(FunctionName="f")["RevisionId"]
    resources["G"] = function(FunctionName="g", Timeout=5)
    stacks.update(resources)
    assert stacks.functions.get_function_configuration(FunctionName="f")["RevisionId"] == before
    assert ("F", "UPDATE_IN_PROGRESS") not in stacks.events()
    assert ("G", "UPDATE_COMPLETE") in stacks.events()


def test_an_update_without_a_change_is_refused_and_a_change_set_of_none_fails(
    stacks: Stacks,
) -> None:
    body = document({"F": function(FunctionName="f")})
    stacks.client.create_stack(StackName="s", TemplateBody=body)
    text = refused(stacks.client.update_stack, StackName="s", TemplateBody=body)
    assert text == "No updates are to be performed."
    made = stacks.client.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="UPDATE", UsePreviousTemplate=True
    )
    found = stacks.client.describe_change_set(ChangeSetName=made["Id"])
    assert found["Status"] == "FAILED"
    assert "didn't contain changes" in found["StatusReason"]


def test_a_new_name_replaces_the_function_and_what_refers_to_it_follows(stacks: Stacks) -> None:
    def resources(name: str) -> dict[str, Any]:
        return {
            "F": function(FunctionName=name),
            "P": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": ref("F"),
                    "Action": "lambda:InvokeFunction",
                    "Principal": "s3.amazonaws.com",
                },
            },
        }

    stacks.create(resources("one"))
    old = stacks.physical_id("P")
    assert stacks.update(resources("two")) == "UPDATE_COMPLETE"
    assert "not found" in refused(stacks.functions.get_function, FunctionName="one")
    policy = json.loads(stacks.functions.get_policy(FunctionName="two")["Policy"])
    [statement] = policy["Statement"]
    assert statement["Sid"] == stacks.physical_id("P") != old


def test_a_replaced_function_stays_when_its_policy_says_so(stacks: Stacks) -> None:
    kept = {**function(FunctionName="one"), "UpdateReplacePolicy": "Retain"}
    stacks.create({"F": kept})
    other = {**function(FunctionName="two"), "UpdateReplacePolicy": "Retain"}
    assert stacks.update({"F": other}) == "UPDATE_COMPLETE"
    assert stacks.invoke("one", 1) == 1
    assert ("F", "DELETE_SKIPPED") in stacks.events()


def test_a_failure_takes_back_what_was_made_before_and_says_why(stacks: Stacks) -> None:
    resources = {
        "Good": function(FunctionName="good"),
        "Bad": {**function(FunctionName="bad", MemorySize=1), "DependsOn": "Good"},
    }
    assert stacks.create(resources) == "ROLLBACK_COMPLETE"
    assert "not found" in refused(stacks.functions.get_function, FunctionName="good")
    reason = stacks.reasons()
    assert (
        "The following resource(s) failed to create: [Bad]. Rollback requested by user." in reason
    )
    assert 'Resource handler returned message: "' in reason
    assert "Service: Lambda, Status Code: 400" in reason
    assert stacks.events()[-7:] == [
        ("Good", "CREATE_COMPLETE"),
        ("Bad", "CREATE_IN_PROGRESS"),
        ("Bad", "CREATE_FAILED"),
        ("s", "ROLLBACK_IN_PROGRESS"),
        ("Good", "DELETE_IN_PROGRESS"),
        ("Good", "DELETE_COMPLETE"),
        ("s", "ROLLBACK_COMPLETE"),
    ]
    text = refused(
        stacks.client.update_stack, StackName="s", TemplateBody=document({"F": function()})
    )
    assert text.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")


@pytest.mark.parametrize(
    ("on_failure", "status"), [("DO_NOTHING", "CREATE_FAILED"), ("DELETE", "DELETE_COMPLETE")]
)
def test_what_becomes_of_a_failed_stack_is_as_wished(
    stacks: Stacks, on_failure: str, status: str
) -> None:
    body = document(
        {"A": function(FunctionName="a"), "B": {**function(MemorySize=1), "DependsOn": "A"}}
    )
    made = stacks.client.create_stack(StackName="s", TemplateBody=body, OnFailure=on_failure)
    assert stacks.status(made["StackId"]) == status
    is_there = bool(stacks.functions.list_functions()["Functions"][:-1])
    assert is_there == (on_failure == "DO_NOTHING")


def test_a_failed_update_brings_the_former_state_back(stacks: Stacks) -> None:
    before = {
        "F": function(FunctionName="f", Timeout=5),
        "Gone": function(FunctionName="gone"),
        "Renamed": function(FunctionName="old"),
    }
    stacks.create(before)
    after = {
        "F": function("def handler(e, c):\n    return 'new'\n", FunctionName="f", Timeout=6),
        "Renamed": function(FunctionName="new"),
        "Extra": {**function(FunctionName="extra"), "DependsOn": "F"},
        "Bad": {**function(FunctionName="bad", MemorySize=1), "DependsOn": ["Extra", "Renamed"]},
    }
    assert stacks.update(after) == "UPDATE_ROLLBACK_COMPLETE"
    names = {each["FunctionName"] for each in stacks.functions.list_functions()["Functions"]}
    assert names == {"f", "gone", "old", "kept"}
    assert stacks.functions.get_function_configuration(FunctionName="f")["Timeout"] == 5
    assert stacks.invoke("f", "same") == "same"
    assert "The following resource(s) failed to create: [Bad]. " in stacks.reasons()
    assert stacks.update({**before, "F": function(FunctionName="f")}) == "UPDATE_COMPLETE"
    assert stacks.delete() == "DELETE_COMPLETE"
    assert len(stacks.functions.list_functions()["Functions"]) == 1


def test_half_of_an_update_is_taken_back_too(stacks: Stacks) -> None:
    """The settings are changed before the code, which turns out to be missing."""
    stacks.create({"F": function(FunctionName="f", Timeout=5)})
    code = {"S3Bucket": "nowhere", "S3Key": "k"}
    assert stacks.update({"F": function(FunctionName="f", Timeout=6, Code=code)}) == (
        "UPDATE_ROLLBACK_COMPLETE"
    )
    assert stacks.functions.get_function_configuration(FunctionName="f")["Timeout"] == 5
    assert stacks.invoke("f", 1) == 1


def test_what_the_api_refuses_is_the_reason(stacks: Stacks) -> None:
    stacks.create({"F": function(FunctionName="kept")})
    assert "HandlerErrorCode: AlreadyExists" in stacks.reasons()
    assert "Function already exist: kept" in stacks.reasons()
    assert stacks.invoke("kept") == 1, "a function that was there before is none of the stack's"


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        (
            {"X": {"Type": "AWS::Nobody::Knows"}},
            "Unrecognized resource types: [AWS::Nobody::Knows]",
        ),
        ({"X": {}}, "Every Resources object must contain a Type member"),
        ({}, "At least one Resources member must be defined"),
        ({"F": function(Role=ref("Nope"))}, "Unresolved resource dependencies [Nope]"),
        (
            {
                "A": {**function(), "DependsOn": "B"},
                "B": {**function(), "DependsOn": "A"},
            },
            "Circular dependency between resources: [A, B]",
        ),
        (
            {"F": function(), "Q": {"Type": "AWS::SQS::Queue", "Metadata": att("F", "Size")}},
            "resource F does not support attribute type Size in Fn::GetAtt",
        ),
    ],
)
def test_a_template_of_which_no_stack_can_be_made_is_refused_at_once(
    stacks: Stacks, resources: Any, text: str
) -> None:
    body = document(resources)
    assert text in refused(stacks.client.create_stack, StackName="s", TemplateBody=body)
    assert text in refused(stacks.client.validate_template, TemplateBody=body)
    assert stacks.client.list_stacks()["StackSummaries"] == []


def test_a_property_that_there_is_not_fails_the_stack(stacks: Stacks) -> None:
    assert stacks.create({"F": function(Colour="red")}) == "ROLLBACK_COMPLETE"
    assert "extraneous key [Colour] is not permitted" in stacks.reasons()


def test_retained_functions_outlive_their_stack(stacks: Stacks) -> None:
    resources = {
        "Kept": {**function(FunctionName="stays"), "DeletionPolicy": "Retain"},
        "Gone": function(FunctionName="goes"),
    }
    stacks.create(resources)
    assert stacks.delete() == "DELETE_COMPLETE"
    assert stacks.invoke("stays", 1) == 1
    assert "not found" in refused(stacks.functions.get_function, FunctionName="goes")


def test_a_protected_stack_is_not_deleted(stacks: Stacks) -> None:
    stacks.create({"F": function()}, options={"EnableTerminationProtection": True})
    text = refused(stacks.client.delete_stack, StackName="s")
    assert text == "Stack [s] cannot be deleted while TerminationProtection is enabled"


def test_what_another_stack_imports_cannot_be_deleted(stacks: Stacks) -> None:
    outputs = {"Arn": {"Value": att("F", "Arn"), "Export": {"Name": "the-arn"}}}
    stacks.create({"F": function(FunctionName="f")}, Outputs=outputs)
    permission = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Fn::ImportValue": "the-arn"},
            "Action": "lambda:InvokeFunction",
            "Principal": "sns.amazonaws.com",
        },
    }
    assert stacks.create({"P": permission}, "user") == "CREATE_COMPLETE"
    text = refused(stacks.client.delete_stack, StackName="s")
    assert text == "Export the-arn cannot be deleted as it is in use by user"
    assert (
        stacks.create(
            {"G": function()},
            "twin",
            Outputs=outputs | {"Arn": {"Value": ref("G"), "Export": {"Name": "the-arn"}}},
        )
        == "ROLLBACK_COMPLETE"
    )
    assert "Export with name the-arn is already exported by stack s" in stacks.reasons("twin")
    stacks.delete("user")
    assert stacks.delete() == "DELETE_COMPLETE"


def test_change_sets_of_one_name_belong_to_their_stacks(stacks: Stacks) -> None:
    """As CDK deploys: every stack's change set is called the same."""
    for name in ("one", "two"):
        stacks.client.create_change_set(
            StackName=name,
            ChangeSetName="cdk-deploy-change-set",
            ChangeSetType="CREATE",
            TemplateBody=document({"F": function(FunctionName=name)}),
        )
    for name in ("one", "two"):
        where = {"StackName": name, "ChangeSetName": "cdk-deploy-change-set"}
        changes = stacks.client.describe_change_set(**where)["Changes"]
        assert [each["ResourceChange"]["Action"] for each in changes] == ["Add"]
        stacks.client.execute_change_set(**where)
        stacks.emulator.settle()
        assert stacks.status(name) == "CREATE_COMPLETE"
        assert stacks.invoke(name, name) == name


def test_a_change_set_that_fails_rolls_back(stacks: Stacks) -> None:
    stacks.create({"F": function(FunctionName="f", Timeout=4)})
    bad = {"F": function(FunctionName="f", Timeout=5), "B": function(MemorySize=1)}
    made = stacks.client.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="UPDATE", TemplateBody=document(bad)
    )
    stacks.client.execute_change_set(ChangeSetName=made["Id"])
    stacks.emulator.settle()
    assert stacks.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.functions.get_function_configuration(FunctionName="f")["Timeout"] == 4


def test_a_stack_of_another_account_and_region_has_functions_of_its_own(stacks: Stacks) -> None:
    there: dict[str, Any] = {"aws_access_key_id": "111111111111", "region_name": "eu-west-1"}
    client = stacks.emulator.client("cloudformation", **there)
    body = document({"F": function(FunctionName="f")}, Outputs={"A": {"Value": att("F", "Arn")}})
    client.create_stack(StackName="s", TemplateBody=body)
    [found] = client.describe_stacks(StackName="s")["Stacks"]
    arn = "arn:aws:lambda:eu-west-1:111111111111:function:f"
    assert found["Outputs"][0]["OutputValue"] == arn
    assert stacks.client.list_stacks()["StackSummaries"] == []
