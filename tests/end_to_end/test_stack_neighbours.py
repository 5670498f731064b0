"""What SAM templates have around functions: authorizers, rules on buses of their own, secrets."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.stack_calls import RUNTIME, Stacks, document
from tests.running_emulator import RunningEmulator, running_emulator

SOURCE = """
def handler(event, context):
    return {"statusCode": 200, "body": "in"}

def token(event, context):
    effect = "Allow" if event["authorizationToken"] == "sesame" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "u", "policyDocument": policy}

def request(event, context):
    return {"isAuthorized": event["headers"]["authorization"] == "sesame"}
"""


def sam_function(name: str, **events: Any) -> dict[str, Any]:
    code = {"InlineCode": SOURCE, "Runtime": RUNTIME, "Handler": f"index.{name}"}
    return {"Type": "AWS::Serverless::Function", "Properties": {**code, "Events": events}}


def route(kind: str, path: str, api: str, **more: Any) -> dict[str, Any]:
    key = "RestApiId" if kind == "Api" else "ApiId"
    where = {"Path": path, "Method": "get", key: {"Ref": api}}
    return {"Type": kind, "Properties": {**where, **more}}


def apis(**default: str) -> str:
    """A REST and an HTTP API with an authorizer; by default for all but one of their paths."""
    everybody = {"Auth": {"Authorizer": "NONE"}} if default else {}
    hello = sam_function(
        "handler",
        A=route("Api", "/x", "Rest"),
        B=route("Api", "/y", "Rest", **everybody),
        C=route("HttpApi", "/x", "Http"),
        D=route("HttpApi", "/y", "Http", **everybody),
    )
    token = {"FunctionArn": {"Fn::GetAtt": ["Token", "Arn"]}}
    request = {
        "FunctionArn": {"Fn::GetAtt": ["Request", "Arn"]},
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "EnableFunctionDefaultPermissions": True,
        "Identity": {"Headers": ["Authorization"], "ReauthorizeEvery": 0},
    }
    rest = {
        "StageName": "dev",
        "Auth": {**default, "Authorizers": {"Mine": token}},
        "GatewayResponses": {"ACCESS_DENIED": {"StatusCode": 404}},
        "BinaryMediaTypes": ["image/png"],
    }
    http = {"Auth": {**default, "Authorizers": {"Mine": request}}}
    resources = {
        "Hello": hello,
        "Token": sam_function("token"),
        "Request": sam_function("request"),
        "Rest": {"Type": "AWS::Serverless::Api", "Properties": rest},
        "Http": {"Type": "AWS::Serverless::HttpApi", "Properties": http},
    }
    return document(resources, Transform="AWS::Serverless-2016-10-31")


RULES = """
Resources:
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: shop}}
  Jobs: {Type: AWS::SQS::Queue}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [shop]}
      Targets: [{Id: a, Arn: !GetAtt Jobs.Arn}]
Outputs:
  Queue: {Value: !Ref Jobs}
  Rule: {Value: !GetAtt Rule.Arn}
"""
SECRET = """
Resources:
  Given: {Type: AWS::SecretsManager::Secret, Properties: {Name: given, SecretString: one}}
  Made:
    Type: AWS::SecretsManager::Secret
    Properties:
      Name: made
      Description: first
      GenerateSecretString:
        SecretStringTemplate: '{"user": "me"}'
        GenerateStringKey: password
        PasswordLength: 20
Outputs:
  Arn: {Value: !Ref Given}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    with running_emulator(tmp_path_factory.mktemp("empty")) as emulator:
        yield emulator


@pytest.fixture
def stacks(running: RunningEmulator) -> Stacks:
    running.reset()
    return Stacks(running)


def deploy(stacks: Stacks, body: str, operation: str = "create_stack") -> None:
    getattr(stacks.client, operation)(
        StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_IAM"]
    )
    stacks.emulator.settle()
    assert stacks.status().endswith("E_COMPLETE"), stacks.reasons()


def status(stacks: Stacks, api: str, path: str, authorization: str | None = None) -> int:
    url = f"{stacks.emulator.endpoint}/_aws/execute-api/{stacks.physical_id(api)}/{path}"
    headers = {"Authorization": authorization} if authorization else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def secret(stacks: Stacks, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stacks.emulator.client("secretsmanager").get_secret_value(SecretId=name)
    return found


def test_authorizers_of_a_definition_decide_who_may_call(stacks: Stacks) -> None:
    deploy(stacks, apis(DefaultAuthorizer="Mine"))
    for api, stage, denied in (("Rest", "dev", 404), ("Http", "$default", 403)):
        answers = [status(stacks, api, f"{stage}/x", who) for who in (None, "thief", "sesame")]
        assert answers == [401, denied, 200], api
        assert status(stacks, api, f"{stage}/y") == 200

    deploy(stacks, apis(), "update_stack")
    assert status(stacks, "Rest", "dev/x") == 200
    assert status(stacks, "Http", "$default/x") == 200
    rest = stacks.emulator.client("apigateway")
    assert rest.get_rest_api(restApiId=stacks.physical_id("Rest"))["binaryMediaTypes"] == [
        "image/png"
    ]
    found = rest.get_authorizers(restApiId=stacks.physical_id("Rest"))["items"]
    assert [each["name"] for each in found] == ["Mine"]  # made once, although the API was changed


def test_a_rule_on_a_bus_of_the_stack_follows_the_template(stacks: Stacks) -> None:
    deploy(stacks, RULES)
    outputs = stacks.outputs()
    assert outputs["Rule"].endswith(":rule/shop/" + stacks.physical_id("Rule").partition("|")[2])
    events, queues = stacks.emulator.client("events"), stacks.emulator.client("sqs")

    def received(source: str) -> list[Any]:
        entry = {"Source": source, "DetailType": "t", "Detail": "{}", "EventBusName": "shop"}
        events.put_events(Entries=[entry])
        stacks.emulator.settle()
        got = queues.receive_message(QueueUrl=outputs["Queue"]).get("Messages", [])
        for each in got:
            queues.delete_message(QueueUrl=outputs["Queue"], ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"]).get("source", each["Body"]) for each in got]

    assert received("shop") == ["shop"]
    deploy(stacks, RULES.replace("source: [shop]", "source: [other]"), "update_stack")
    assert received("shop") == []
    assert received("other") == ["other"]
    moved = RULES.replace("{Id: a,", '{Id: b, Input: \'{"source": "said"}\',')
    deploy(stacks, moved, "update_stack")
    assert received("shop") == ["said"]  # once: the target of before is gone
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()
    assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["default"]


def test_a_secret_has_its_value_or_one_that_is_made_up_once(stacks: Stacks) -> None:
    deploy(stacks, SECRET)
    assert secret(stacks, "given")["SecretString"] == "one"
    assert stacks.outputs()["Arn"] == secret(stacks, "given")["ARN"]
    made = json.loads(secret(stacks, "made")["SecretString"])
    assert made.keys() == {"user", "password"}
    assert len(made["password"]) == 20
    changed = SECRET.replace("SecretString: one", "SecretString: two").replace("first", "second")
    deploy(stacks, changed, "update_stack")
    assert secret(stacks, "given")["SecretString"] == "two"
    assert json.loads(secret(stacks, "made")["SecretString"]) == made
    described = stacks.emulator.client("secretsmanager").describe_secret(SecretId="made")
    assert described["Description"] == "second"
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()


def test_a_pool_of_users_calls_its_function_and_knows_its_clients(stacks: Stacks) -> None:
    source = "def handler(event, context):\n    event['response']['autoConfirmUser'] = True\n"
    event = {"UserPool": {"Ref": "Pool"}, "Trigger": "PreSignUp"}
    confirm = sam_function("handler", Up={"Type": "Cognito", "Properties": event})
    confirm["Properties"]["InlineCode"] = f"{source}    return event\n"
    pool: dict[str, Any] = {"Type": "AWS::Cognito::UserPool", "Properties": {}}
    of_pool = {"UserPoolId": {"Ref": "Pool"}}
    client = {**of_pool, "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"]}

    def template(**group: Any) -> str:
        resources = {
            "Confirm": confirm,
            "Pool": pool,
            "Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": client},
            "Group": {"Type": "AWS::Cognito::UserPoolGroup", "Properties": {**of_pool, **group}},
        }
        outputs = {"Client": {"Value": {"Ref": "Client"}}, "Pool": {"Value": {"Ref": "Pool"}}}
        return document(resources, Outputs=outputs, Transform="AWS::Serverless-2016-10-31")

    deploy(stacks, template(Description="first"))
    outputs = stacks.outputs()
    users = stacks.emulator.client("cognito-idp")
    signed = users.sign_up(ClientId=outputs["Client"], Username="ann", Password="Secret-Word-1")
    assert signed["UserConfirmed"]

    pool["Properties"] = {"Policies": {"PasswordPolicy": {"MinimumLength": 20}}}
    client["ExplicitAuthFlows"] = ["ALLOW_USER_SRP_AUTH"]
    deploy(stacks, template(Description="second"), "update_stack")
    assert stacks.outputs() == outputs
    where = {"UserPoolId": outputs["Pool"]}
    described = users.describe_user_pool(**where)["UserPool"]
    assert described["Policies"]["PasswordPolicy"]["MinimumLength"] == 20
    group = users.get_group(**where, GroupName=stacks.physical_id("Group"))["Group"]
    assert group["Description"] == "second"
    kept = users.describe_user_pool_client(**where, ClientId=outputs["Client"])["UserPoolClient"]
    assert kept["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH"]
    assert [each["Username"] for each in users.list_users(**where)["Users"]] == ["ann"]
    assert stacks.delete() == "DELETE_COMPLETE", stacks.reasons()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("ReplicaRegions: []", "do not take ReplicaRegions of a secret"),
        ("GenerateSecretString: {GenerateStringKey: k}", "required key [SecretStringTemplate]"),
    ],
)
def test_what_a_secret_cannot_be_is_refused(stacks: Stacks, given: str, told: str) -> None:
    body = f"Resources: {{S: {{Type: AWS::SecretsManager::Secret, Properties: {{{given}}}}}}}"
    stacks.client.create_stack(StackName="s", TemplateBody=body)
    assert stacks.status() == "ROLLBACK_COMPLETE"
    assert told in stacks.reasons()
