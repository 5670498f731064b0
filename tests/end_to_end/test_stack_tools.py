"""Templates as CDK and Serverless write them."""

from typing import Any

import pytest

from tests.end_to_end.stack_calls import Stacks, document, function
from tests.end_to_end.stack_deployment import deploy, fetch, upload

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
