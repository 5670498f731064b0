"""Stacks and `--data-dir`: moto forgets them, and what they made of Lambda stays."""

from pathlib import Path
from typing import Any

from tests.end_to_end.project_folder import ProjectFolder
from tests.end_to_end.stack_calls import Stacks, document, function
from tests.running_emulator import RunningEmulator, started_emulator

SOURCE = "def handler(event, context):\n    return 'NUMBER'\n"


def named(number: str, **more: Any) -> Any:
    return function(SOURCE.replace("NUMBER", number), **more)


def resources(number: str) -> dict[str, Any]:
    arn = {"Fn::GetAtt": ["Named", "Arn"]}
    return {
        "Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}},
        "Named": named(number, FunctionName="worker"),
        "Unnamed": named(number),
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": arn}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": arn,
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
                "Name": "live",
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Live"},
                "EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]},
            },
        },
        "Allowed": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": arn,
                "Principal": "sqs.amazonaws.com",
            },
        },
        "Inner": {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {"TemplateURL": "http://s3.amazonaws.com/templates/inner.json"},
        },
    }


def deploy(emulator: RunningEmulator, number: str) -> Stacks:
    stacks, s3 = Stacks(emulator), emulator.client("s3")
    s3.create_bucket(Bucket="templates")
    inner = document({"Inner": named(number, FunctionName="inner")})
    s3.put_object(Bucket="templates", Key="inner.json", Body=inner.encode())
    assert stacks.create(resources(number)) == "CREATE_COMPLETE", stacks.reasons()
    return stacks


def names(stacks: Stacks) -> set[str]:
    return {each["FunctionName"] for each in stacks.functions.list_functions()["Functions"]}


def test_a_stack_is_made_anew_after_a_restart(tmp_path: Path) -> None:
    folder = ProjectFolder(tmp_path / "project")
    options = ("--data-dir", str(tmp_path / "data"))
    with started_emulator(folder.path, *options) as emulator:
        stacks = deploy(emulator, "first")
        made = names(stacks)
        stays = {"Stays": {**named("kept", FunctionName="stays"), "DeletionPolicy": "Retain"}}
        assert stacks.create(stays, "retaining") == "CREATE_COMPLETE"
        assert stacks.delete("retaining") == "DELETE_COMPLETE"
        assert stacks.create({"Other": named("o", FunctionName="other")}, "t") == "CREATE_COMPLETE"
        emulator.process.kill()
        emulator.process.wait(10)

    with started_emulator(folder.path, *options) as emulator:
        assert names(Stacks(emulator)) == made | {"stays", "other"}
        stacks = deploy(emulator, "second")
        emulator.wait_for_output('stack.cleared stack=s functions="inner, s-Unnamed-')
        assert len(names(stacks)) == len(made | {"stays", "other"})
        assert stacks.invoke("worker:live") == stacks.invoke("inner") == "second"
        (mapping,) = stacks.functions.list_event_source_mappings()["EventSourceMappings"]
        assert mapping["UUID"] == stacks.physical_id("Mapping")

        # What its stack left behind on purpose is nobody's, and in the way as in AWS.
        assert stacks.create(stays, "retaining") == "ROLLBACK_COMPLETE"
        assert "Function already exist: stays" in stacks.reasons("retaining")
        stacks.client.delete_stack(StackName="t")
        assert "other" not in names(stacks)
        assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()
        assert names(stacks) == {"stays"}
