"""Templates as SAM, CDK and Serverless write them, and the services around functions."""

import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.end_to_end.project_folder import ProjectFolder
from tests.end_to_end.stack_calls import ARN, Stacks, document, function
from tests.running_emulator import RunningEmulator, running_emulator


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    folder = ProjectFolder(tmp_path_factory.mktemp("project"))
    folder.add("kept", "def handler(event, context):\n    return 1\n")
    with running_emulator(folder.path) as emulator:
        yield emulator


@pytest.fixture
def stacks(running: RunningEmulator) -> Stacks:
    running.reset()
    return Stacks(running)


def upload(stacks: Stacks, bucket: str, key: str, source: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("app.py", source)
    client = stacks.emulator.client("s3")
    if bucket not in [each["Name"] for each in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key=key, Body=archive.getvalue())


def deploy(stacks: Stacks, body: str, name: str = "s", kind: str = "CREATE", **options: Any) -> str:
    """As `sam deploy` and `cdk deploy` do it; returns the stack's last status."""
    client = stacks.client
    made = client.create_change_set(
        StackName=name, ChangeSetName="c", ChangeSetType=kind, TemplateBody=body, **options
    )
    client.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    client.execute_change_set(ChangeSetName=made["Id"])
    stacks.emulator.settle()
    return stacks.status(name)


def fetch(stacks: Stacks, path: str, host: str | None = None) -> Any:
    """host: sent as a header, as names below localhost are not known everywhere."""
    url = stacks.emulator.endpoint + path
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


SAM = """
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  Greeting: {Type: String, Default: hello}
Globals:
  Function: {Runtime: python3.12, Timeout: 5, Handler: app.handler}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://code/KEY
      AutoPublishAlias: live
      Environment: {Variables: {GREETING: !Ref Greeting}}
      Policies:
        - AWSLambdaBasicExecutionRole
        - SQSPollerPolicy: {QueueName: !GetAtt Jobs.QueueName}
      Events:
        Http: {Type: HttpApi, Properties: {Path: "/hello/{name}", Method: get}}
        Rest: {Type: Api, Properties: {Path: /hello, Method: get}}
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 1}}
        Bucket: {Type: S3, Properties: {Bucket: !Ref Photos, Events: "s3:ObjectCreated:*"}}
        Topic: {Type: SNS, Properties: {Topic: !Ref News}}
        Time: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}
  Jobs: {Type: AWS::SQS::Queue}
  News: {Type: AWS::SNS::Topic}
  Photos: {Type: AWS::S3::Bucket, Properties: {BucketName: photos}}
  Items: {Type: AWS::Serverless::SimpleTable}
Outputs:
  Http: {Value: !Sub "${ServerlessHttpApi}"}
  Rest: {Value: !Ref ServerlessRestApi}
  Queue: {Value: !Ref Jobs}
  Topic: {Value: !Ref News}
  Function: {Value: !Ref Hello}
"""
SAM_SOURCE = """
import json, os
def handler(event, context):
    said = [os.environ["GREETING"], VERSION, context.function_version]
    return {"statusCode": 200, "body": json.dumps(said)}
"""


def test_what_sam_deploy_sends_becomes_a_stack_that_works(stacks: Stacks) -> None:
    emulator = stacks.emulator
    upload(stacks, "code", "one", SAM_SOURCE.replace("VERSION", "1"))
    options: Any = {"Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}
    status = deploy(stacks, SAM.replace("KEY", "one"), **options)
    assert status == "CREATE_COMPLETE", stacks.reasons()
    outputs = stacks.outputs()
    host = f"{outputs['Http']}.execute-api.localhost"
    assert fetch(stacks, "/hello/bob", host) == ["hello", 1, "1"]
    rest = f"/_aws/execute-api/{outputs['Rest']}/Prod/hello"
    assert fetch(stacks, rest) == ["hello", 1, "1"]
    emulator.client("s3").put_object(Bucket="photos", Key="k", Body=b"x")
    emulator.client("sqs").send_message(QueueUrl=outputs["Queue"], MessageBody="m")
    emulator.client("sns").publish(TopicArn=outputs["Topic"], Message="n")
    emulator.settle()
    seen = {
        record.get("eventSource") or record.get("EventSource")
        for each in emulator.invocations(outputs["Function"])
        for record in each["event"].get("Records", [])
    }
    assert seen == {"aws:s3", "aws:sqs", "aws:sns"}

    upload(stacks, "code", "two", SAM_SOURCE.replace("VERSION", "2"))
    given: Any = {"Parameters": [{"ParameterKey": "Greeting", "ParameterValue": "bye"}], **options}
    status = deploy(stacks, SAM.replace("KEY", "two"), kind="UPDATE", **given)
    assert status == "UPDATE_COMPLETE", stacks.reasons()
    assert fetch(stacks, "/hello/bob", host) == ["bye", 2, "2"]
    original = stacks.client.get_template(StackName="s", TemplateStage="Original")["TemplateBody"]
    assert "AWS::Serverless::Function" in original
    processed = stacks.client.get_template(StackName="s")["TemplateBody"]
    assert "AWS::Lambda::Alias" in json.dumps(processed)
    emulator.client("s3").delete_object(Bucket="photos", Key="k")
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()
    assert [each["FunctionName"] for each in stacks.functions.list_functions()["Functions"]] == [
        "kept"
    ]


def test_the_cors_rules_of_a_sam_api_come_change_and_go(stacks: Stacks) -> None:
    upload(stacks, "code", "one", SAM_SOURCE)
    http = {"Type": "HttpApi", "Properties": {"Path": "/", "Method": "get"}}
    hello = {"CodeUri": "s3://code/one", "Runtime": "python3.12", "Handler": "app.handler"}
    resource = {"Type": "AWS::Serverless::Function", "Properties": {**hello, "Events": {"H": http}}}

    def rules(kind: str, api: dict[str, Any]) -> Any:
        sections = {"Transform": "AWS::Serverless-2016-10-31", "Globals": {"HttpApi": api}}
        body = document({"Hello": resource}, **sections)
        status = deploy(stacks, body, kind=kind, Capabilities=["CAPABILITY_IAM"])
        assert status == f"{kind}_COMPLETE", stacks.reasons()
        (found,) = stacks.emulator.client("apigatewayv2").get_apis()["Items"]
        return found.get("CorsConfiguration")

    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "MaxAge": 60}
    assert rules("CREATE", {"CorsConfiguration": cors}) == cors
    assert rules("UPDATE", {"CorsConfiguration": {**cors, "MaxAge": 5}}) == {**cors, "MaxAge": 5}
    assert rules("UPDATE", {"RouteSettings": {}}) is None


def test_what_an_event_of_a_sam_api_says_of_its_integration_counts(stacks: Stacks) -> None:
    source = (
        "def handler(event, context):\n    return {'statusCode': 200, 'body': event['version']}\n"
    )
    upload(stacks, "code", "one", source)
    hello = {"CodeUri": "s3://code/one", "Runtime": "python3.12", "Handler": "app.handler"}
    routes = {"Path": "/", "Method": "get", "TimeoutInMillis": 2500, "PayloadFormatVersion": "1.0"}
    limits = {"RouteSettings": {"ThrottlingBurstLimit": 5}}
    events = {
        "H": {"Type": "HttpApi", "Properties": {**routes, **limits}},
        "R": {"Type": "Api", "Properties": {"Path": "/", "Method": "get", "TimeoutInMillis": 1500}},
    }
    resource = {"Type": "AWS::Serverless::Function", "Properties": {**hello, "Events": events}}
    body = document({"Hello": resource}, Transform="AWS::Serverless-2016-10-31")
    status = deploy(stacks, body, Capabilities=["CAPABILITY_IAM"])
    assert status == "CREATE_COMPLETE", stacks.reasons()

    http, rest = stacks.emulator.client("apigatewayv2"), stacks.emulator.client("apigateway")
    (api,) = http.get_apis()["Items"]
    (integration,) = http.get_integrations(ApiId=api["ApiId"])["Items"]
    assert integration["TimeoutInMillis"] == 2500
    assert fetch(stacks, "/", f"{api['ApiId']}.execute-api.localhost") == 1.0
    stacks.emulator.wait_for_output("apigateway.not_throttled")

    (api,) = rest.get_rest_apis()["items"]
    (root,) = rest.get_resources(restApiId=api["id"])["items"]
    where = {"restApiId": api["id"], "resourceId": root["id"], "httpMethod": "GET"}
    assert rest.get_integration(**where)["timeoutInMillis"] == 1500


def test_a_faulty_sam_template_says_what_is_wrong_with_it(stacks: Stacks) -> None:
    body = document(
        {"F": {"Type": "AWS::Serverless::Function", "Properties": {}}},
        Transform="AWS::Serverless-2016-10-31",
    )
    with pytest.raises(stacks.client.exceptions.ClientError) as caught:
        stacks.client.create_stack(StackName="s", TemplateBody=body)
    assert "Invalid Serverless Application Specification document" in str(caught.value)
    assert "[F]" in str(caught.value)
    other = document({"F": function()}, Transform="Mine")
    with pytest.raises(stacks.client.exceptions.ClientError, match="No transform named Mine found"):
        stacks.client.create_stack(StackName="s", TemplateBody=other)


BOOTSTRAP = """
Parameters:
  Qualifier: {Type: String, Default: hnb659fds}
  InputKmsKeyId: {Type: String, Default: AWS_MANAGED_KEY}
Conditions:
  CreateNewKey: !Equals [!Ref InputKmsKeyId, ""]
Resources:
  FileAssetsBucketEncryptionKey:
    Type: AWS::KMS::Key
    Condition: CreateNewKey
    Properties: {KeyPolicy: {Statement: []}}
  StagingBucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub cdk-${Qualifier}-assets-${AWS::AccountId}-${AWS::Region}
      AccessControl: Private
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault:
              SSEAlgorithm: aws:kms
              KMSMasterKeyID:
                Fn::If: [CreateNewKey, !Ref FileAssetsBucketEncryptionKey, !Ref "AWS::NoValue"]
      PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true}
      VersioningConfiguration: {Status: Enabled}
      LifecycleConfiguration:
        Rules: [{Id: Old, Status: Enabled, NoncurrentVersionExpiration: {NoncurrentDays: 30}}]
    UpdateReplacePolicy: Retain
    DeletionPolicy: Retain
  StagingBucketPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref StagingBucket
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - Sid: AllowSSLRequestsOnly
            Action: s3:*
            Effect: Deny
            Principal: "*"
            Resource: [!Sub "${StagingBucket.Arn}", !Sub "${StagingBucket.Arn}/*"]
            Condition: {Bool: {"aws:SecureTransport": "false"}}
  ContainerAssetsRepository:
    Type: AWS::ECR::Repository
    Properties:
      RepositoryName: !Sub cdk-${Qualifier}-container-assets
  DeploymentActionRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - Action: sts:AssumeRole
            Effect: Allow
            Principal: {AWS: !Ref "AWS::AccountId"}
      Policies:
        - PolicyName: default
          PolicyDocument:
            Version: 2012-10-17
            Statement: [{Effect: Allow, Action: "cloudformation:*", Resource: "*"}]
      ManagedPolicyArns: [!Sub "arn:${AWS::Partition}:iam::aws:policy/AdministratorAccess"]
  CdkBootstrapVersion:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Name: !Sub "/cdk-bootstrap/${Qualifier}/version", Value: "21"}
Outputs:
  BucketName: {Value: !Sub "${StagingBucket}"}
  BootstrapVersion: {Value: !GetAtt CdkBootstrapVersion.Value}
"""
CDK_APP = {
    "Parameters": {
        "BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        }
    },
    "Rules": {
        "CheckBootstrapVersion": {
            "Assertions": [
                {
                    "Assert": {
                        "Fn::Not": [
                            {
                                "Fn::Contains": [
                                    ["1", "2", "3", "4", "5"],
                                    {"Ref": "BootstrapVersion"},
                                ]
                            }
                        ]
                    },
                    "AssertDescription": "CDK bootstrap stack version 6 required.",
                }
            ]
        }
    },
    "Conditions": {
        "CDKMetadataAvailable": {"Fn::Or": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}]}
    },
}


def cdk_resources() -> dict[str, Any]:
    return {
        "CDKMetadata": {
            "Type": "AWS::CDK::Metadata",
            "Properties": {"Analytics": "v2:deflate64:H4sIAAAA"},
            "Condition": "CDKMetadataAvailable",
        },
        "HandlerRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "ManagedPolicyArns": [
                    {
                        "Fn::Join": [
                            "",
                            [
                                "arn:",
                                {"Ref": "AWS::Partition"},
                                ":iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
                            ],
                        ]
                    }
                ],
            },
        },
        "Handler": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {
                    "S3Bucket": {
                        "Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
                    },
                    "S3Key": "abc.zip",
                },
                "Role": {"Fn::GetAtt": ["HandlerRole", "Arn"]},
                "Handler": "app.handler",
                "Runtime": "python3.12",
            },
            "DependsOn": ["HandlerRole"],
            "Metadata": {"aws:cdk:path": "App/Handler/Resource", "aws:asset:path": "asset.abc"},
        },
        "Api": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {"Name": "Api"},
        },
        "ApiProxy": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": "{proxy+}",
            },
        },
        "ApiAny": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResourceId": {"Ref": "ApiProxy"},
                "HttpMethod": "ANY",
                "AuthorizationType": "NONE",
                "Integration": {
                    "Type": "AWS_PROXY",
                    "IntegrationHttpMethod": "POST",
                    "Uri": {
                        "Fn::Join": [
                            "",
                            [
                                "arn:aws:apigateway:",
                                {"Ref": "AWS::Region"},
                                ":lambda:path/2015-03-31/functions/",
                                {"Fn::GetAtt": ["Handler", "Arn"]},
                                "/invocations",
                            ],
                        ]
                    },
                },
            },
        },
        "ApiDeployment1": {
            "Type": "AWS::ApiGateway::Deployment",
            "Properties": {"RestApiId": {"Ref": "Api"}},
            "DependsOn": ["ApiAny", "ApiProxy"],
        },
        "ApiStage": {
            "Type": "AWS::ApiGateway::Stage",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "DeploymentId": {"Ref": "ApiDeployment1"},
                "StageName": "prod",
            },
        },
    }


def test_a_cdk_app_deploys_into_an_account_that_was_bootstrapped(stacks: Stacks) -> None:
    outputs = {"Api": {"Value": {"Ref": "Api"}}}
    app = document(cdk_resources(), **CDK_APP, Outputs=outputs)
    with pytest.raises(stacks.client.exceptions.ClientError, match="Unable to fetch parameters"):
        stacks.client.create_stack(StackName="app", TemplateBody=app)
    status = deploy(stacks, BOOTSTRAP, "CDKToolkit", Capabilities=["CAPABILITY_NAMED_IAM"])
    assert status == "CREATE_COMPLETE", stacks.reasons("CDKToolkit")
    bucket = stacks.outputs("CDKToolkit")["BucketName"]
    assert bucket == "cdk-hnb659fds-assets-000000000000-us-east-1"
    client = stacks.emulator.client("s3")
    assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert "SSLRequestsOnly" in client.get_bucket_policy(Bucket=bucket)["Policy"]
    proxy = (
        "def handler(event, context):\n"
        "    return {'statusCode': 200, 'body': repr(len(event['path']))}\n"
    )
    upload(stacks, bucket, "abc.zip", proxy)
    assert deploy(stacks, app, "app") == "CREATE_COMPLETE", stacks.reasons("app")
    api = stacks.outputs("app")["Api"]
    assert fetch(stacks, f"/_aws/execute-api/{api}/prod/a/b") == len("/a/b")
    shown = stacks.describe("app")["Parameters"]
    assert shown == [
        {
            "ParameterKey": "BootstrapVersion",
            "ParameterValue": "/cdk-bootstrap/hnb659fds/version",
            "ResolvedValue": "21",
        }
    ]
    given = [{"ParameterKey": "BootstrapVersion", "UsePreviousValue": True}]
    again = stacks.client.create_change_set(
        StackName="app",
        ChangeSetName="d",
        ChangeSetType="UPDATE",
        TemplateBody=app,
        Parameters=given,
    )
    assert stacks.client.describe_change_set(ChangeSetName=again["Id"])["Status"] == "FAILED"
    assert stacks.delete("app") == "DELETE_COMPLETE", stacks.reasons("app")


def test_a_rule_of_a_template_is_asked(stacks: Stacks) -> None:
    stacks.emulator.client("ssm").put_parameter(
        Name="/cdk-bootstrap/hnb659fds/version", Value="5", Type="String"
    )
    app = document({"F": function()}, **CDK_APP)
    with pytest.raises(stacks.client.exceptions.ClientError, match="stack version 6 required"):
        stacks.client.create_stack(StackName="app", TemplateBody=app)


def test_what_serverless_deploys_in_two_steps(stacks: Stacks) -> None:
    first = {
        "ServerlessDeploymentBucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                    ]
                }
            },
        },
        "ServerlessDeploymentBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "ServerlessDeploymentBucket"},
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Action": "s3:*",
                            "Effect": "Deny",
                            "Principal": "*",
                            "Condition": {"Bool": {"aws:SecureTransport": False}},
                            "Resource": {
                                "Fn::Join": [
                                    "",
                                    ["arn:aws:s3:::", {"Ref": "ServerlessDeploymentBucket"}, "/*"],
                                ]
                            },
                        }
                    ]
                },
            },
        },
    }
    outputs = {"ServerlessDeploymentBucketName": {"Value": {"Ref": "ServerlessDeploymentBucket"}}}
    assert stacks.create(first, Outputs=outputs) == "CREATE_COMPLETE", stacks.reasons()
    bucket = stacks.outputs()["ServerlessDeploymentBucketName"]
    upload(stacks, bucket, "s/app.zip", "def handler(event, context):\n    return {'hi': 1}\n")
    second = {
        **first,
        "HelloLogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "/aws/lambda/s-dev-hello"},
        },
        "IamRoleLambdaExecution": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "Policies": [
                    {
                        "PolicyName": {"Fn::Join": ["-", ["s", "dev", "lambda"]]},
                        "PolicyDocument": {"Version": "2012-10-17", "Statement": []},
                    }
                ],
                "RoleName": "s-dev-role",
            },
        },
        "HelloLambdaFunction": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {"S3Bucket": {"Ref": "ServerlessDeploymentBucket"}, "S3Key": "s/app.zip"},
                "Handler": "app.handler",
                "Runtime": "python3.12",
                "FunctionName": "s-dev-hello",
                "MemorySize": 1024,
                "Timeout": 6,
                "Role": {"Fn::GetAtt": ["IamRoleLambdaExecution", "Arn"]},
            },
            "DependsOn": ["HelloLogGroup"],
        },
        "HelloLambdaVersionAbc": {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "Properties": {"FunctionName": {"Ref": "HelloLambdaFunction"}},
        },
        "HttpApi": {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {"Name": "dev-s", "ProtocolType": "HTTP"},
        },
        "HttpApiStage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {
                "ApiId": {"Ref": "HttpApi"},
                "StageName": "$default",
                "AutoDeploy": True,
            },
        },
        "HttpApiIntegrationHello": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "HttpApi"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Fn::GetAtt": ["HelloLambdaFunction", "Arn"]},
                "PayloadFormatVersion": "2.0",
                "TimeoutInMillis": 30000,
            },
        },
        "HttpApiRouteGetHello": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "HttpApi"},
                "RouteKey": "GET /hello",
                "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "HttpApiIntegrationHello"}]]},
            },
        },
    }
    outputs |= {"HttpApiId": {"Value": {"Ref": "HttpApi"}}}
    assert stacks.update(second, Outputs=outputs) == "UPDATE_COMPLETE", stacks.reasons()
    host = f"{stacks.outputs()['HttpApiId']}.execute-api.localhost"
    assert fetch(stacks, "/hello", host) == {"hi": 1}
    stacks.emulator.client("s3").delete_object(Bucket=bucket, Key="s/app.zip")
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()


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
