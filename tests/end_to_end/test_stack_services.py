"""The services around the functions of a stack, and stacks in stacks."""

from copy import deepcopy
from typing import Any

from tests.end_to_end.stack_calls import ARN, Stacks, document, function


def test_a_stack_in_a_stack_with_a_custom_resource_of_its_own(stacks: Stacks) -> None:
    source = (
        "import cfnresponse\n"
        "def handler(event, context):\n"
        "    size = event['ResourceProperties']['Size']\n"
        "    if size == 'bad': raise ValueError(size)\n"
        "    cfnresponse.send(event, context, 'SUCCESS', {'Size': size + '!'}, 'thing')\n"
    )
    inner = document(
        {
            "Maker": function(source),
            "Thing": {
                "Type": "Custom::Thing",
                "Properties": {
                    "ServiceToken": {"Fn::GetAtt": ["Maker", "Arn"]},
                    "Size": {"Ref": "Size"},
                },
            },
        },
        Parameters={"Size": {"Type": "String"}},
        Outputs={"Size": {"Value": {"Fn::GetAtt": ["Thing", "Size"]}}},
    )
    bucket = stacks.emulator.client("s3")
    bucket.create_bucket(Bucket="templates")
    bucket.put_object(Bucket="templates", Key="inner.json", Body=inner.encode())

    def resources(size: str) -> dict[str, Any]:
        return {
            "Inner": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {
                    "TemplateURL": "https://templates.s3.us-east-1.amazonaws.com/inner.json",
                    "Parameters": {"Size": size},
                },
            }
        }

    outputs = {"Size": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Size"]}}}
    assert stacks.create(resources("1"), Outputs=outputs) == "CREATE_COMPLETE", stacks.reasons()
    assert stacks.outputs() == {"Size": "1!"}
    assert stacks.update(resources("2"), Outputs=outputs) == "UPDATE_COMPLETE", stacks.reasons()
    assert stacks.outputs() == {"Size": "2!"}
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()
    assert len(stacks.functions.list_functions()["Functions"]) == 1


def test_the_services_around_functions(stacks: Stacks) -> None:
    resources = {
        "F": function(FunctionName="f"),
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Q": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "VisibilityTimeout": 60,
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                    "maxReceiveCount": 3,
                },
            },
        },
        "QPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Q"}], "PolicyDocument": {"Statement": []}},
        },
        "T": {"Type": "AWS::SNS::Topic"},
        "TPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "T"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": []},
            },
        },
        "Sub": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "T"},
                "Protocol": "lambda",
                "Endpoint": {"Fn::GetAtt": ["F", "Arn"]},
                "FilterPolicy": {"kind": ["a"]},
            },
        },
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "g"}},
        "Filter": {
            "Type": "AWS::Logs::SubscriptionFilter",
            "Properties": {
                "LogGroupName": {"Ref": "Group"},
                "DestinationArn": {"Fn::GetAtt": ["F", "Arn"]},
                "FilterPattern": "",
            },
        },
        "Later": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(1 hour)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": {"Fn::GetAtt": ["F", "Arn"]},
                    "RoleArn": "arn:aws:iam::000000000000:role/r",
                },
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "MetricName": "Errors",
                "Namespace": "AWS/Lambda",
                "Statistic": "Sum",
                "Period": "60",
                "EvaluationPeriods": 1,
                "Threshold": "1",
                "ComparisonOperator": "GreaterThanThreshold",
            },
        },
    }
    outputs = {"Q": {"Value": {"Ref": "Q"}}, "T": {"Value": {"Ref": "T"}}}
    assert stacks.create(resources, Outputs=outputs) == "CREATE_COMPLETE", stacks.reasons()
    emulator, shown = stacks.emulator, stacks.outputs()
    queues, topics = emulator.client("sqs"), emulator.client("sns")
    attributes = queues.get_queue_attributes(QueueUrl=shown["Q"], AttributeNames=["All"])
    assert attributes["Attributes"]["VisibilityTimeout"] == "60"
    assert "maxReceiveCount" in attributes["Attributes"]["RedrivePolicy"]
    for kind in ("a", "b"):
        topics.publish(
            TopicArn=shown["T"],
            Message=kind,
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
    emulator.settle()
    asked = [each["event"] for each in emulator.invocations("f")]
    said = [each["Records"][0]["Sns"]["Message"] for each in asked if "Records" in each]
    assert said == ["a"], asked
    del resources["Q"]["Properties"]["VisibilityTimeout"]
    assert stacks.update(resources, Outputs=outputs) == "UPDATE_COMPLETE", stacks.reasons()
    attributes = queues.get_queue_attributes(QueueUrl=shown["Q"], AttributeNames=["All"])
    assert attributes["Attributes"]["VisibilityTimeout"] == "30"
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()
    assert emulator.client("scheduler").list_schedules()["Schedules"] == []
    assert queues.list_queues().get("QueueUrls", []) == []
    assert topics.list_subscriptions()["Subscriptions"] == []


def test_tags_of_a_stack_reach_its_functions_also_later(stacks: Stacks) -> None:
    resources = {"F": function(FunctionName="f")}
    stacks.create(resources, options={"Tags": [{"Key": "a", "Value": "1"}]})
    stacks.update(resources, options={"Tags": [{"Key": "a", "Value": "2"}]})
    assert stacks.functions.list_tags(Resource=ARN + "f")["Tags"] == {"a": "2"}
    tagged = stacks.emulator.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "a", "Values": ["2"]}]
    )
    found = {each["ResourceARN"] for each in tagged["ResourceTagMappingList"]}
    assert ARN + "f" in found


def test_a_table_is_changed_in_place(stacks: Stacks) -> None:
    text = {"AttributeType": "S"}
    properties: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", **text}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": True},
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    table = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
    outputs: dict[str, Any] = {"Name": {"Value": {"Ref": "T"}}}
    assert stacks.create({"T": table}, Outputs=outputs) == "CREATE_COMPLETE", stacks.reasons()
    name = stacks.outputs()["Name"]
    client = stacks.emulator.client("dynamodb")
    client.put_item(TableName=name, Item={"id": {"S": "1"}, "kind": {"S": "k"}})
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "ends",
    }

    del properties["TimeToLiveSpecification"], properties["Tags"]
    properties["AttributeDefinitions"] += [{"AttributeName": "kind", **text}]
    properties["GlobalSecondaryIndexes"] = [
        {
            "IndexName": "by_kind",
            "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ]
    properties["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
    properties["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": True}
    outputs["Stream"] = {"Value": {"Fn::GetAtt": ["T", "StreamArn"]}}
    options = {"Tags": [{"Key": "b", "Value": "2"}]}
    refused = {"T": table, "Z": function(MemorySize=1, Description={"Ref": "T"})}
    assert stacks.update(refused) == "UPDATE_ROLLBACK_COMPLETE", stacks.reasons()
    shown = client.describe_table(TableName=name)["Table"]
    assert shown.get("GlobalSecondaryIndexes", []) == []
    refused = {"T": deepcopy(table)}
    refused["T"]["Properties"]["GlobalSecondaryIndexes"][0]["KeySchema"] = []
    assert stacks.update(refused) == "UPDATE_ROLLBACK_COMPLETE", stacks.reasons()
    status = stacks.update({"T": table}, Outputs=outputs, options=options)
    assert status == "UPDATE_COMPLETE", stacks.reasons()
    shown = client.describe_table(TableName=name)["Table"]
    assert stacks.outputs() == {"Name": name, "Stream": shown["LatestStreamArn"]}
    found = client.query(
        TableName=name,
        IndexName="by_kind",
        KeyConditionExpression="kind = :k",
        ExpressionAttributeValues={":k": {"S": "k"}},
    )
    assert found["Count"] == 1
    lives = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lives["TimeToLiveStatus"] == "DISABLED"
    tags = client.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"]
    assert tags == [{"Key": "b", "Value": "2"}]

    del properties["GlobalSecondaryIndexes"], properties["StreamSpecification"]
    properties |= {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}}
    del properties["BillingMode"]
    del outputs["Stream"]
    assert stacks.update({"T": table}, Outputs=outputs) == "UPDATE_COMPLETE", stacks.reasons()
    shown = client.describe_table(TableName=name)["Table"]
    assert "GlobalSecondaryIndexes" not in shown or shown["GlobalSecondaryIndexes"] == []
    assert shown["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()
    assert client.list_tables()["TableNames"] == []


def test_new_tags_of_a_stack_fail_and_replace_nothing(stacks: Stacks) -> None:
    role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}
    resources = {
        "R": {"Type": "AWS::IAM::Role", "Properties": role},
        "P": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "R"}]}},
        "F": function(FunctionName="f"),
        "Allowed": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "F"},
                "Principal": "s3.amazonaws.com",
            },
        },
    }
    assert stacks.create(resources) == "CREATE_COMPLETE", stacks.reasons()
    policy = stacks.functions.get_policy(FunctionName="f")["Policy"]
    options = {"Tags": [{"Key": "a", "Value": "1"}]}
    assert stacks.update(resources, options=options) == "UPDATE_COMPLETE", stacks.reasons()
    assert stacks.functions.get_policy(FunctionName="f")["Policy"] == policy
