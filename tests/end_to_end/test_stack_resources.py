"""What belongs to the functions of a stack: code, versions, mappings, layers, signing."""

import io
import json
import zipfile
from typing import Any

from tests.end_to_end.stack_calls import ARN, ROLE, Stacks, att, function, ref, refused


def test_code_comes_from_a_bucket_in_the_version_that_is_named(stacks: Stacks) -> None:
    bucket = stacks.emulator.client("s3")
    bucket.create_bucket(Bucket="code")
    bucket.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    versions = []
    for number in (1, 2):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            files.writestr("app.py", f"def handler(event, context):\n    return {number}\n")
        put = bucket.put_object(Bucket="code", Key="k.zip", Body=archive.getvalue())
        versions.append(put["VersionId"])

    def resources(version: str) -> dict[str, Any]:
        code = {"S3Bucket": "code", "S3Key": "k.zip", "S3ObjectVersion": version}
        return {"F": function(FunctionName="f", Code=code, Handler="app.handler")}

    stacks.create(resources(versions[0]))
    assert stacks.invoke("f") == 1
    stacks.update(resources(versions[1]))
    assert stacks.invoke("f") == 2


def test_inline_code_for_node_and_what_cannot_be_inline(stacks: Stacks) -> None:
    node = "exports.handler = async (event) => ({ got: event });"
    resources = {"F": function(node, FunctionName="f", Runtime="nodejs22.x")}
    assert stacks.create(resources) == "CREATE_COMPLETE"
    code = stacks.functions.get_function(FunctionName="f")["Configuration"]["CodeSha256"]
    stacks.delete()
    stacks.create(resources)
    again = stacks.functions.get_function(FunctionName="f")["Configuration"]["CodeSha256"]
    assert again == code, "the same code has the same hash"
    assert stacks.create({"J": function(Runtime="java21")}, "j") == "ROLLBACK_COMPLETE"
    assert "ZipFile can only be used" in stacks.reasons("j")


def test_versions_aliases_and_what_hangs_on_them(stacks: Stacks) -> None:
    def resources(number: int) -> dict[str, Any]:
        source = f"def handler(event, context):\n    return [{number}, context.function_version]\n"
        return {
            "F": function(source, FunctionName="f"),
            f"V{number}": {
                "Type": "AWS::Lambda::Version",
                "DeletionPolicy": "Retain",
                "Properties": {"FunctionName": ref("F"), "Description": f"v{number}"},
            },
            "Live": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "FunctionName": ref("F"),
                    "FunctionVersion": att(f"V{number}", "Version"),
                    "Name": "live",
                },
            },
            "Retries": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": ref("F"),
                    "Qualifier": "live",
                    "MaximumRetryAttempts": 2 - number % 2,
                },
                "DependsOn": "Live",
            },
            "Url": {
                "Type": "AWS::Lambda::Url",
                "Properties": {"TargetFunctionArn": ref("Live"), "AuthType": "NONE"},
            },
        }

    outputs = {
        "Alias": {"Value": ref("Live")},
        "Version": {"Value": att("Live", "AliasArn")},
        "Url": {"Value": att("Url", "FunctionUrl")},
    }
    assert stacks.create(resources(1), Outputs=outputs) == "CREATE_COMPLETE", stacks.reasons()
    assert stacks.outputs()["Alias"] == ARN + "f:live"
    assert ".lambda-url.us-east-1." in stacks.outputs()["Url"]
    assert stacks.invoke("f", Qualifier="live") == [1, "1"]
    assert stacks.update(resources(2), Outputs=outputs) == "UPDATE_COMPLETE", stacks.reasons()
    assert stacks.invoke("f", Qualifier="live") == [2, "2"]
    assert stacks.invoke("f", Qualifier="1") == [1, "1"], "retained"
    config = stacks.functions.get_function_event_invoke_config(FunctionName="f", Qualifier="live")
    assert config["MaximumRetryAttempts"] == 2
    assert stacks.delete() == "DELETE_COMPLETE"
    assert "not found" in refused(stacks.functions.get_function, FunctionName="f")


def test_a_version_of_what_did_not_change_fails_as_in_aws(stacks: Stacks) -> None:
    def version(description: str) -> dict[str, Any]:
        properties = {"FunctionName": ref("F"), "Description": description}
        return {"Type": "AWS::Lambda::Version", "Properties": properties}

    resources = {"F": function(FunctionName="f"), "V": version("a")}
    stacks.create(resources)
    assert stacks.update({**resources, "W": version("a")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert "A version for this Lambda function exists ( 1 )" in stacks.reasons()


def test_a_mapping_reads_the_queue_of_its_stack(stacks: Stacks) -> None:
    def resources(**more: Any) -> dict[str, Any]:
        properties = {"EventSourceArn": att("Q", "Arn"), "FunctionName": ref("F"), **more}
        return {
            "M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties},
            "Q": {"Type": "AWS::SQS::Queue"},
            "F": function(FunctionName="f"),
        }

    outputs = {"Queue": {"Value": ref("Q")}}
    stacks.create(resources(BatchSize="1"), Outputs=outputs)
    url = stacks.outputs()["Queue"]
    assert url.startswith(stacks.emulator.endpoint)
    stacks.emulator.client("sqs").send_message(QueueUrl=url, MessageBody="hello")
    stacks.emulator.settle()
    [record] = stacks.emulator.invocations("f")[0]["event"]["Records"]
    assert record["body"] == "hello"
    uuid = stacks.physical_id("M")
    assert stacks.update(resources(Enabled=False), Outputs=outputs) == "UPDATE_COMPLETE"
    assert stacks.physical_id("M") == uuid, "in place"
    assert stacks.functions.get_event_source_mapping(UUID=uuid)["State"] == "Disabled"
    assert stacks.delete() == "DELETE_COMPLETE"
    assert stacks.functions.list_event_source_mappings()["EventSourceMappings"] == []


def test_layers_and_who_may_use_them(stacks: Stacks) -> None:
    bucket = stacks.emulator.client("s3")
    bucket.create_bucket(Bucket="code")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("python/shared.py", "VALUE = 42\n")
    bucket.put_object(Bucket="code", Key="layer.zip", Body=archive.getvalue())
    source = "import shared\ndef handler(event, context):\n    return shared.VALUE\n"
    resources = {
        "F": function(source, FunctionName="f", Layers=[ref("L")]),
        "L": {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {
                "LayerName": "shared",
                "Content": {"S3Bucket": "code", "S3Key": "layer.zip"},
                "CompatibleRuntimes": ["python3.12"],
            },
        },
        "P": {
            "Type": "AWS::Lambda::LayerVersionPermission",
            "Properties": {
                "Action": "lambda:GetLayerVersion",
                "LayerVersionArn": ref("L"),
                "Principal": "*",
            },
        },
    }
    assert stacks.create(resources) == "CREATE_COMPLETE", stacks.reasons()
    assert stacks.invoke("f") == 42
    assert stacks.physical_id("L") == "arn:aws:lambda:us-east-1:000000000000:layer:shared:1"
    policy = stacks.functions.get_layer_version_policy(LayerName="shared", VersionNumber=1)
    assert "lambda:GetLayerVersion" in policy["Policy"]
    assert stacks.delete() == "DELETE_COMPLETE"
    assert stacks.functions.list_layers()["Layers"] == []


def test_resources_are_shown_as_they_are(stacks: Stacks) -> None:
    stacks.create({"F": function(FunctionName="f"), "Q": {"Type": "AWS::SQS::Queue"}})
    shown = stacks.client.list_stack_resources(StackName="s")["StackResourceSummaries"]
    assert [(each["LogicalResourceId"], each["ResourceStatus"]) for each in shown] == [
        ("F", "CREATE_COMPLETE"),
        ("Q", "CREATE_COMPLETE"),
    ]
    [described] = stacks.client.describe_stack_resources(PhysicalResourceId="f")["StackResources"]
    assert (described["StackName"], described["ResourceType"]) == ("s", "AWS::Lambda::Function")


def test_a_stack_that_asks_its_own_function_for_a_resource(stacks: Stacks) -> None:
    """Inline code may answer with CloudFormation's own module."""
    source = (
        "import cfnresponse\n"
        "def handler(event, context):\n"
        "    cfnresponse.send(event, context, cfnresponse.SUCCESS, {'Size': 3}, 'thing')\n"
    )
    node = (
        "const response = require('cfn-response');\n"
        "exports.handler = (event, context) =>\n"
        "  response.send(event, context, response.SUCCESS, { Size: 4 }, 'other');\n"
    )
    resources = {
        "Maker": function(source, FunctionName="maker", Role=ROLE),
        "NodeMaker": function(node, FunctionName="node-maker", Runtime="nodejs22.x"),
        "Thing": {"Type": "Custom::Thing", "Properties": {"ServiceToken": att("Maker", "Arn")}},
        "Other": {"Type": "Custom::Other", "Properties": {"ServiceToken": att("NodeMaker", "Arn")}},
    }
    outputs = {"Size": {"Value": att("Thing", "Size")}, "Other": {"Value": att("Other", "Size")}}
    assert stacks.create(resources, Outputs=outputs) == "CREATE_COMPLETE", stacks.reasons()
    assert stacks.outputs() == {"Size": "3", "Other": "4"}
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()


def test_a_code_signing_config_guards_the_functions_of_its_stack(stacks: Stacks) -> None:
    def resources(policy: str, **more: Any) -> dict[str, Any]:
        return {
            "Publisher": {
                "Type": "AWS::Signer::SigningProfile",
                "Properties": {"PlatformId": "AWSLambda-SHA384-ECDSA"},
            },
            "Config": {
                "Type": "AWS::Lambda::CodeSigningConfig",
                "Properties": {
                    "AllowedPublishers": {
                        "SigningProfileVersionArns": [att("Publisher", "ProfileVersionArn")]
                    },
                    "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": policy},
                },
            },
            **more,
        }

    config: Any = {"CodeSigningConfigArn": ref("Config")}
    first = resources("Warn", F=function(FunctionName="f", **config))
    assert stacks.create(first) == "CREATE_COMPLETE", stacks.reasons()
    attached = stacks.functions.get_function_code_signing_config(FunctionName="f")
    assert attached["CodeSigningConfigArn"] == stacks.physical_id("Config")
    second = resources("Enforce", F=function(FunctionName="f"))
    assert stacks.update(second) == "UPDATE_COMPLETE", stacks.reasons()
    shown = stacks.functions.get_function_code_signing_config(FunctionName="f")
    assert "CodeSigningConfigArn" not in shown
    third = {**second, "G": function(FunctionName="g", **config)}
    assert stacks.update(third) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Service: Lambda, Status Code: 400" in stacks.reasons()
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()


def test_functions_of_a_capacity_provider_in_the_network_of_the_stack(stacks: Stacks) -> None:
    network = {"SubnetIds": [ref("Subnet")], "SecurityGroupIds": [att("Group", "GroupId")]}
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": ref("Vpc"), "CidrBlock": "10.0.0.0/24"},
        },
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "g", "VpcId": ref("Vpc")},
        },
        "Inside": function(FunctionName="inside", VpcConfig=network),
        "Provider": {
            "Type": "AWS::Lambda::CapacityProvider",
            "Properties": {
                "CapacityProviderName": "mine",
                "VpcConfig": network,
                "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE},
            },
        },
    }
    outputs = {"Arn": {"Value": att("Provider", "Arn")}}
    assert stacks.create(resources, Outputs=outputs) == "CREATE_COMPLETE", stacks.reasons()
    shown = stacks.functions.get_function_configuration(FunctionName="inside")
    assert shown["VpcConfig"]["VpcId"] == stacks.physical_id("Vpc")
    found = stacks.functions.get_capacity_provider(CapacityProviderName="mine")
    assert found["CapacityProvider"]["CapacityProviderArn"] == stacks.outputs()["Arn"]
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()
    assert stacks.functions.list_capacity_providers()["CapacityProviders"] == []


def test_a_state_machine_of_the_stack_runs_its_function(stacks: Stacks) -> None:
    definition = {
        "StartAt": "Ask",
        "States": {
            "Ask": {"Type": "Task", "Resource": "${Function}", "End": True},
        },
    }
    resources = {
        "F": function(FunctionName="f"),
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": "m",
                "RoleArn": ROLE,
                "DefinitionString": {
                    "Fn::Sub": [json.dumps(definition), {"Function": att("F", "Arn")}]
                },
            },
        },
    }
    assert stacks.create(resources) == "CREATE_COMPLETE", stacks.reasons()
    machines = stacks.emulator.client("stepfunctions")
    started = machines.start_execution(stateMachineArn=stacks.physical_id("Machine"), input="[1]")
    stacks.emulator.settle()
    ended = machines.describe_execution(executionArn=started["executionArn"])
    assert (ended["status"], ended.get("output")) == ("SUCCEEDED", "[1]"), ended
