"""Templates as `sam deploy` sends them."""

import json
from typing import Any

import pytest

from tests.end_to_end.stack_calls import Stacks, document, function
from tests.end_to_end.stack_deployment import deploy, fetch, upload

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
