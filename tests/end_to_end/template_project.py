"""A project with a SAM template that a test writes, and goes on writing while it runs."""

import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.end_to_end.project_folder import save_by_rename

RUNTIME = f"python3.{sys.version_info.minor}"

TEMPLATE = f"""
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  Greeting: {{Type: String, Default: hello}}
Globals:
  Function: {{Runtime: {RUNTIME}, Timeout: 5, Handler: app.handler, CodeUri: src/}}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      Layers: [!Ref Words]
      Environment: {{Variables: {{GREETING: !Ref Greeting, THINGS: !Ref Things}}}}
      Events:
        Http: {{Type: HttpApi, Properties: {{Path: "/hello/{{name}}", Method: get}}}}
        Rest: {{Type: Api, Properties: {{Path: /rest, Method: get}}}}
        Queue: {{Type: SQS, Properties: {{Queue: !GetAtt Jobs.Arn}}}}
        Put: {{Type: S3, Properties: {{Bucket: !Ref Photos, Events: "s3:ObjectCreated:*"}}}}
        News: {{Type: SNS, Properties: {{Topic: !Ref Topic}}}}
        Tick: {{Type: Schedule, Properties: {{Schedule: rate(1 hour)}}}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: steps.asl.json
      DefinitionSubstitutions: {{Hello: !GetAtt Hello.Arn}}
      Role: arn:aws:iam::000000000000:role/steps
  Words:
    Type: AWS::Serverless::LayerVersion
    Properties: {{ContentUri: words/}}
  Jobs: {{Type: AWS::SQS::Queue}}
  Photos: {{Type: AWS::S3::Bucket}}
  Topic: {{Type: AWS::SNS::Topic}}
  Things: {{Type: AWS::Serverless::SimpleTable}}
Outputs:
  Api: {{Value: !Ref ServerlessRestApi}}
  HttpApi: {{Value: !Ref ServerlessHttpApi}}
"""

SOURCE = """
import os

import words

REVISION = 1


def handler(event, context):
    said = f"{os.environ['GREETING']} {words.WORLD} {REVISION}"
    return {"statusCode": 200, "body": said}
"""

STEPS = """{
  "StartAt": "Ask",
  "States": {"Ask": {"Type": "Task", "Resource": "${Hello}", "End": true}}
}
"""


class TemplateProject:
    """A folder with `template.yaml`, the code in `src` and a layer in `words`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.template = path / "template.yaml"
        self.write("template.yaml", TEMPLATE)
        self.write("src/app.py", SOURCE)
        self.write("words/python/words.py", 'WORLD = "world"\n')
        self.write("steps.asl.json", STEPS)

    def write(self, name: str, text: str) -> None:
        """Write a file as an editor does."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        save_by_rename(file, dedent(text))

    def replace(self, name: str, old: str, new: str) -> None:
        """Change one place of a file."""
        text = (self.path / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))


def physical_ids(client: Any, stack: str) -> dict[str, str]:
    """Physical ids of a stack's resources, by their logical ones."""
    found = client.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}
