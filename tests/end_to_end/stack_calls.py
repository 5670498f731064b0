"""Stacks as a test deploys them: a document in, its last status and reasons out."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running_emulator import RunningEmulator

ROLE = "arn:aws:iam::000000000000:role/r"
RUNTIME = "python3.12"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
Resources = Mapping[str, Any]


def function(source: str = "def handler(event, context):\n    return event\n", **more: Any) -> Any:
    """A function with its code in the template."""
    properties = {
        "Code": {"ZipFile": source},
        "Handler": "index.handler",
        "Role": ROLE,
        "Runtime": RUNTIME,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": {**properties, **more}}


def document(resources: Resources, **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def refused(call: Any, *arguments: Any, **named: Any) -> str:
    """The message of the error that a call of a client ends with."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return str(caught.value.response["Error"]["Message"])


class Stacks:
    """CloudFormation of one running emulator."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self.emulator = emulator
        self.client = emulator.client("cloudformation")
        self.functions = emulator.client("lambda")

    def create(self, resources: Resources, name: str = "s", **sections: Any) -> str:
        """Returns the status that the stack ends with."""
        options = sections.pop("options", {})
        body = document(resources, **sections)
        self.client.create_stack(StackName=name, TemplateBody=body, **options)
        self.emulator.settle()
        return self.status(name)

    def update(self, resources: Resources, name: str = "s", **sections: Any) -> str:
        """Returns the status that the stack ends with."""
        options = sections.pop("options", {})
        body = document(resources, **sections)
        self.client.update_stack(StackName=name, TemplateBody=body, **options)
        self.emulator.settle()
        return self.status(name)

    def delete(self, name: str = "s") -> str:
        """Returns the status that the stack ends with."""
        stack_id = self.describe(name)["StackId"]
        self.client.delete_stack(StackName=name)
        self.emulator.settle()
        return self.status(stack_id)

    def describe(self, name: str = "s") -> dict[str, Any]:
        [found] = self.client.describe_stacks(StackName=name)["Stacks"]
        return dict(found)

    def status(self, name: str = "s") -> str:
        return str(self.describe(name)["StackStatus"])

    def outputs(self, name: str = "s") -> dict[str, str]:
        shown = self.describe(name).get("Outputs", [])
        return {each["OutputKey"]: each["OutputValue"] for each in shown}

    def events(self, name: str = "s") -> list[tuple[str, str]]:
        """Logical id and status, oldest first."""
        found = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return [(each["LogicalResourceId"], each["ResourceStatus"]) for each in reversed(found)]

    def reasons(self, name: str = "s") -> str:
        found = self.client.describe_stack_events(StackName=name)["StackEvents"]
        said = (each.get("ResourceStatusReason") for each in found)
        return "\n".join(reason for reason in said if reason)

    def physical_id(self, resource: str, name: str = "s") -> str:
        found = self.client.describe_stack_resource(StackName=name, LogicalResourceId=resource)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def invoke(self, name: str, event: object = None, **options: Any) -> Any:
        answer = self.functions.invoke(
            FunctionName=name, Payload=json.dumps(event).encode(), **options
        )
        return json.loads(answer["Payload"].read())
